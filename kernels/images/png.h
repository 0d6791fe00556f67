/* PNG, by libspng. */
#ifndef FB_PNG_H
#define FB_PNG_H

#include "kernels/images/image.h"

/* Decodes a PNG: see fb_image_decode. */
int fb_png_decode(const uint8_t *bytes, size_t size, struct fb_image *image,
                  struct fb_error *error);

#endif
