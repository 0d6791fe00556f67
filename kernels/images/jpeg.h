/* JPEG, by libjpeg-turbo. */
#ifndef FB_JPEG_H
#define FB_JPEG_H

#include "kernels/images/image.h"

/* Decodes a JPEG: see fb_image_decode_least. */
int fb_jpeg_decode(const uint8_t *bytes, size_t size, uint32_t least_width, uint32_t least_height,
                   struct fb_image *image, uint32_t *ret_width, uint32_t *ret_height,
                   struct fb_error *error);

/* Encodes as baseline JPEG, 4:2:0, with quality 1 … 100. 0 and *ret_bytes, which the caller frees, or
 * -ENOMEM or -EINVAL with *error. */
int fb_jpeg_encode(const struct fb_image *image, int quality, uint8_t **ret_bytes, size_t *ret_size,
                   struct fb_error *error);
/* The same with a restart marker after each row of blocks, so that the rows are independent. */
int fb_jpeg_encode_rows(const struct fb_image *image, int quality, uint8_t **ret_bytes,
                        size_t *ret_size, struct fb_error *error);

#endif
