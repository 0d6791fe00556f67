/* The input of `text` and `logs`: a file, or a generated sample. */
#ifndef FB_SOURCE_H
#define FB_SOURCE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/random.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct fb_source {
    const char *bytes; /* in the arena */
    size_t size;
};

/* Writes the text of a sample. */
typedef void (*fb_sample_writer)(FILE *to);

/* Writes a sample to an anonymous file. 0 and *ret_fd, which the caller closes, or a negative errno with
 * *error. */
int fb_source_make(fb_sample_writer write, int *ret_fd, struct fb_error *error);

/* Reads the regular file at path, or a sample if path is "", into the arena. 0, or a negative errno with
 * *error; -EINVAL for an empty file. */
int fb_source_read(struct fb_source *source, struct fb_arena *arena, const char *path,
                   fb_sample_writer write, struct fb_error *error);

#endif
