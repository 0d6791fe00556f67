/* A folder of a few small images, for the kernels that resize images. */
#ifndef TEST_SMALL_IMAGES_H
#define TEST_SMALL_IMAGES_H

#include <stdbool.h>
#include <stddef.h>

#define IMAGES_MADE 5

/* Makes a temporary folder with IMAGES_MADE different PNGs and writes its name to ret_folder. False if
 * that failed. */
bool images_make(char *ret_folder, size_t size);

/* Removes the folder and the files that images_make put into it. */
void images_remove(const char *folder);

#endif
