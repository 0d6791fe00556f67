/* Generated sample photographs, so that a first run needs no download. */
#ifndef FB_SAMPLE_H
#define FB_SAMPLE_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define FB_SAMPLES 64

/* A pack is one file: this head, then head.count entries, then the bytes of the images. Numbers are in the
 * machine's byte order, because a pack is not used on another machine. */
struct fb_pack_head {
    char magic[8]; /* FB_PACK_MAGIC */
    uint64_t count;
};
#define FB_PACK_MAGIC "FBPACK1\n"

struct fb_pack_entry {
    uint64_t offset, size; /* bytes, from the beginning of the file */
    char name[32];
};

/* Makes FB_SAMPLES distinct JPEGs of 1600 x 1200 pixels, always the same: one picture is encoded with
 * restart markers, and each sample has its rows of blocks in another rotation. 0 and *ret_fd, an anonymous
 * file with the pack, which children inherit and the caller closes, or a negative errno with *error. */
int fb_samples_make(int *ret_fd, struct fb_error *error);

#endif
