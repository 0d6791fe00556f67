/* Broken images are refused with a reason, whatever is broken, and never crash the decoder. Worth running under the
 * address sanitizer. */
#include "tests/support/support.h"

#include "kernels/images/image_decode.h"
#include "kernels/images/resample.h"
#include "tests/kernels/images/image_fixture.h"

#include <limits.h>
#include <malloc.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static struct fb_image image;

static int clear_image(void **state)
{
    (void)state;
    fb_image_clear(&image);
    return 0;
}

/* Decodes a copy without spare bytes, so that the sanitizer detects a read beyond the end. */
static int decode(const uint8_t *bytes, size_t size, struct fb_error *error)
{
    uint8_t *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    *error = (struct fb_error){ 0 };
    int result = fb_image_decode(copy, size, &image, error);
    free(copy);
    return result;
}

/* Fails the test unless result is one of the documented codes, with a sentence of one line. */
static void check_refusal(int result, const struct fb_error *error)
{
    assert_int_equal(error->code, result);
    assert_true(result == -EBADMSG || result == -EFBIG || result == -ENOTSUP);
    assert_true(error->text[0] != '\0');
    assert_null(strpbrk(error->text, "\r\n"));
}

static void refuse(const uint8_t *bytes, size_t size, int code)
{
    struct fb_error error;
    int result = decode(bytes, size, &error);
    if (result != code)
        fail_msg("%zu bytes: %d (%s), not %d", size, result, error.text, code);
    check_refusal(result, &error);
    /* Without a struct fb_error. */
    assert_int_equal(fb_image_decode(bytes, size, &image, NULL), code);
}

/* ---- other files ---- */

static void other_files_are_refused(void **state)
{
    (void)state;
    static const char *const text[] = {
        "\n",
        "hello",
        "GIF89a not for us",
        "BM",
        "\xff",
        "\xff\xd8",
        "\x89PNG",
        "\x89PNG\r\n\x1a",
        "\x89PNG\n\n\x1a\n",
        " \xff\xd8\xff",
        "%PDF-1.7",
    };
    refuse((const uint8_t *)"", 0, -EBADMSG);
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        refuse((const uint8_t *)text[i], strlen(text[i]), -ENOTSUP);
    for (int byte = 0; byte < 256; byte++)
        refuse(&(uint8_t){ (uint8_t)byte }, 1, -ENOTSUP);
}

/* The first bytes are correct, and nothing or nonsense follows. */
static void only_the_signature(void **state)
{
    (void)state;
    static const uint8_t png[64] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };
    static const uint8_t jpeg[64] = { 0xff, 0xd8, 0xff, 0xe0 };
    uint8_t noise[600];
    uint32_t seed = 11;
    for (size_t size = 8; size <= sizeof png; size++)
        refuse(png, size, -EBADMSG);
    for (size_t size = 3; size <= sizeof jpeg; size++)
        refuse(jpeg, size, -EBADMSG);
    for (int round = 0; round < 2000; round++) {
        for (size_t i = 0; i < sizeof noise; i++)
            noise[i] = (uint8_t)next_number(&seed);
        memcpy(noise, round % 2 ? png : jpeg, round % 2 ? 8 : 3);
        refuse(noise, sizeof noise, -EBADMSG);
    }
}

/* ---- small examples of every kind ---- */

#define EXAMPLES (JPEG_KINDS + 9)

static struct bytes example_png(uint8_t colour, uint8_t depth, bool interlaced, bool transparent)
{
    static uint8_t palette[48], clear[6];
    struct png png = {
        .width = 11, .height = 7, .depth = depth, .colour = colour, .interlaced = interlaced
    };
    if (colour == PNG_PALETTE) {
        png.palette = palette;
        png.palette_size = 3u << depth;
    }
    if (transparent) {
        png.transparency = clear;
        png.transparency_size = colour == PNG_GREY ? 2 : colour == PNG_RGB ? 6 : 3;
    }
    uint16_t *samples = noise_samples(11 * 7 * png_channels(colour), 1u << depth, 9);
    struct bytes bytes = png_make(&png, samples);
    free(samples);
    return bytes;
}

static void make_examples(struct bytes *ret_example)
{
    struct bytes *next = ret_example;
    for (enum jpeg_kind kind = 0; kind < JPEG_KINDS; kind++)
        *next++ = jpeg_smooth(kind, 20, 19);
    *next++ = example_png(PNG_GREY, 1, false, false);
    *next++ = example_png(PNG_GREY, 8, false, true);
    *next++ = example_png(PNG_GREY, 16, true, false);
    *next++ = example_png(PNG_RGB, 8, false, false);
    *next++ = example_png(PNG_RGB, 8, true, true);
    *next++ = example_png(PNG_PALETTE, 4, false, false);
    *next++ = example_png(PNG_PALETTE, 2, true, true);
    *next++ = example_png(PNG_GREY_ALPHA, 8, true, false);
    *next++ = example_png(PNG_RGBA, 16, false, false);
    assert_int_equal(next - ret_example, EXAMPLES);
    struct fb_error error;
    for (int i = 0; i < EXAMPLES; i++)
        if (decode(ret_example[i].data, ret_example[i].size, &error) != 0)
            fail_msg("example %d: %s", i, error.text);
}

