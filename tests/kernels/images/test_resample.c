/* Resampling: known results of Pillow, and properties that hold for any image. */
#include "tests/support/support.h"

#include "kernels/images/resample.h"
#include "tests/support/near.h"
#include "tests/kernels/images/image_fixture.h"
#include "tests/kernels/images/resample_facts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct fb_image image, small;
static struct fb_resampler resampler;

static int clear(void **state)
{
    (void)state;
    fb_image_clear(&image);
    fb_image_clear(&small);
    fb_resampler_clear(&resampler);
    assert_null(resampler.fixed);
    assert_null(resampler.middle.pixels);
    return 0;
}

static void reserve(uint32_t width, uint32_t height, uint32_t channels)
{
    assert_int_equal(fb_image_reserve(&image, width, height, channels, NULL), 0);
}

static void fill_noise(uint32_t seed)
{
    for (size_t i = 0; i < (size_t)image.width * image.height * image.channels; i++)
        image.pixels[i] = (uint8_t)next_number(&seed);
}

static void resample(enum fb_filter filter, uint32_t width, uint32_t height)
{
    struct fb_error error = { 0 };
    if (fb_image_resample(&image, filter, width, height, &resampler, &small, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(small.width, width);
    assert_int_equal(small.height, height);
    assert_int_equal(small.channels, image.channels);
}

/* ---- facts ---- */

static void check_fact(const struct fact *fact)
{
    size_t size = (size_t)fact->width * fact->height * fact->channels;
    reserve(fact->from_width, fact->from_height, fact->channels);
    uint8_t *pixel = image.pixels;
    for (uint32_t y = 0; y < image.height; y++)
        for (uint32_t x = 0; x < image.width; x++)
            for (uint32_t channel = 0; channel < image.channels; channel++)
                *pixel++ = (uint8_t)(37 * x * x + 61 * y + 89 * channel + 13 * x * y);
    resample(fact->filter, fact->width, fact->height);
    assert_int_equal(strlen(fact->pixels), 2 * size);
    for (size_t i = 0; i < size; i++) {
        unsigned expected;
        assert_int_equal(sscanf(fact->pixels + 2 * i, "%2x", &expected), 1);
        if (abs((int)expected - small.pixels[i]) > 1)
            fail_msg("filter %d, %u channels, %u x %u to %u x %u: byte %zu is %u, Pillow's is %u",
                     fact->filter, fact->channels, fact->from_width, fact->from_height, fact->width,
                     fact->height, i, small.pixels[i], expected);
    }
}

static void pillow_gives_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        check_fact(&facts[i]);
}

/* ---- weights ---- */

static const uint32_t lengths[] = { 1, 2, 3, 5, 8, 13, 64, 100, 127, 128, 129, 1000 };
#define LENGTHS (sizeof lengths / sizeof *lengths)

static void check_axis(enum fb_filter filter, uint32_t from, uint32_t to)
{
    struct fb_axis axis;
    uint32_t longest = 0, last = 0;
    assert_int_equal(fb_axis_init(&axis, filter, from, from, to), 0);
    assert_int_equal(axis.to, to);
    for (uint32_t i = 0; i < to; i++) {
        const struct fb_taps *taps = &axis.taps[i];
        double sum = 0;
        assert_true(taps->count > 0);
        assert_true(taps->first < from && taps->count <= from - taps->first);
        for (uint32_t k = 0; k < taps->count; k++)
            sum += taps->weight[k];
        assert_near(sum, 1, 1e-9);
        /* Outputs move along the inputs. */
        assert_true(taps->first >= last);
        last = taps->first;
        if (taps->count > longest)
            longest = taps->count;
    }
    assert_int_equal(axis.longest, longest);
    fb_axis_clear(&axis);
    assert_null(axis.taps);
    assert_null(axis.weights);
}

static void weights_add_up_to_one(void **state)
{
    (void)state;
    for (enum fb_filter filter = FB_BOX; filter <= FB_LANCZOS3; filter++) {
        for (size_t from = 0; from < LENGTHS; from++)
            for (size_t to = 0; to < LENGTHS; to++)
                check_axis(filter, lengths[from], lengths[to]);
        check_axis(filter, FB_IMAGE_SIDE_MOST, 1);
        check_axis(filter, FB_IMAGE_SIDE_MOST, 128);
        check_axis(filter, 1, 16384);
    }
}

/* The filters are even functions, so the weights of an axis are those of its mirror image, except for the edges of
 * the box, which belong to one side. */
static void weights_are_symmetric(void **state)
{
    (void)state;
    for (enum fb_filter filter = FB_BILINEAR; filter <= FB_LANCZOS3; filter++)
        for (size_t from = 0; from < LENGTHS; from++)
            for (size_t to = 0; to < LENGTHS; to++) {
                struct fb_axis axis;
                assert_int_equal(
                    fb_axis_init(&axis, filter, lengths[from], lengths[from], lengths[to]), 0);
                double *weight = calloc(lengths[from], sizeof *weight);
                assert_non_null(weight);
                for (uint32_t i = 0; i < axis.to; i++) {
                    const struct fb_taps *taps = &axis.taps[i];
                    const struct fb_taps *other = &axis.taps[axis.to - 1 - i];
                    memset(weight, 0, lengths[from] * sizeof *weight);
                    for (uint32_t k = 0; k < taps->count; k++)
                        weight[taps->first + k] += taps->weight[k];
                    for (uint32_t k = 0; k < other->count; k++)
                        weight[lengths[from] - 1 - other->first - k] -= other->weight[k];
                    for (uint32_t k = 0; k < lengths[from]; k++)
                        assert_near(weight[k], 0, 0.02);
                }
                free(weight);
                fb_axis_clear(&axis);
            }
}

/* ---- images ---- */

static void check_flat(enum fb_filter filter, uint32_t width, uint32_t height)
{
    static const uint8_t colour[][3] = { { 0, 0, 0 }, { 255, 255, 255 }, { 1, 128, 254 } };
    for (int i = 0; i < 3; i++) {
        size_t pixels = (size_t)image.width * image.height;
        for (size_t k = 0; k < pixels * image.channels; k++)
            image.pixels[k] = colour[i][k % image.channels];
        resample(filter, width, height);
        for (size_t k = 0; k < (size_t)width * height * image.channels; k++)
            if (small.pixels[k] != colour[i][k % image.channels])
                fail_msg("filter %d, %u x %u to %u x %u: %d became %d", filter, image.width,
                         image.height, width, height, colour[i][k % image.channels],
                         small.pixels[k]);
    }
}

static void a_flat_image_stays_flat(void **state)
{
    (void)state;
    static const uint32_t size[][2] = { { 1, 1 },   { 1, 40 },  { 40, 1 },    { 3, 2 },
                                        { 17, 31 }, { 64, 64 }, { 400, 300 }, { 1, 3000 } };
    for (enum fb_filter filter = FB_BOX; filter <= FB_LANCZOS3; filter++)
        for (size_t from = 0; from < 8; from++)
            for (size_t to = 0; to < 7; to++) {
                reserve(size[from][0], size[from][1], to % 2 ? 1 : 3);
                check_flat(filter, size[to][0], size[to][1]);
            }
}

static void the_same_size_is_the_same_image(void **state)
{
    (void)state;
    static const uint32_t size[][2] = { { 1, 1 }, { 1, 50 }, { 50, 1 }, { 37, 23 }, { 128, 128 } };
    for (enum fb_filter filter = FB_BOX; filter <= FB_LANCZOS3; filter++)
        for (size_t i = 0; i < 5; i++)
            for (uint32_t channels = 1; channels <= 3; channels += 2) {
                reserve(size[i][0], size[i][1], channels);
                fill_noise(77);
                resample(filter, size[i][0], size[i][1]);
                assert_memory_equal(small.pixels, image.pixels,
                                    (size_t)size[i][0] * size[i][1] * channels);
            }
}

/* The box filter gives the mean of each block. */
static void the_box_is_the_mean(void **state)
{
    (void)state;
    reserve(60, 40, 3);
    fill_noise(5);
    resample(FB_BOX, 6, 8);
    for (uint32_t y = 0; y < 8; y++)
        for (uint32_t x = 0; x < 6; x++)
            for (uint32_t channel = 0; channel < 3; channel++) {
                double sum = 0;
                for (uint32_t k = 0; k < 50; k++)
                    sum += image.pixels[((y * 5 + k / 10) * 60 + x * 10 + k % 10) * 3 + channel];
                assert_near(small.pixels[(y * 6 + x) * 3 + channel], sum / 50, 1.01);
            }
}

/* A row gives the same as an equal column, and the same as each row of a larger image. */
static void lines_across_and_down_are_alike(void **state)
{
    (void)state;
    static const uint32_t to[] = { 1, 2, 7, 19, 20, 21, 90 };
    for (enum fb_filter filter = FB_BOX; filter <= FB_LANCZOS3; filter++)
        for (size_t i = 0; i < sizeof to / sizeof *to; i++) {
            uint8_t across[90];
            reserve(20, 1, 1);
            fill_noise(3);
            resample(filter, to[i], 1);
            memcpy(across, small.pixels, to[i]);
            reserve(1, 20, 1);
            fill_noise(3);
            resample(filter, 1, to[i]);
            assert_memory_equal(small.pixels, across, to[i]);
            resample(filter, 5, to[i]);
            for (size_t k = 0; k < 5 * to[i]; k++)
                assert_int_equal(small.pixels[k], across[k / 5]);
        }
}

/* Sharp edges overshoot; values must be clipped to black and white, not wrap around. */
static void overshoot_is_clipped(void **state)
{
    (void)state;
    for (enum fb_filter filter = FB_BICUBIC; filter <= FB_LANCZOS3; filter++) {
        reserve(40, 40, 1);
        for (size_t i = 0; i < 1600; i++)
            image.pixels[i] = i % 40 < 20 ? 0 : 255;
        resample(filter, 100, 60);
        for (size_t i = 0; i < 6000; i++)
            if (i % 100 < 48 || i % 100 > 51)
                assert_true(i % 100 < 50 ? small.pixels[i] < 30 : small.pixels[i] > 225);
    }
}

/* Many images with the same buffers give the same as with new ones. */
static void buffers_carry_nothing_over(void **state)
{
    (void)state;
    static const uint32_t size[][2] = { { 90, 70 }, { 3, 4 }, { 1, 200 }, { 64, 2 }, { 90, 70 } };
    for (size_t i = 0; i < 5; i++) {
        struct fb_resampler fresh = { 0 };
        struct fb_image other = { 0 };
        enum fb_filter filter = (enum fb_filter)(i % 4);
        reserve(size[i][0], size[i][1], i % 2 ? 3 : 1);
        fill_noise((uint32_t)i + 1);
        resample(filter, 33, 21);
        assert_int_equal(fb_image_resample(&image, filter, 33, 21, &fresh, &other, NULL), 0);
        assert_memory_equal(small.pixels, other.pixels, (size_t)33 * 21 * image.channels);
        fb_resampler_clear(&fresh);
        fb_image_clear(&other);
    }
}

/* The middle image is as wide as the result and as high as the source. */
static void too_large_results_are_refused(void **state)
{
    (void)state;
    struct fb_error error = { 0 };
    reserve(1, FB_IMAGE_SIDE_MOST, 1);
    memset(image.pixels, 9, FB_IMAGE_SIDE_MOST);
    assert_int_equal(fb_image_resample(&image, FB_BOX, 16384, 16, &resampler, &small, &error),
                     -EFBIG);
    assert_int_equal(error.code, -EFBIG);
    assert_int_equal(fb_image_resample(&image, FB_BOX, 16384, 16, &resampler, &small, NULL),
                     -EFBIG);
    resample(FB_BOX, 2, 3);
    assert_int_equal(small.pixels[5], 9);
}

#define TEST(function) cmocka_unit_test_teardown(function, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pillow_gives_the_same),           TEST(weights_add_up_to_one),
        TEST(weights_are_symmetric),           TEST(a_flat_image_stays_flat),
        TEST(the_same_size_is_the_same_image), TEST(the_box_is_the_mean),
        TEST(lines_across_and_down_are_alike), TEST(overshoot_is_clipped),
        TEST(buffers_carry_nothing_over),      TEST(too_large_results_are_refused),
    };
    return RUN_TESTS(tests);
}
