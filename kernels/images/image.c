/* Allocates the pixels of an image. */
#include "kernels/images/image.h"

#include <errno.h>
#include <stdlib.h>

int fb_image_reserve(struct fb_image *image, uint32_t width, uint32_t height, uint32_t channels,
                     struct fb_error *error)
{
    if ((uint64_t)width * height > FB_IMAGE_PIXELS_MOST || width > FB_IMAGE_SIDE_MOST ||
        height > FB_IMAGE_SIDE_MOST)
        return fb_error_set(error, -EFBIG, "too large: %u x %u pixels", width, height);
    size_t size = (size_t)width * height * channels;
    if (size > image->room || !image->pixels) {
        uint8_t *pixels = realloc(image->pixels, size + FB_IMAGE_SLACK);
        if (!pixels)
            return fb_error_set(error, -ENOMEM, "out of memory for %u x %u pixels", width, height);
        image->pixels = pixels;
        image->room = size;
    }
    image->width = width;
    image->height = height;
    image->channels = channels;
    image->shown_width = width;
    image->shown_height = height;
    return 0;
}

void fb_image_clear(struct fb_image *image)
{
    free(image->pixels);
    *image = (struct fb_image){ 0 };
}
