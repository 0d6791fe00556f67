/* bench/run/precision.c: the spread of pilots, the number of blocks, and the precision they give. */
#include "tests/support/support.h"

#include "tests/bench/judge/noise_model.h"
#include "tests/support/near.h"

#include "bench/run/precision.h"
#include "base/stats.h"

#include <stdio.h>
#include <string.h>

#define PILOTS FB_BLOCKS_LEAST

static void draw(struct fb_random *random, double *sample, size_t count, double deviation)
{
    for (size_t i = 0; i < count; i++)
        sample[i] = deviation * noise_normal(random);
}

/* ---- spread ---- */

static void spread_is_the_standard_deviation(void **state)
{
    (void)state;
    static const double deviation[] = { 0.001, 0.02, 3 };
    enum { CASES = 20000 };
    struct fb_random random = { 1 };
    for (size_t i = 0; i < 3; i++) {
        double sample[PILOTS], sum = 0;
        for (int k = 0; k < CASES; k++) {
            draw(&random, sample, PILOTS, deviation[i]);
            sum += fb_precision_spread(sample, PILOTS);
        }
        assert_near(sum / CASES, deviation[i], 0.05 * deviation[i]);
    }
}

/* Whichever of the eight samples it is, and however far away. */
static void one_wild_sample_hardly_changes_the_spread(void **state)
{
    (void)state;
    enum { CASES = 5000 };
    struct fb_random random = { 2 };
    double sum = 0;
    for (int k = 0; k < CASES; k++) {
        double sample[PILOTS], wild[PILOTS];
        draw(&random, sample, PILOTS, 1);
        memcpy(wild, sample, sizeof wild);
        size_t largest = 0;
        for (size_t i = 1; i < PILOTS; i++)
            largest = sample[i] > sample[largest] ? i : largest;
        wild[largest] = 1e9;
        assert_near(fb_precision_spread(wild, PILOTS), fb_precision_spread(sample, PILOTS), 0);
        memcpy(wild, sample, sizeof wild);
        wild[fb_random_below(&random, PILOTS)] = fb_random_below(&random, 2) ? 1e9 : -1e9;
        sum += fb_precision_spread(wild, PILOTS);
    }
    assert_true(sum / CASES > 0.9 && sum / CASES < 1.5);
}

static void spread_does_not_change_the_samples(void **state)
{
    (void)state;
    static const double sample[] = { 3, 1, 2, 8, 7, 5, 4, 6 }, equal[] = { 2, 2, 2, 2 };
    assert_true(fb_precision_spread(sample, 8) > 0);
    assert_near(fb_precision_spread(equal, 4), 0, 0);
}

/* ---- width ---- */

static void width_is_the_mean_width_of_intervals(void **state)
{
    (void)state;
    static const size_t blocks[] = { 8, 12, 20, 60 };
    enum { CASES = 5000 };
    struct fb_random random = { 3 };
    for (size_t i = 0; i < 4; i++) {
        double sample[60], sum = 0;
        for (int k = 0; k < CASES; k++) {
            draw(&random, sample, blocks[i], 1);
            struct fb_interval interval = fb_median_interval(sample, blocks[i]);
            sum += interval.high - interval.low;
        }
        double width = fb_precision_width(blocks[i]);
        assert_near(sum / CASES, width, 0.03 * width);
    }
}

/* ---- blocks ---- */

static size_t blocks_for(const double *sample, double factor, double shift, double precision)
{
    double changed[PILOTS];
    for (size_t i = 0; i < PILOTS; i++)
        changed[i] = sample[i] * factor + shift;
    size_t blocks = fb_precision_blocks(changed, PILOTS, precision);
    assert_in_range(blocks, FB_BLOCKS_LEAST, FB_BLOCKS_MOST);
    return blocks;
}

static void more_scatter_needs_no_fewer_blocks(void **state)
{
    (void)state;
    struct fb_random random = { 4 };
    for (int k = 0; k < 20; k++) {
        double sample[PILOTS];
        size_t last = FB_BLOCKS_LEAST;
        draw(&random, sample, PILOTS, 0.002);
        assert_int_equal(blocks_for(sample, 0, 0, 0.02), FB_BLOCKS_LEAST);
        for (double factor = 1; factor < 40; factor *= 1.3) {
            size_t blocks = blocks_for(sample, factor, 0, 0.02);
            assert_true(blocks >= last);
            assert_true(blocks_for(sample, factor, 0, 0.01) >= blocks);
            last = blocks;
        }
        assert_true(last > FB_BLOCKS_LEAST);
        assert_int_equal(blocks_for(sample, 1e6, 0, 0.02), FB_BLOCKS_MOST);
    }
}

/* Nor on the sign: which of two cells is faster has no effect. */
static void blocks_do_not_depend_on_the_level(void **state)
{
    (void)state;
    struct fb_random random = { 5 };
    for (int k = 0; k < 200; k++) {
        double sample[PILOTS];
        draw(&random, sample, PILOTS, 0.015);
        size_t blocks = blocks_for(sample, 1, 0, 0.02);
        assert_int_equal(blocks_for(sample, 1, 0.7, 0.02), blocks);
        assert_int_equal(blocks_for(sample, 1, -2, 0.02), blocks);
        assert_int_equal(blocks_for(sample, -1, 0, 0.02), blocks);
    }
}

/* ---- precise runs ---- */

#define PRECISION 0.02
#define RUNS 2000

/* Draws pilots, chooses the number of blocks, draws the rest. Returns whether the interval is as
 * narrow as wanted; level is the logarithm of the true ratio. */
static bool run_is_precise(struct fb_random *random, double deviation, double level, size_t *blocks)
{
    double log_ratio[FB_BLOCKS_MOST], ratio[FB_BLOCKS_MOST];
    draw(random, log_ratio, PILOTS, deviation);
    *blocks = fb_precision_blocks(log_ratio, PILOTS, PRECISION);
    draw(random, log_ratio + PILOTS, *blocks - PILOTS, deviation);
    for (size_t i = 0; i < *blocks; i++)
        ratio[i] = exp(level + log_ratio[i]);
    struct fb_interval interval = fb_median_interval(ratio, *blocks);
    return interval.high - interval.low < PRECISION * interval.value;
}

static void eighty_of_100_runs_are_as_precise_as_promised(void **state)
{
    (void)state;
    static const double deviation[] = { 0.008, 0.013, 0.02, 0.03 };
    unsigned precise[4] = { 0 };
    struct fb_random random = { 6 };
    for (size_t i = 0; i < 4; i++) {
        double sum = 0;
        for (int run = 0; run < RUNS; run++) {
            size_t blocks;
            precise[i] += run_is_precise(&random, deviation[i], log(1.9), &blocks);
            sum += (double)blocks;
        }
        printf("scatter of %.1f %%: %5.1f blocks on average, %.1f %% of runs are precise\n",
               100 * deviation[i], sum / RUNS, precise[i] * 100.0 / RUNS);
    }
    for (size_t i = 0; i < 4; i++)
        assert_true(precise[i] >= RUNS * 0.8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spread_is_the_standard_deviation),
        cmocka_unit_test(one_wild_sample_hardly_changes_the_spread),
        cmocka_unit_test(spread_does_not_change_the_samples),
        cmocka_unit_test(width_is_the_mean_width_of_intervals),
        cmocka_unit_test(more_scatter_needs_no_fewer_blocks),
        cmocka_unit_test(blocks_do_not_depend_on_the_level),
        cmocka_unit_test(eighty_of_100_runs_are_as_precise_as_promised),
    };
    return RUN_TESTS(tests);
}
