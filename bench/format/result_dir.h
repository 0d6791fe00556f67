/* The folder that results are written into. */
#ifndef FB_RESULT_DIR_H
#define FB_RESULT_DIR_H

#include "base/error.h"

#include <stddef.h>
#include <stdio.h>

#define FB_SCHEMA 3 /* version of run.json, its journal and the CSV files: results/README.md */

/* Makes path and what is above it, unless it is there, and checks that it can be written into and
 * has none of the files in `taken` (ends with NULL): what was measured is not written over. 0, or a
 * negative errno with *error: -EEXIST there is one. */
int fb_result_dir_make(const char *path, const char *const *taken, struct fb_error *error);

/* Writes folder/name under a temporary name first, so that what was there is never lost. write
 * returns 0 or a negative errno. 0, or a negative errno with *error. */
int fb_result_dir_write(const char *folder, const char *name,
                        int (*write)(const void *context, FILE *to), const void *context,
                        struct fb_error *error);

/* Makes results/<UTC stamp>-<commit>, with a number behind it if that second has a run already, and
 * points results/latest to it. 0 and its path, or a negative errno with *error. */
int fb_result_dir_make_default(const char *stamp, const char *commit, char *ret_path, size_t size,
                               struct fb_error *error);

#endif
