/* The images to resize: the files of a folder, or a pack of sample photographs. */
#ifndef FB_ALBUM_H
#define FB_ALBUM_H

#include "base/arena.h"
#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

struct fb_album_item {
    const char *name;
    const uint8_t *bytes; /* in a pack; NULL: a file in the folder */
    size_t size;
};

struct fb_album {
    const char *folder; /* NULL: a pack */
    size_t count;
    struct fb_album_item *items;
};

/* A buffer for the bytes of one file at a time. All zero is an empty buffer; end it with free(data). */
struct fb_bytes {
    uint8_t *data;
    size_t room;
};

/* Lists the files of the folder `images` in the order of their names, without hidden files and folders; or
 * maps the pack `images`; or, if that is "", makes a pack. The album lies in the arena. 0, or a negative
 * errno with *error: the folder can't be read or has no files, or `images` is neither folder nor pack. */
int fb_album_open(struct fb_album *album, struct fb_arena *arena, const char *images,
                  struct fb_error *error);

/* The bytes of one image, either in the pack or read into buffer. 0, or a negative errno with the reason in
 * *error. */
int fb_album_read(const struct fb_album *album, size_t index, struct fb_bytes *buffer,
                  const uint8_t **ret_bytes, size_t *ret_size, struct fb_error *error);

#endif
