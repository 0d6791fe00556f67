/* The folder that a run writes into. */
#ifndef FB_FOLDER_H
#define FB_FOLDER_H

#include "base/error.h"

#include <stddef.h>

/* Makes path and what is above it, unless it is there, and checks that it can be written into and
 * holds no run. 0, or a negative errno with *error. */
int fb_folder_make(const char *path, struct fb_error *error);

/* Makes results/<UTC stamp>-<commit>, with a number behind it if that second has a run already, and
 * points results/latest to it. 0 and its path, or a negative errno with *error. */
int fb_folder_make_default(const char *stamp, const char *commit, char *ret_path, size_t size,
                           struct fb_error *error);

#endif
