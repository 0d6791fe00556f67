/* What `text` and `logs` read: a file, or a sample that is made. */
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

/* Writes a sample's text. */
typedef void (*fb_sample_writer)(FILE *to);

/* Makes a sample in memory: 0 and *ret_fd, the caller's, or a negative errno with *error. */
int fb_source_make(fb_sample_writer write, int *ret_fd, struct fb_error *error);

/* Reads the regular file at path, or a sample where path is "", into the arena. 0, or a negative errno
 * with *error; an empty file is -EINVAL. */
int fb_source_read(struct fb_source *source, struct fb_arena *arena, const char *path,
                   fb_sample_writer write, struct fb_error *error);

#endif
