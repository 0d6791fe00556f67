/* Decodes JPEG and PNG images. */
#ifndef FB_IMAGE_DECODE_H
#define FB_IMAGE_DECODE_H

#include "kernels/images/image.h"

/* Decodes a JPEG or PNG image, recognised by its first bytes. Grey stays grey; everything else becomes
 * RGB: CMYK and YCCK (inverted, as Adobe's) without a colour profile, palettes looked up, 16 bits
 * reduced to the upper 8, transparency laid over white. 0, or a negative errno with the reason in *error:
 * -EBADMSG broken or truncated, -ENOTSUP neither JPEG nor PNG, -EFBIG, -ENOMEM. */
int fb_image_decode(const uint8_t *bytes, size_t size, struct fb_image *image,
                    struct fb_error *error);

/* The same, but a JPEG may be scaled down to an eighth, two eighths … of its size, as long as the result has at
 * least least_width × least_height pixels. Then those scans of a progressive JPEG that are not needed are not read,
 * so they may be broken, and the picture may fill only a part of the last column and row. *ret_width and
 * *ret_height: the size of the original. */
int fb_image_decode_least(const uint8_t *bytes, size_t size, uint32_t least_width,
                          uint32_t least_height, struct fb_image *image, uint32_t *ret_width,
                          uint32_t *ret_height, struct fb_error *error);

#endif
