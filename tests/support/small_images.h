/* A few small images for the kernels that want a folder of them. */
#ifndef TEST_SMALL_IMAGES_H
#define TEST_SMALL_IMAGES_H

#include <stdbool.h>
#include <stddef.h>

#define IMAGES_MADE 5

/* Makes a temporary folder of IMAGES_MADE different PNGs; names it in ret_folder. False when that
 * failed. */
bool images_make(char *ret_folder, size_t size);

/* Removes the folder and what images_make put into it. */
void images_remove(const char *folder);

#endif
