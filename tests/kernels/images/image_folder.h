/* A folder of images as people have them: good ones of every kind, broken ones, and what is none.
 */
#ifndef TEST_IMAGE_FOLDER_H
#define TEST_IMAGE_FOLDER_H

#include "tests/support/folder.h"
#include <stddef.h>

struct mixed_file {
    const char *name;
    const char *reason; /* part of what forkbench says of it; NULL: a good one */
};

/* What is to be worked on, in the order of the names; ends with a NULL name. */
extern const struct mixed_file mixed_files[];
size_t mixed_count(void);
size_t mixed_broken(void);

/* Makes the folder, which has hidden files and folders as well. For folder_remove. */
void mixed_make(char ret_folder[FOLDER_NAME]);

/* Adds a named pipe that nobody writes into: one more broken file, "x_pipe.jpg". */
void mixed_add_pipe(const char *folder);

#endif
