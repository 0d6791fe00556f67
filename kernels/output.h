/* A folder that results are saved into, for kernels with a parameter `out`. */
#ifndef FB_OUTPUT_H
#define FB_OUTPUT_H

#include "base/error.h"

#include <limits.h>
#include <stddef.h>

struct fb_output {
    char folder[PATH_MAX]; /* "": nothing is saved */
};

/* Makes the folder if it is not there; "" is none. 0, or a negative errno with *error: it can't be made or
 * written into, is no folder (-ENOTDIR), or its name is too long (-ENAMETOOLONG). */
int fb_output_open(struct fb_output *output, const char *folder, struct fb_error *error);

/* Saves size bytes as folder/name, whole or not at all: under another name first, which item keeps apart
 * from those of other workers. 0 or a negative errno; then nothing is left behind. */
int fb_output_save(const struct fb_output *output, size_t item, const char *name, const void *bytes,
                   size_t size);

#endif
