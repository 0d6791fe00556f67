/* The folder that results are written to. */
#ifndef FB_RESULT_DIR_H
#define FB_RESULT_DIR_H

#include "base/error.h"

#include <stddef.h>
#include <stdio.h>

#define FB_SCHEMA 3 /* version of run.json, its journal and the CSV files: results/README.md */

/* Creates the folder path and its missing parents. Checks that it is writable and has none of the
 * files in `taken` (ends with NULL), so that older results are not overwritten. 0, or a negative
 * errno with *error: -EEXIST it has one of them. */
int fb_result_dir_make(const char *path, const char *const *taken, struct fb_error *error);

/* Writes folder/name under a temporary name first: on failure the old file is unchanged. write
 * returns 0 or a negative errno. 0, or a negative errno with *error. */
int fb_result_dir_write(const char *folder, const char *name,
                        int (*write)(const void *context, FILE *to), const void *context,
                        struct fb_error *error);

/* Creates results/<UTC stamp>-<commit>, with a number appended if that name is taken, and points
 * results/latest to it. 0 with its path in ret_path, or a negative errno with *error. */
int fb_result_dir_make_default(const char *stamp, const char *commit, char *ret_path, size_t size,
                               struct fb_error *error);

#endif
