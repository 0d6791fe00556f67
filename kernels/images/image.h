/* Images of 8-bit pixels: decode, resample, encode. */
#ifndef FB_IMAGE_H
#define FB_IMAGE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An image with more pixels, or longer on one side, is refused: a few bytes can claim gigabytes. */
#define FB_IMAGE_PIXELS_MOST ((uint64_t)1 << 28)
#define FB_IMAGE_SIDE_MOST (1u << 20)
#define FB_IMAGE_SLACK 64

/* Grey (1 channel) or RGB (3), rows from the top, without gaps. The buffer grows as needed and is
 * kept for the next image. All zero is a valid empty image. */
struct fb_image {
    uint32_t width, height, channels;
    /* How much of them the picture takes: less than width, height where the last column, row is only partly of it,
     * as after scaled decoding. */
    double shown_width, shown_height;
    uint8_t *pixels;
    size_t room;
};

/* Sets the size, all of it shown, and makes room, with FB_IMAGE_SLACK bytes behind, which vectors may read; the
 * pixels are undefined. 0, or -ENOMEM / -EFBIG with *error. */
int fb_image_reserve(struct fb_image *image, uint32_t width, uint32_t height, uint32_t channels,
                     struct fb_error *error);
void fb_image_clear(struct fb_image *image);

#endif
