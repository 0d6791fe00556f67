/* Decodes an image, whichever of the two formats it has. */
#ifndef FB_IMAGE_DECODE_H
#define FB_IMAGE_DECODE_H

#include "kernels/images/image.h"

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

#endif
