/* A realistic folder of images: good ones of every kind, broken ones, and other files. */
#ifndef TEST_IMAGE_FOLDER_H
#define TEST_IMAGE_FOLDER_H

#include "tests/support/folder.h"
#include <stddef.h>

struct mixed_file {
    const char *name;
    const char *reason; /* part of the message about a broken file; NULL: a good image */
};

/* The files that `resize` works on, in the order of their names; ends with a NULL name. */
extern const struct mixed_file mixed_files[];
size_t mixed_count(void);
size_t mixed_broken(void);

/* Makes the folder, which also has hidden files and folders. End it with folder_remove. */
void mixed_make(char ret_folder[FOLDER_NAME]);

/* Adds a named pipe without a writer, "x_pipe.jpg": one more broken file. */
void mixed_add_pipe(const char *folder);

#endif
