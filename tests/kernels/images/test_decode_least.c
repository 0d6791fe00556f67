/* fb_image_decode_least decodes JPEGs no larger than necessary, and progressive ones no further; it is the same picture. */
#include "tests/support/support.h"

#include "kernels/images/image_decode.h"
#include "kernels/images/shrink.h"

#include "tests/kernels/images/image_fixture.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH 640u
#define HEIGHT 480u

static struct fb_image image, whole;

static int clear(void **state)
{
    (void)state;
    fb_image_clear(&image);
    fb_image_clear(&whole);
    return 0;
}

static int decode(const struct bytes *bytes, size_t size, uint32_t least_width,
                  uint32_t least_height)
{
    uint32_t width = 0, height = 0;
    struct fb_error error = { 0 };
    int result = fb_image_decode_least(bytes->data, size, least_width, least_height, &image, &width,
                                       &height, &error);
    if (result == 0) {
        assert_int_equal(width, WIDTH);
        assert_int_equal(height, HEIGHT);
    }
    return result;
}

/* The smallest sufficient number of eighths, for each width. */
static void no_smaller_than_asked_and_no_larger_than_needed(void **state)
{
    (void)state;
    struct bytes bytes = jpeg_smooth(JPEG_420, WIDTH, HEIGHT);
    for (uint32_t least = 1; least <= WIDTH + 40; least += 13) {
        assert_int_equal(decode(&bytes, bytes.size, least, 1), 0);
        uint32_t eighths = image.width * 8 / WIDTH;
        assert_int_equal(image.width, WIDTH * eighths / 8);
        assert_int_equal(image.height, HEIGHT * eighths / 8);
        assert_true(image.width >= least || eighths == 8);
        assert_true(eighths == 1 || WIDTH * (eighths - 1) / 8 < least);
    }
    assert_int_equal(decode(&bytes, bytes.size, 1, HEIGHT / 2), 0);
    assert_int_equal(image.height, HEIGHT / 2); /* the narrower side decides */
    bytes_clear(&bytes);
}

/* The mean of a square of the whole image, whose pixels are slopes. */
static double mean_of(uint32_t x, uint32_t y, uint32_t channel, uint32_t side)
{
    double sum = 0;
    for (uint32_t j = 0; j < side; j++)
        for (uint32_t i = 0; i < side; i++)
            sum +=
                whole
                    .pixels[((size_t)(y * side + j) * whole.width + x * side + i) * whole.channels +
                            channel];
    return sum / (side * side);
}

/* Compares every reduced size with the means of the whole image. */
static void check_small(const struct bytes *bytes, const char *what, int value)
{
    assert_int_equal(fb_image_decode(bytes->data, bytes->size, &whole, NULL), 0);
    for (uint32_t side = 2; side <= 8; side *= 2) {
        assert_int_equal(decode(bytes, bytes->size, WIDTH / side, HEIGHT / side), 0);
        assert_int_equal(image.width, WIDTH / side);
        assert_int_equal(image.channels, whole.channels);
        const uint8_t *pixel = image.pixels;
        for (uint32_t y = 0; y < image.height; y++)
            for (uint32_t x = 0; x < image.width; x++)
                for (uint32_t channel = 0; channel < image.channels; channel++, pixel++)
                    if (abs((int)(mean_of(x, y, channel, side) + 0.5) - *pixel) > 6)
                        fail_msg("%s %d by %u: at %u, %u: %d, not %g", what, value, side, x, y,
                                 *pixel, mean_of(x, y, channel, side));
    }
}

static void small_images_show_the_same_picture(void **state)
{
    (void)state;
    for (int kind = 0; kind < JPEG_KINDS; kind++) {
        struct bytes bytes = jpeg_smooth((enum jpeg_kind)kind, WIDTH, HEIGHT);
        check_small(&bytes, "kind", kind);
        bytes_clear(&bytes);
    }
}

static double brightness(const struct fb_image *of, uint32_t channel)
{
    size_t pixels = (size_t)of->width * of->height;
    double sum = 0;
    for (size_t i = 0; i < pixels; i++)
        sum += of->pixels[i * of->channels + channel];
    return sum / (double)pixels;
}

/* With coarse quantization the scan with the last bit of the brightness has to be read. */
static void coarse_progressive_images_keep_their_brightness(void **state)
{
    (void)state;
    static const int qualities[] = { 3, 10, 25, 50, 90 };
    uint8_t *pixels = smooth_pixels(WIDTH, HEIGHT, 3);
    for (size_t i = 0; i < sizeof qualities / sizeof *qualities; i++)
        for (int kind = JPEG_PROGRESSIVE; kind <= JPEG_PROGRESSIVE_420; kind++) {
            struct bytes bytes =
                jpeg_make((enum jpeg_kind)kind, WIDTH, HEIGHT, qualities[i], pixels);
            assert_int_equal(fb_image_decode(bytes.data, bytes.size, &whole, NULL), 0);
            for (uint32_t side = 2; side <= 8; side *= 2) {
                assert_int_equal(decode(&bytes, bytes.size, WIDTH / side, HEIGHT / side), 0);
                for (uint32_t channel = 0; channel < 3; channel++)
                    if (fabs(brightness(&image, channel) - brightness(&whole, channel)) > 1)
                        fail_msg("quality %d by %u: %g, not %g", qualities[i], side,
                                 brightness(&image, channel), brightness(&whole, channel));
            }
            bytes_clear(&bytes);
        }
    free(pixels);
}