static void clear_examples(struct bytes *example)
{
    for (int i = 0; i < EXAMPLES; i++)
        bytes_clear(&example[i]);
}

/* Not even the last byte may be missing. */
static void check_cuts(bool png)
{
    struct bytes example[EXAMPLES];
    size_t accepted = 0;
    make_examples(example);
    for (int i = 0; i < EXAMPLES; i++)
        for (size_t size = 0; size < example[i].size && (i >= JPEG_KINDS) == png; size++) {
            struct fb_error error;
            int result = decode(example[i].data, size, &error);
            if (result != 0)
                check_refusal(result, &error);
            else if (accepted++ == 0)
                print_error("example %d: %zu of %zu bytes are enough\n", i, size, example[i].size);
        }
    clear_examples(example);
    assert_int_equal(accepted, 0);
}

static void every_truncated_jpeg_is_refused(void **state)
{
    (void)state;
    check_cuts(false);
}

static void every_truncated_png_is_refused(void **state)
{
    (void)state;
    check_cuts(true);
}

/* Cameras and editors append data. */
static void bytes_after_the_end_are_ignored(void **state)
{
    (void)state;
    struct bytes example[EXAMPLES];
    make_examples(example);
    for (int i = 0; i < EXAMPLES; i++) {
        struct fb_error error;
        uint8_t *longer = calloc(1, example[i].size + 100);
        assert_non_null(longer);
        memcpy(longer, example[i].data, example[i].size);
        if (decode(longer, example[i].size + 100, &error) != 0)
            fail_msg("example %d: %s", i, error.text);
        free(longer);
    }
    clear_examples(example);
}

/* Flips bits, sets bytes, or removes some. Returns the new size. */
static size_t damage(uint8_t *bytes, size_t size, uint32_t *seed)
{
    unsigned count = 1 + next_number(seed) % 4;
    for (unsigned i = 0; i < count; i++) {
        size_t at = next_number(seed) % size;
        switch (next_number(seed) % 4) {
        case 0:
            bytes[at] ^= (uint8_t)(1u << next_number(seed) % 8);
            break;
        case 1:
            bytes[at] = (uint8_t)next_number(seed);
            break;
        case 2:
            bytes[at] = next_number(seed) % 2 ? 0xff : 0;
            break;
        default:
            memmove(bytes + at, bytes + at + 1, size - at - 1);
            size--;
        }
    }
    return size;
}

/* A damaged image is either refused or gives an image that can be resampled. */
static bool survives(const uint8_t *bytes, size_t size)
{
    struct fb_error error;
    struct fb_image small = { 0 };
    struct fb_resampler resampler = { 0 };
    int result = decode(bytes, size, &error);
    if (result < 0) {
        check_refusal(result, &error);
        return false;
    }
    assert_int_equal(result, 0);
    assert_true(image.channels == 1 || image.channels == 3);
    assert_true(image.width > 0 && image.height > 0);
    assert_true((size_t)image.width * image.height * image.channels <= image.room);
    assert_int_equal(fb_image_resample(&image, FB_BILINEAR, 3, 2, &resampler, &small, &error), 0);
    fb_resampler_clear(&resampler);
    fb_image_clear(&small);
    return true;
}

#define ROUNDS 1500 /* per example */

static void damaged_images_never_crash(void **state)
{
    (void)state;
    struct bytes example[EXAMPLES];
    uint8_t copy[4096];
    uint32_t seed = 20240229;
    unsigned refused = 0, png_accepted = 0;
    make_examples(example);
    for (int i = 0; i < EXAMPLES; i++)
        for (int round = 0; round < ROUNDS; round++) {
            assert_true(example[i].size <= sizeof copy);
            memcpy(copy, example[i].data, example[i].size);
            size_t size = damage(copy, example[i].size, &seed);
            /* Half of the PNGs get correct checksums: otherwise little but checksums would be tested. */
            struct bytes png = { copy, size };
            size_t chunk = round % 2 && i >= JPEG_KINDS ? png_find(&png, "IDAT") : 0;
            if (chunk && chunk + 12 + (copy[chunk + 2] << 8 | copy[chunk + 3]) <= size &&
                copy[chunk] == 0 && copy[chunk + 1] == 0)
                png_mend(&png, chunk);
            bool good = survives(copy, size);
            refused += !good;
            png_accepted += good && i >= JPEG_KINDS;
        }
    clear_examples(example);
    assert_true(refused > EXAMPLES * ROUNDS / 4);
    assert_true(png_accepted > 0); /* those with correct checksums, and damaged pixels */
}

/* ---- particular damage ---- */

