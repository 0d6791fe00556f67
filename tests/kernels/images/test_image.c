/* Images of every kind are decoded to their original pixels. */
#include "tests/support/support.h"

#include "kernels/images/image_decode.h"
#include "tests/kernels/images/image_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <spng.h>

static struct fb_image image;

static int clear_image(void **state)
{
    (void)state;
    fb_image_clear(&image);
    return image.pixels != NULL;
}

static void decode(const struct bytes *bytes, uint32_t width, uint32_t height, uint32_t channels)
{
    struct fb_error error = { 0 };
    if (fb_image_decode(bytes->data, bytes->size, &image, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(image.width, width);
    assert_int_equal(image.height, height);
    assert_int_equal(image.channels, channels);
}

/* ---- PNG ---- */

static const struct {
    uint8_t colour, depth;
} png_kinds[] = {
    { PNG_GREY, 1 },        { PNG_GREY, 2 },    { PNG_GREY, 4 },    { PNG_GREY, 8 },
    { PNG_GREY, 16 },       { PNG_RGB, 8 },     { PNG_RGB, 16 },    { PNG_PALETTE, 1 },
    { PNG_PALETTE, 2 },     { PNG_PALETTE, 4 }, { PNG_PALETTE, 8 }, { PNG_GREY_ALPHA, 8 },
    { PNG_GREY_ALPHA, 16 }, { PNG_RGBA, 8 },    { PNG_RGBA, 16 },
};

static const struct {
    uint32_t width, height;
} sizes[] = { { 1, 1 }, { 1, 9 }, { 9, 1 }, { 2, 3 }, { 13, 11 }, { 33, 17 } };

static uint8_t palette[3 * 256],
    see_through[200]; /* fewer entries than colours: the others are opaque */

static void make_palette(void)
{
    for (size_t i = 0; i < sizeof palette; i++)
        palette[i] = (uint8_t)(i * 73 + i / 3 * 11);
    for (size_t i = 0; i < sizeof see_through; i++)
        see_through[i] = (uint8_t)(i * 91);
}

/* Whether a pixel has the colour that the tRNS chunk makes transparent. */
static bool is_key(const struct png *png, const uint16_t *sample)
{
    unsigned channels = png_channels(png->colour);
    if (!png->transparency || png->colour == PNG_PALETTE)
        return false;
    for (unsigned i = 0; i < channels; i++)
        if (sample[i] != (png->transparency[2 * i] << 8 | png->transparency[2 * i + 1]))
            return false;
    return true;
}

/* One pixel as the standard defines it: scaled to 8 bits, looked up, laid over white. */
static void expect_pixel(const struct png *png, const uint16_t *sample, uint8_t *ret_rgb)
{
    unsigned channels = png_channels(png->colour), most = (1u << png->depth) - 1;
    uint8_t value[4], alpha = 255;
    for (unsigned i = 0; i < channels; i++)
        value[i] = (uint8_t)(png->depth == 16 ? sample[i] >> 8 : sample[i] * 255u / most);
    if (channels == 2 || channels == 4)
        alpha = value[channels - 1];
    if (is_key(png, sample))
        alpha = 0;
    if (png->colour == PNG_PALETTE && sample[0] < png->transparency_size)
        alpha = png->transparency[sample[0]];
    for (unsigned i = 0; i < 3; i++) {
        unsigned c =
            png->colour == PNG_PALETTE ? palette[3 * sample[0] + i] : value[channels < 3 ? 0 : i];
        ret_rgb[i] = (uint8_t)((2 * (c * alpha + 255u * (255u - alpha)) + 255) / 510);
    }
}

static void check_png(const struct png *png, const uint16_t *samples)
{
    bool grey = png->colour == PNG_GREY || png->colour == PNG_GREY_ALPHA;
    struct bytes bytes = png_make(png, samples);
    decode(&bytes, png->width, png->height, grey ? 1 : 3);
    for (size_t i = 0; i < (size_t)png->width * png->height; i++) {
        uint8_t rgb[3];
        expect_pixel(png, samples + i * png_channels(png->colour), rgb);
        if (greatest_difference(image.pixels + i * image.channels, rgb, image.channels) > 0)
            fail_msg("colour type %d, %d bits%s%s, %u x %u: pixel %zu is %d, not %d", png->colour,
                     png->depth, png->interlaced ? ", interlaced" : "",
                     png->transparency ? ", transparency" : "", png->width, png->height, i,
                     image.pixels[i * image.channels], rgb[0]);
    }
    bytes_clear(&bytes);
}

static void check_png_kind(size_t kind, size_t size, bool interlaced, bool transparent)
{
    struct png png = { sizes[size].width,
                       sizes[size].height,
                       png_kinds[kind].depth,
                       png_kinds[kind].colour,
                       interlaced,
                       NULL,
                       0,
                       NULL,
                       0 };
    unsigned channels = png_channels(png.colour);
    size_t pixels = (size_t)png.width * png.height, colours = 1u << png.depth;
    uint16_t *samples = noise_samples(pixels * channels, 1u << png.depth, (uint32_t)kind + 1);
    uint8_t key[6];
    if (png.colour == PNG_PALETTE) {
        png.palette = palette;
        png.palette_size = 3 * colours;
        png.transparency = transparent ? see_through : NULL;
        png.transparency_size = !transparent ? 0 : colours < 200 ? colours : 200;
    } else if (transparent) {
        /* The last pixel, and the one before it, which differs only in the lowest bit. */
        for (unsigned i = 0; i < channels; i++) {
            uint16_t sample = samples[(pixels - 1) * channels + i];
            key[2 * i] = (uint8_t)(sample >> 8);
            key[2 * i + 1] = (uint8_t)sample;
            if (pixels > 1)
                samples[(pixels - 2) * channels + i] = sample ^ 1;
        }
        png.transparency = key;
        png.transparency_size = 2 * channels;
    }
    check_png(&png, samples);
    free(samples);
}

static void every_kind_of_png(void **state)
{
    (void)state;
    make_palette();
    for (size_t kind = 0; kind < sizeof png_kinds / sizeof *png_kinds; kind++)
        for (size_t size = 0; size < sizeof sizes / sizeof *sizes; size++)
            for (int interlaced = 0; interlaced < 2; interlaced++) {
                unsigned channels = png_channels(png_kinds[kind].colour);
                check_png_kind(kind, size, interlaced, false);
                if (channels == 1 || channels == 3)
                    check_png_kind(kind, size, interlaced, true);
            }
}

/* Each alpha over white, in both kinds of images with alpha. */
static void transparency_lies_over_white(void **state)
{
    (void)state;
    uint16_t grey[2 * 256], rgba[4 * 256];
    for (int i = 0; i < 256; i++) {
        grey[2 * i] = rgba[4 * i] = 10;
        rgba[4 * i + 1] = 200;
        rgba[4 * i + 2] = (uint16_t)(255 - i);
        grey[2 * i + 1] = rgba[4 * i + 3] = (uint16_t)i;
    }
    check_png(&(struct png){ .width = 16, .height = 16, .depth = 8, .colour = PNG_GREY_ALPHA },
              grey);
    assert_int_equal(image.pixels[0], 255);
    assert_int_equal(image.pixels[255], 10);
    check_png(&(struct png){ .width = 16, .height = 16, .depth = 8, .colour = PNG_RGBA }, rgba);
    assert_int_equal(image.pixels[0], 255);
    assert_int_equal(image.pixels[3 * 255 + 1], 200);
}

/* From an encoder that compresses. */
static void png_of_another_encoder(void **state)
{
    (void)state;
    uint8_t *pixels = smooth_pixels(301, 77, 3);
    struct spng_ihdr header = {
        .width = 301, .height = 77, .bit_depth = 8, .color_type = SPNG_COLOR_TYPE_TRUECOLOR
    };
    spng_ctx *png = spng_ctx_new(SPNG_CTX_ENCODER);
    struct bytes bytes;
    assert_non_null(png);
    spng_set_option(png, SPNG_ENCODE_TO_BUFFER, 1);
    assert_int_equal(spng_set_ihdr(png, &header), 0);
    int code = spng_encode_image(png, pixels, 301 * 77 * 3, SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE);
    assert_int_equal(code, 0);
    bytes.data = spng_get_png_buffer(png, &bytes.size, &code);
    assert_true(bytes.data && bytes.size < 301 * 77);
    decode(&bytes, 301, 77, 3);
    assert_memory_equal(image.pixels, pixels, 301 * 77 * 3);
    bytes_clear(&bytes);
    spng_ctx_free(png);
    free(pixels);
}

/* ---- JPEG ---- */

/* Inks are inverted: 255 is no ink, and the product is the remaining light. */
static void expect_rgb(enum jpeg_kind kind, const uint8_t *pixel, uint8_t *ret_rgb)
{
    for (int i = 0; i < 3; i++)
        ret_rgb[i] = kind == JPEG_GREY  ? pixel[0]
                     : kind < JPEG_CMYK ? pixel[i]
                                        : (uint8_t)(pixel[i] * pixel[3] / 255);
}

static void every_kind_of_jpeg(void **state)
{
    (void)state;
    static const uint32_t side[][2] = { { 1, 1 }, { 1, 40 }, { 40, 1 }, { 37, 23 }, { 128, 96 } };
    for (enum jpeg_kind kind = 0; kind < JPEG_KINDS; kind++)
        for (size_t size = 0; size < sizeof side / sizeof *side; size++) {
            uint32_t width = side[size][0], height = side[size][1];
            uint8_t *pixels = smooth_pixels(width, height, jpeg_channels(kind));
            struct bytes bytes = jpeg_make(kind, width, height, 97, pixels);
            decode(&bytes, width, height, kind == JPEG_GREY ? 1 : 3);
            for (size_t i = 0; i < (size_t)width * height; i++) {
                uint8_t rgb[3];
                expect_rgb(kind, pixels + i * jpeg_channels(kind), rgb);
                int off =
                    greatest_difference(image.pixels + i * image.channels, rgb, image.channels);
                if (off > 8)
                    fail_msg("kind %d, %u x %u, pixel %zu: off by %d", kind, width, height, i, off);
            }
            bytes_clear(&bytes);
            free(pixels);
        }
}

/* With inverted inks 0 is full ink: black, cyan, and paper. */
static void inks_are_inverted(void **state)
{
    (void)state;
    static const uint8_t ink[][4] = {
        { 255, 255, 255, 0 }, { 0, 255, 255, 255 }, { 255, 255, 255, 255 }, { 255, 255, 255, 128 }
    };
    static const uint8_t rgb[][3] = {
        { 0, 0, 0 }, { 0, 255, 255 }, { 255, 255, 255 }, { 128, 128, 128 }
    };
    for (enum jpeg_kind kind = JPEG_CMYK; kind < JPEG_KINDS; kind++)
        for (int colour = 0; colour < 4; colour++) {
            uint8_t pixels[64][4];
            for (int i = 0; i < 64; i++)
                memcpy(pixels[i], ink[colour], 4);
            struct bytes bytes = jpeg_make(kind, 8, 8, 98, pixels[0]);
            decode(&bytes, 8, 8, 3);
            assert_true(greatest_difference(image.pixels, rgb[colour], 3) <= 3);
            bytes_clear(&bytes);
        }
}

#define TEST(function) cmocka_unit_test_teardown(function, clear_image)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_kind_of_png),      TEST(transparency_lies_over_white),
        TEST(png_of_another_encoder), TEST(every_kind_of_jpeg),
        TEST(inks_are_inverted),
    };
    return RUN_TESTS(tests);
}
