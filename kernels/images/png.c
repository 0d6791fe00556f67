/* Decodes PNG images. */
#include "kernels/images/png.h"

#include <errno.h>
#include <spng.h>
#include <stdlib.h>
#include <string.h>

static int fail(int code, struct fb_error *error)
{
    return fb_error_set(error, code == SPNG_EMEM ? -ENOMEM : -EBADMSG, "PNG: %s",
                        spng_strerror(code));
}

/* Lays RGBA over white, in place: 4 bytes per pixel become 3, or 1 for grey, whose channels are equal. */
static void flatten(uint8_t *pixels, size_t count, uint32_t channels)
{
    const uint8_t *from = pixels;
    for (size_t i = 0; i < count; i++, from += 4) {
        uint8_t alpha = from[3];
        for (uint32_t channel = 0; channel < channels; channel++)
            *pixels++ = (uint8_t)((from[channel] * alpha + 255 * (255 - alpha) + 127) / 255);
    }
}

static int decode(spng_ctx *png, struct fb_image *image, struct fb_error *error)
{
    struct spng_ihdr header;
    struct spng_trns transparency;
    int code = spng_get_ihdr(png, &header);
    if (code)
        return fail(code, error);
    bool grey = header.color_type == SPNG_COLOR_TYPE_GRAYSCALE ||
                header.color_type == SPNG_COLOR_TYPE_GRAYSCALE_ALPHA;
    code = spng_get_trns(png, &transparency);
    bool transparent = code == 0;
    if (code && code != SPNG_ECHUNKAVAIL)
        return fail(code, error);
    /* All kinds can be decoded to RGBA; for grey without transparency there is a quicker way. */
    bool quick =
        header.color_type == SPNG_COLOR_TYPE_GRAYSCALE && header.bit_depth <= 8 && !transparent;
    int format = quick ? SPNG_FMT_G8 : SPNG_FMT_RGBA8;
    int result = fb_image_reserve(image, header.width, header.height, quick ? 1 : 4, error);
    if (result < 0)
        return result;
    size_t size = (size_t)header.width * header.height * (quick ? 1 : 4);
    code = spng_decode_image(png, image->pixels, size, format, SPNG_DECODE_TRNS);
    /* libspng verifies the last checksums only here. */
    if (!code)
        code = spng_decode_chunks(png);
    if (code)
        return fail(code, error);
    if (!quick) {
        image->channels = grey ? 1 : 3;
        flatten(image->pixels, (size_t)header.width * header.height, image->channels);
    }
    return 0;
}

int fb_png_decode(const uint8_t *bytes, size_t size, struct fb_image *image, struct fb_error *error)
{
    /* The end chunk, always the same twelve bytes: libspng accepts a file without it. */
    static const uint8_t end[] = { 0, 0, 0, 0, 'I', 'E', 'N', 'D', 0xae, 0x42, 0x60, 0x82 };
    if (!memmem(bytes, size, end, sizeof end))
        return fb_error_set(error, -EBADMSG, "PNG: truncated");
    spng_ctx *png = spng_ctx_new(0);
    if (!png)
        return fb_error_set(error, -ENOMEM, "out of memory");
    /* Chunks that are not used (texts, profiles) must not take much memory either. */
    spng_set_chunk_limits(png, (size_t)1 << 26, (size_t)1 << 26);
    spng_set_crc_action(png, SPNG_CRC_ERROR, SPNG_CRC_ERROR);
    int code = spng_set_png_buffer(png, bytes, size);
    int result = code ? fail(code, error) : decode(png, image, error);
    spng_ctx_free(png);
    return result;
}