static void wrong_checksums_are_noticed(void **state)
{
    (void)state;
    static const char *const chunks[] = { "IHDR", "PLTE", "tRNS", "IDAT", "IEND" };
    unsigned accepted = 0;
    for (int i = 0; i < 5; i++)
        for (int byte = 0; byte < 4; byte++) {
            struct fb_error error;
            struct bytes png = example_png(PNG_PALETTE, 4, false, true);
            size_t chunk = png_find(&png, chunks[i]);
            assert_true(chunk > 0);
            size_t size = (size_t)(png.data[chunk + 2] << 8 | png.data[chunk + 3]);
            png.data[chunk + 8 + size + byte] ^= 0x10;
            if (decode(png.data, png.size, &error) == 0) {
                print_message("a wrong check sum of %s was accepted\n", chunks[i]);
                accepted++;
            }
            bytes_clear(&png);
        }
    assert_int_equal(accepted, 0);
}

static void images_without_pixels_are_refused(void **state)
{
    (void)state;
    static const uint32_t size[][2] = { { 0, 7 }, { 11, 0 }, { 0, 0 } };
    for (int i = 0; i < 3; i++) {
        struct bytes png = example_png(PNG_RGB, 8, i % 2, false);
        struct bytes jpeg = jpeg_smooth(i % 2 ? JPEG_PROGRESSIVE : JPEG_420, 11, 7);
        png_claim(&png, size[i][0], size[i][1]);
        jpeg_claim(&jpeg, size[i][0], size[i][1]);
        refuse(png.data, png.size, -EBADMSG);
        refuse(jpeg.data, jpeg.size, -EBADMSG);
        bytes_clear(&png);
        bytes_clear(&jpeg);
    }
}

/* ---- false sizes ---- */

static long memory_used_kib(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

/* The address sanitizer touches additional memory. */
#if defined(__SANITIZE_ADDRESS__)
#define MEMORY_KIB LONG_MAX
#else
#define MEMORY_KIB (200 * 1024)
#endif

/* Some are below our own limit: their memory is reserved, but must not be touched. */
static void giant_pngs_take_no_memory(void **state)
{
    (void)state;
    static const uint32_t size[][2] = {
        { UINT32_MAX, UINT32_MAX }, { INT32_MAX, INT32_MAX }, { INT32_MAX, 1 }, { 1, INT32_MAX },
        { 65536, 65536 },           { 16385, 16384 },         { 16384, 16384 }, { 1 << 20, 256 },
        { 256, 1 << 20 },           { (1 << 20) + 1, 1 },
    };
    long before = memory_used_kib();
    for (size_t i = 0; i < sizeof size / sizeof *size; i++)
        for (int kind = 0; kind < 4; kind++) {
            static const uint8_t colour[] = { PNG_GREY, PNG_RGB, PNG_RGBA, PNG_GREY };
            struct bytes png = example_png(colour[kind], kind == 3 ? 1 : 8, i % 2, false);
            struct fb_error error;
            png_claim(&png, size[i][0], size[i][1]);
            int result = decode(png.data, png.size, &error);
            check_refusal(result, &error);
            if ((uint64_t)size[i][0] * size[i][1] > FB_IMAGE_PIXELS_MOST &&
                size[i][0] < 1u << 28) /* larger ones may be refused by the library first */
                assert_int_equal(result, -EFBIG);
            bytes_clear(&png);
        }
    assert_true(memory_used_kib() - before < MEMORY_KIB);
}

static void giant_jpegs_take_no_memory(void **state)
{
    (void)state;
    static const unsigned size[][2] = { { 65500, 65500 }, { 65535, 65535 }, { 16385, 16384 },
                                        { 16384, 16384 }, { 65500, 4096 },  { 40, 65500 } };
    long before = memory_used_kib();
    for (size_t i = 0; i < sizeof size / sizeof *size; i++)
        for (enum jpeg_kind kind = 0; kind < JPEG_KINDS; kind++) {
            struct bytes jpeg = jpeg_smooth(kind, 20, 19);
            struct fb_error error;
            jpeg_claim(&jpeg, size[i][0], size[i][1]);
            int result = decode(jpeg.data, jpeg.size, &error);
            check_refusal(result, &error);
            if ((uint64_t)size[i][0] * size[i][1] > FB_IMAGE_PIXELS_MOST && size[i][0] <= 65500)
                assert_int_equal(result, -EFBIG);
            bytes_clear(&jpeg);
        }
    assert_true(memory_used_kib() - before < MEMORY_KIB);
}

#define TEST(function) cmocka_unit_test_teardown(function, clear_image)

int main(void)
{
    mallopt(M_PERTURB, 0); /* meson lets malloc fill memory, which must stay untouched here */
    const struct CMUnitTest tests[] = {
        TEST(other_files_are_refused),         TEST(only_the_signature),
        TEST(every_truncated_jpeg_is_refused), TEST(every_truncated_png_is_refused),
        TEST(bytes_after_the_end_are_ignored), TEST(damaged_images_never_crash),
        TEST(wrong_checksums_are_noticed),     TEST(images_without_pixels_are_refused),
        TEST(giant_pngs_take_no_memory),       TEST(giant_jpegs_take_no_memory),
    };
    return RUN_TESTS(tests);
}
