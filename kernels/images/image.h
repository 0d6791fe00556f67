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

enum fb_filter { FB_BOX, FB_BILINEAR, FB_BICUBIC, FB_LANCZOS3 };

/* Sets the size, all of it shown, and makes room, with FB_IMAGE_SLACK bytes behind, which vectors may read; the
 * pixels are undefined. 0, or -ENOMEM / -EFBIG with *error. */
int fb_image_reserve(struct fb_image *image, uint32_t width, uint32_t height, uint32_t channels,
                     struct fb_error *error);
void fb_image_clear(struct fb_image *image);

/* Decodes a JPEG or PNG, told by its first bytes. Grey stays grey; everything else becomes RGB:
 * CMYK and YCCK (Adobe's, inverted) without a colour profile, palettes looked up, 16 bits cut to
 * the upper 8, transparency laid over white. 0, or a negative errno with the reason in *error:
 * -EBADMSG broken or truncated, -ENOTSUP neither JPEG nor PNG, -EFBIG, -ENOMEM. */
int fb_image_decode(const uint8_t *bytes, size_t size, struct fb_image *image,
                    struct fb_error *error);

/* The same, but a JPEG may come out smaller, by eighths, as long as it has at least so many pixels; then
 * what it does not need of a progressive one is not read, and may be broken. The image's own size in *ret_width
 * and *ret_height. The last column and row may then be of blocks that the picture only partly fills. */
int fb_image_decode_least(const uint8_t *bytes, size_t size, uint32_t least_width,
                          uint32_t least_height, struct fb_image *image, uint32_t *ret_width,
                          uint32_t *ret_height, struct fb_error *error);

/* For these two. */
int fb_jpeg_decode(const uint8_t *bytes, size_t size, uint32_t least_width, uint32_t least_height,
                   struct fb_image *image, uint32_t *ret_width, uint32_t *ret_height,
                   struct fb_error *error);
int fb_png_decode(const uint8_t *bytes, size_t size, struct fb_image *image,
                  struct fb_error *error);

/* Encodes as baseline JPEG, 4:2:0, with quality 1 … 100. 0 and *ret_bytes, to be freed by the
 * caller, or -ENOMEM or -EINVAL with *error. */
int fb_jpeg_encode(const struct fb_image *image, int quality, uint8_t **ret_bytes, size_t *ret_size,
                   struct fb_error *error);
/* The same with a restart marker after each row of blocks, which makes the rows independent. */
int fb_jpeg_encode_rows(const struct fb_image *image, int quality, uint8_t **ret_bytes,
                        size_t *ret_size, struct fb_error *error);

/* The weights of one output pixel along one axis: count inputs from first on. */
struct fb_taps {
    uint32_t first, count;
    const double *weight; /* they add up to 1 */
};

/* All weights of one axis, from `from` pixels, of which the picture takes `shown`, to `to`: an antialiased filter is as wide as it takes
 * to reach all inputs when it shrinks an image (Turkowski, Filters for Common Resampling Tasks,
 * 1990). The support is rounded to whole pixels as Pillow does. */
struct fb_axis {
    uint32_t to, longest; /* longest: the largest count */
    struct fb_taps *taps; /* [to] */
    double *weights;
};
int fb_axis_init(struct fb_axis *axis, enum fb_filter filter, uint32_t from, double shown,
                 uint32_t to);
void fb_axis_clear(struct fb_axis *axis);

/* What resampling needs beside its images; kept from image to image. All zero is valid. */
struct fb_resampler {
    struct fb_image middle; /* resampled horizontally only */
    int32_t *fixed;         /* weights as integers */
    size_t room;
};
void fb_resampler_clear(struct fb_resampler *resampler);

/* Resamples `from` to width × height: first each row, to 8 bits, then each column, as Pillow does,
 * so that results agree with its own within 1 in 255. 0, or -ENOMEM / -EFBIG with *error. */
int fb_image_resample(const struct fb_image *from, enum fb_filter filter, uint32_t width,
                      uint32_t height, struct fb_resampler *resampler, struct fb_image *ret_image,
                      struct fb_error *error);

#endif
