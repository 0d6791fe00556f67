/* Recognises the format of an image and calls its decoder. */
#include "kernels/images/image_decode.h"

#include "kernels/images/jpeg.h"
#include "kernels/images/png.h"

#include <errno.h>
#include <string.h>

int fb_image_decode_least(const uint8_t *bytes, size_t size, uint32_t least_width,
                          uint32_t least_height, struct fb_image *image, uint32_t *ret_width,
                          uint32_t *ret_height, struct fb_error *error)
{
    static const uint8_t jpeg[] = { 0xff, 0xd8, 0xff };
    static const uint8_t png[] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };
    if (size == 0)
        return fb_error_set(error, -EBADMSG, "empty file");
    if (size >= sizeof jpeg && memcmp(bytes, jpeg, sizeof jpeg) == 0)
        return fb_jpeg_decode(bytes, size, least_width, least_height, image, ret_width, ret_height,
                              error);
    if (size < sizeof png || memcmp(bytes, png, sizeof png) != 0)
        return fb_error_set(error, -ENOTSUP, "neither a JPEG nor a PNG image");
    int result = fb_png_decode(bytes, size, image, error);
    *ret_width = image->width;
    *ret_height = image->height;
    return result;
}

int fb_image_decode(const uint8_t *bytes, size_t size, struct fb_image *image,
                    struct fb_error *error)
{
    uint32_t width, height;
    return fb_image_decode_least(bytes, size, UINT32_MAX, UINT32_MAX, image, &width, &height,
                                 error);
}
