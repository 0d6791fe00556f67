/* kernels/images/shrink.c: resampling with vectors equals the definition, and is the same with all vectors. */
#include "tests/support/support.h"

#include "kernels/images/shrink.h"

#include "base/random.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct fb_image image, small, other;
static struct fb_shrinker shrinker;

static int clear(void **state)
{
    (void)state;
    fb_image_clear(&image);
    fb_image_clear(&small);
    fb_image_clear(&other);
    fb_shrinker_clear(&shrinker);
    return 0;
}

/* Noise with hard edges: every weight matters, and sums leave the range of a byte. */
static void fill(struct fb_random *random, uint32_t width, uint32_t height, uint32_t channels)
{
    assert_int_equal(fb_image_reserve(&image, width, height, channels, NULL), 0);
    for (size_t i = 0; i < (size_t)width * height * channels; i++) {
        uint64_t number = fb_random_next(random);
        image.pixels[i] = number % 3 ? (uint8_t)(number >> 8) : number % 2 ? 255 : 0;
    }
}

static void shrink(enum fb_filter filter, uint32_t width, uint32_t height, enum fb_simd simd,
                   struct fb_image *to)
{
    struct fb_error error = { 0 };
    if (fb_image_shrink(&image, filter, width, height, simd, &shrinker, to, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(to->width, width);
    assert_int_equal(to->height, height);
    assert_int_equal(to->channels, image.channels);
}

/* Computes a pixel from the definition, in doubles and without rounding in between. */
static double expected(const struct fb_taps *across, const struct fb_taps *down, uint32_t channel)
{
    double sum = 0;
    for (uint32_t j = 0; j < down->count; j++)
        for (uint32_t i = 0; i < across->count; i++)
            sum += down->weight[j] * across->weight[i] *
                   image.pixels[((size_t)(down->first + j) * image.width + across->first + i) *
                                    image.channels +
                                channel];
    return sum < 0 ? 0 : sum > 255 ? 255 : sum;
}

static void check_exact(enum fb_filter filter)
{
    struct fb_axis across, down;
    assert_int_equal(fb_axis_init(&across, filter, image.width, image.shown_width, small.width), 0);
    assert_int_equal(fb_axis_init(&down, filter, image.height, image.shown_height, small.height),
                     0);
    const uint8_t *pixel = small.pixels;
    for (uint32_t y = 0; y < small.height; y++)
        for (uint32_t x = 0; x < small.width; x++)
            for (uint32_t channel = 0; channel < small.channels; channel++) {
                double exact = expected(&across.taps[x], &down.taps[y], channel);
                if (fabs(exact - *pixel++) > 0.51)
                    fail_msg("%ux%u to %ux%u, filter %d: %g at %u, %u became %d", image.width,
                             image.height, small.width, small.height, filter, exact, x, y,
                             pixel[-1]);
            }
    fb_axis_clear(&across);
    fb_axis_clear(&down);
}

static void check_all_simd(enum fb_filter filter)
{
    size_t size = (size_t)small.width * small.height * small.channels;
    for (int simd = FB_SIMD_PORTABLE + 1; simd < FB_SIMDS; simd++) {
        enum fb_simd here;
        if (fb_simd_choose((enum fb_simd)simd, &here, NULL) < 0)
            continue;
        shrink(filter, small.width, small.height, here, &other);
        if (memcmp(other.pixels, small.pixels, size) != 0)
            fail_msg("%s: %ux%u to %ux%u, filter %d: other bytes", fb_simd_names[simd], image.width,
                     image.height, small.width, small.height, filter);
    }
}

static void check_size(struct fb_random *random, uint32_t from_width, uint32_t from_height,
                       uint32_t width, uint32_t height)
{
    for (uint32_t channels = 1; channels <= 3; channels += 2) {
        fill(random, from_width, from_height, channels);
        for (int filter = FB_BOX; filter <= FB_LANCZOS3; filter++) {
            shrink((enum fb_filter)filter, width, height, FB_SIMD_PORTABLE, &small);
            check_exact((enum fb_filter)filter);
            check_all_simd((enum fb_filter)filter);
        }
    }
}

/* Every remainder modulo the sizes of vectors and strips; shrinking, enlarging, and both. */
static void any_size(void **state)
{
    (void)state;
    struct fb_random random = { .state = 5 };
    for (uint32_t side = 1; side <= 20; side++) {
        check_size(&random, side, 21 - side, 3, 2);
        check_size(&random, side + 30, side, 7, side);
    }
    for (int i = 0; i < AS_MANY_AS(60, 8); i++)
        check_size(&random, 1 + (uint32_t)fb_random_below(&random, 150),
                   1 + (uint32_t)fb_random_below(&random, 150),
                   1 + (uint32_t)fb_random_below(&random, 40),
                   1 + (uint32_t)fb_random_below(&random, 40));
    check_size(&random, 5, 4, 60, 70);
    check_size(&random, 1, 1, 9, 9);
}

/* An image does not affect the next one, of the same or another size. */
static void nothing_is_carried_over(void **state)
{
    (void)state;
    struct fb_random random = { .state = 9 };
    for (int i = 0; i < 3; i++) {
        fill(&random, 90 - 20 * i, 40 + 30 * i, 3);
        shrink(FB_BICUBIC, 16, 16, FB_SIMD_PORTABLE, &small);
        check_exact(FB_BICUBIC);
        image.pixels[0] ^= 0xff; /* the same size, other pixels */
        shrink(FB_BICUBIC, 16, 16, FB_SIMD_PORTABLE, &small);
        check_exact(FB_BICUBIC);
    }
}

static void too_large_results_are_refused(void **state)
{
    (void)state;
    struct fb_random random = { .state = 1 };
    struct fb_error error;
    fill(&random, 4, 4, 3);
    assert_int_equal(fb_image_shrink(&image, FB_BOX, 1 << 20, 1 << 20, FB_SIMD_PORTABLE, &shrinker,
                                     &small, &error),
                     -EFBIG);
}

#define TEST(function) cmocka_unit_test_teardown(function, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(any_size),
        TEST(nothing_is_carried_over),
        TEST(too_large_results_are_refused),
    };
    return RUN_TESTS(tests);
}