/* The largest difference of a pixel from the result of decoding the whole image. */
static int largest_difference(const struct bytes *bytes, uint32_t side)
{
    struct fb_resampler resampler = { 0 };
    struct fb_shrinker shrinker = { 0 };
    struct fb_image exact = { 0 }, fast = { 0 };
    uint32_t width, height;
    int most = 0;
    assert_int_equal(fb_image_decode(bytes->data, bytes->size, &whole, NULL), 0);
    assert_int_equal(fb_image_decode_least(bytes->data, bytes->size, 2 * side, 2 * side, &image,
                                           &width, &height, NULL),
                     0);
    assert_int_equal(fb_image_resample(&whole, FB_BICUBIC, side, side, &resampler, &exact, NULL),
                     0);
    assert_int_equal(
        fb_image_shrink(&image, FB_BICUBIC, side, side, FB_SIMD_PORTABLE, &shrinker, &fast, NULL),
        0);
    for (size_t i = 0; i < (size_t)side * side * exact.channels; i++) {
        int off = abs(exact.pixels[i] - fast.pixels[i]);
        most = off > most ? off : most;
    }
    fb_image_clear(&exact);
    fb_image_clear(&fast);
    fb_resampler_clear(&resampler);
    fb_shrinker_clear(&shrinker);
    return most;
}

/* Scaled decoding makes whole pixels from blocks that the image fills only partly. */
static void a_part_of_a_block_counts_as_a_part(void **state)
{
    (void)state;
    static const uint32_t sizes[][2] = { { 20, 13 }, { 28, 23 },  { 41, 29 },  { 100, 100 },
                                         { 33, 65 }, { 129, 17 }, { 401, 301 } };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct bytes bytes = jpeg_smooth(JPEG_444, sizes[i][0], sizes[i][1]);
        for (uint32_t side = 1; side <= 12; side++)
            if (largest_difference(&bytes, side) > 4)
                fail_msg("%u x %u to %u: %d levels off", sizes[i][0], sizes[i][1], side,
                         largest_difference(&bytes, side));
        bytes_clear(&bytes);
    }
}

/* Scans that are not needed may be missing; those that are needed may not. */
static void a_progressive_image_need_not_be_complete(void **state)
{
    (void)state;
    struct bytes bytes = jpeg_smooth(JPEG_PROGRESSIVE, WIDTH, HEIGHT);
    assert_int_equal(decode(&bytes, bytes.size, WIDTH / 8, HEIGHT / 8), 0);
    size_t size = (size_t)image.width * image.height * image.channels;
    uint8_t *pixels = malloc(size);
    assert_non_null(pixels);
    memcpy(pixels, image.pixels, size);
    size_t enough = 0;
    for (size_t cut = bytes.size; cut > 200; cut -= bytes.size / 50) {
        int result = decode(&bytes, cut, WIDTH / 8, HEIGHT / 8);
        if (result == 0) {
            assert_memory_equal(image.pixels, pixels, size);
            enough = cut;
        } else {
            assert_int_equal(result, -EBADMSG);
        }
    }
    assert_true(enough > 0 && enough < bytes.size * 3 / 4);
    assert_int_equal(decode(&bytes, enough, WIDTH, HEIGHT), -EBADMSG);
    free(pixels);
    bytes_clear(&bytes);
}

static void an_image_of_endless_scans_is_refused(void **state)
{
    (void)state;
    struct bytes bytes = jpeg_smooth(JPEG_MANY_SCANS, WIDTH, HEIGHT);
    struct fb_error error = { 0 };
    assert_int_equal(fb_image_decode(bytes.data, bytes.size, &whole, &error), -EBADMSG);
    assert_string_equal(error.text, "JPEG: more than 100 scans");
    /* Before all scans are read: this image has no end. */
    uint32_t width, height;
    assert_int_equal(fb_image_decode_least(bytes.data, bytes.size * 3 / 4, WIDTH / 2, HEIGHT / 2,
                                           &image, &width, &height, &error),
                     -EBADMSG);
    assert_string_equal(error.text, "JPEG: more than 100 scans");
    bytes_clear(&bytes);
}

#define TEST(function) cmocka_unit_test_teardown(function, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_smaller_than_asked_and_no_larger_than_needed),
        TEST(small_images_show_the_same_picture),
        TEST(coarse_progressive_images_keep_their_brightness),
        TEST(a_part_of_a_block_counts_as_a_part),
        TEST(a_progressive_image_need_not_be_complete),
        TEST(an_image_of_endless_scans_is_refused),
    };
    return RUN_TESTS(tests);
}
