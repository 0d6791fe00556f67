/* A folder for results, for kernels that have a parameter `out`. */
#ifndef FB_OUTPUT_H
#define FB_OUTPUT_H

#include "base/error.h"

#include <limits.h>
#include <stddef.h>

struct fb_output {
    char folder[PATH_MAX]; /* "": nothing is saved */
};

/* Creates the folder if necessary; with "" nothing will be saved. 0, or a negative errno with *error: it
 * can't be created or written to, it is not a folder (-ENOTDIR), or its name is too long (-ENAMETOOLONG). */
int fb_output_open(struct fb_output *output, const char *folder, struct fb_error *error);

/* Saves size bytes as folder/name, completely or not at all: it writes a temporary file, whose name
 * contains the process id and `item`, and renames it. 0, or a negative errno, and then no file is left. */
int fb_output_save(const struct fb_output *output, size_t item, const char *name, const void *bytes,
                   size_t size);

#endif
