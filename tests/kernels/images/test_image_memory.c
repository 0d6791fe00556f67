/* Each allocation fails once: that is reported, without a crash or a leak. */
#include "tests/support/support.h"

#include "kernels/images/image_decode.h"
#include "kernels/images/jpeg.h"
#include "kernels/images/resample.h"
#include "tests/kernels/images/image_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define ALLOCATOR_TAKEN
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define ALLOCATOR_TAKEN
#endif
#endif

static bool counting;
static size_t allocations, failing; /* failing: the number of the allocation that fails; 0: none */
static long living;

#if !defined ALLOCATOR_TAKEN && defined __GLIBC__

/* These functions replace those of libc in all libraries. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void __libc_free(void *old);

static bool fails(void)
{
    if (!counting || ++allocations != failing)
        return false;
    errno = ENOMEM;
    return true;
}

static void *counted(void *got)
{
    living += got != NULL;
    return got;
}

void *malloc(size_t size)
{
    return fails() ? NULL : counted(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : counted(__libc_calloc(count, size));
}

void *realloc(void *old, size_t size)
{
    void *got = fails() ? NULL : __libc_realloc(old, size);
    return old ? got : counted(got);
}

void free(void *old)
{
    living -= old != NULL;
    __libc_free(old);
}

#endif

/* The work in which allocations fail: 0 or a negative errno; frees everything. */
typedef int work(const void *argument, struct fb_error *error);

/* Lets the first allocation fail, then the second, … until there are no more. `other`: a code that may be returned
 * instead of -ENOMEM. */
static void fail_each(work *work, const void *argument, int other)
{
    for (failing = 1;; failing++) {
        struct fb_error error = { 0 };
        long before = living;
        allocations = 0;
        counting = true;
        int result = work(argument, &error);
        counting = false;
        if (living != before)
            fail_msg("allocation %zu failed: %ld leaked", failing, living - before);
        if (allocations < failing) { /* there are fewer allocations */
            assert_int_equal(result, 0);
            break;
        }
        /* A library may work without this allocation. */
        bool expected = result == 0 || result == -ENOMEM || result == other;
        if (!expected || error.code != result || (result != 0 && !error.text[0]))
            fail_msg("allocation %zu failed: %d, %s", failing, result, error.text);
    }
    assert_true(failing > 1);
    failing = 0;
}

static int decode(const void *argument, struct fb_error *error)
{
    const struct bytes *bytes = argument;
    struct fb_image image = { 0 };
    int result = fb_image_decode(bytes->data, bytes->size, &image, error);
    fb_image_clear(&image);
    return result;
}

static void decoding_jpeg(void **state)
{
    (void)state;
    for (enum jpeg_kind kind = 0; kind < JPEG_KINDS; kind++) {
        struct bytes bytes = jpeg_smooth(kind, 90, 70);
        fail_each(decode, &bytes, -ENOMEM);
        bytes_clear(&bytes);
    }
}

static void decoding_png(void **state)
{
    (void)state;
    static const uint8_t palette[48], clear[5];
    for (uint8_t colour = 0; colour <= PNG_RGBA; colour++)
        for (int interlaced = 0; interlaced < 2 && colour != 1 && colour != 5; interlaced++) {
            struct png png = {
                .width = 40, .height = 30, .depth = 4, .colour = colour, .interlaced = interlaced
            };
            if (colour == PNG_PALETTE) {
                png.palette = palette;
                png.palette_size = 48;
                png.transparency = clear;
                png.transparency_size = 5;
            } else {
                png.depth = 8;
            }
            uint16_t *samples = noise_samples(40 * 30 * png_channels(colour), 16, 3);
            struct bytes bytes = png_make(&png, samples);
            /* libspng does not say why zlib failed. */
            fail_each(decode, &bytes, -EBADMSG);
            bytes_clear(&bytes);
            free(samples);
        }
}

static int encode(const void *argument, struct fb_error *error)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    int result = fb_jpeg_encode(argument, 95, &bytes, &size, error);
    if (result < 0)
        assert_null(bytes); /* outputs are unchanged on failure */
    free(bytes);
    return result;
}

/* Noise, so that the encoder's buffer has to grow more than once. */
static struct fb_image noise(uint32_t width, uint32_t height, uint32_t channels)
{
    struct fb_image image = { 0 };
    uint32_t seed = 1;
    assert_int_equal(fb_image_reserve(&image, width, height, channels, NULL), 0);
    for (size_t i = 0; i < (size_t)width * height * channels; i++)
        image.pixels[i] = (uint8_t)next_number(&seed);
    return image;
}

static void encoding(void **state)
{
    (void)state;
    for (uint32_t channels = 1; channels <= 3; channels += 2) {
        struct fb_image image = noise(200, 200, channels);
        fail_each(encode, &image, -ENOMEM);
        fb_image_clear(&image);
    }
}

static int resample(const void *argument, struct fb_error *error)
{
    struct fb_image small = { 0 };
    struct fb_resampler resampler = { 0 };
    int result = fb_image_resample(argument, FB_BICUBIC, 13, 150, &resampler, &small, error);
    fb_resampler_clear(&resampler);
    fb_image_clear(&small);
    return result;
}

static void resampling(void **state)
{
    (void)state;
    struct fb_image image = noise(50, 60, 3);
    fail_each(resample, &image, -ENOMEM);
    fb_image_clear(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decoding_jpeg),
        cmocka_unit_test(decoding_png),
        cmocka_unit_test(encoding),
        cmocka_unit_test(resampling),
    };
    counting = true;
    void *volatile one = malloc(1); /* volatile, or the compiler removes it */
    free(one);
    counting = false;
    if (allocations == 0) {
        puts("the allocator can't be replaced here");
        return EXIT_SKIP;
    }
    return RUN_TESTS(tests);
}
