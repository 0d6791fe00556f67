/* An image of 8-bit pixels. */
#ifndef FB_IMAGE_H
#define FB_IMAGE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Larger images are refused: the header of a small file can ask for gigabytes. */
#define FB_IMAGE_PIXELS_MOST ((uint64_t)1 << 28)
#define FB_IMAGE_SIDE_MOST (1u << 20)
#define FB_IMAGE_SLACK 64 /* bytes after the pixels */

/* Grey (1 channel) or RGB (3), rows from the top, without padding. The buffer grows as needed and is
 * reused for the next image. All zero is a valid empty image. */
struct fb_image {
    uint32_t width, height, channels;
    /* The part of width, height that the picture fills: after scaled decoding the picture may cover only a
     * fraction of the last column and row. */
    double shown_width, shown_height;
    uint8_t *pixels;
    size_t room;
};

/* Sets the size, which the picture fills, and allocates the pixels, followed by FB_IMAGE_SLACK bytes that vectors
 * may read. The pixels are undefined. 0, or -ENOMEM / -EFBIG with *error. */
int fb_image_reserve(struct fb_image *image, uint32_t width, uint32_t height, uint32_t channels,
                     struct fb_error *error);
void fb_image_clear(struct fb_image *image);

#endif
