/* base/stats.c: medians and intervals of few samples, means, outliers. test_intervals.c has tests
 * with many samples. */
#include "tests/support/support.h"

#include "tests/bench/judge/noise_model.h"
#include "tests/support/near.h"

#include "base/stats.h"

#include <math.h>
#include <stdio.h>

static double sample[100];

static void fill(size_t count)
{
    for (size_t i = 0; i < count; i++)
        sample[i] = (double)(i * 67 % count + 1);
}

static void medians_of_few_samples(void **state)
{
    (void)state;
    static const double few[] = { 3, 1, 2, 10 };
    static const uint64_t ns[] = { 30, 10, 21, 100 };
    assert_true(isnan(fb_median(few, 0)));
    assert_true(fb_median(few, 1) == 3);
    assert_true(fb_median(few, 2) == 2);
    assert_true(fb_median(few, 3) == 2);
    assert_true(fb_median(few, 4) == 2.5);
    assert_int_equal(fb_median_ns(ns, 3), 21);
    assert_int_equal(fb_median_ns(ns, 1), 30);
    assert_in_range(fb_median_ns(ns, 4), 25, 26);
    assert_true(few[0] == 3 && ns[0] == 30);
}

static void too_few_samples_have_no_interval(void **state)
{
    (void)state;
    for (size_t count = 0; count < 6; count++) {
        fill(count);
        struct fb_interval interval = fb_median_interval(sample, count);
        assert_true(isnan(interval.low) && isnan(interval.high));
        assert_int_equal(interval.samples, count);
    }
}

static void intervals_have_the_ranks_of_the_table(void **state)
{
    (void)state;
    static const struct {
        size_t count;
        double low;
    } known[] = {
        { 6, 1 },  { 8, 1 },  { 9, 2 },   { 11, 2 },   { 12, 3 },
        { 20, 6 }, { 25, 8 }, { 50, 18 }, { 100, 40 },
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t count = known[i].count;
        fill(count);
        struct fb_interval interval = fb_median_interval(sample, count);
        assert_true(interval.value == (double)(count + 1) / 2);
        assert_true(interval.low == known[i].low);
        assert_true(interval.high == (double)(count + 1) - known[i].low);
        assert_int_equal(interval.samples, count);
    }
}

static void ratios_are_taken_of_pairs(void **state)
{
    (void)state;
    static const size_t count = 7;
    const double base[] = { 10, 20, 30, 40, 50, 60, 70 };
    const double times[] = { 5, 10, 15, 20, 25, 30, 35 };
    struct fb_interval ratio = fb_ratio_interval(base, times, count);
    assert_true(ratio.value == 2 && ratio.low == 2 && ratio.high == 2);
    ratio = fb_ratio_interval(times, base, count);
    assert_true(ratio.value == 0.5);
}

static void ranks_of_the_sign_test(void **state)
{
    (void)state;
    static const size_t known[][2] = { { 0, 0 }, { 5, 0 },  { 6, 1 },  { 8, 1 },
                                       { 9, 2 }, { 12, 3 }, { 20, 6 }, { 100, 40 } };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        assert_int_equal(fb_sign_test_rank(known[i][0]), known[i][1]);
}

/* ---- means ---- */

static void means_of_few_samples(void **state)
{
    (void)state;
    static const double few[] = { 3, 1, 2, 10, 4 };
    struct fb_interval interval = fb_mean_interval(few, 0, 1);
    assert_true(isnan(interval.value) && isnan(interval.low) && isnan(interval.high));
    for (size_t count = 1; count <= 5; count++) {
        interval = fb_mean_interval(few, count, 1);
        assert_true(isnan(interval.low) && isnan(interval.high));
        assert_int_equal(interval.samples, count);
    }
    assert_near(interval.value, 4, 1e-12);
}

static void means_are_inside_their_interval(void **state)
{
    (void)state;
    fill(20);
    struct fb_interval interval = fb_mean_interval(sample, 20, 1);
    assert_near(interval.value, 10.5, 1e-12);
    assert_true(interval.low > 6 && interval.low < 9.5);
    assert_true(interval.high > 11.5 && interval.high < 15);
    assert_int_equal(interval.samples, 20);
}

static void a_seed_makes_the_bootstrap_repeatable(void **state)
{
    (void)state;
    fill(20);
    struct fb_interval one = fb_mean_interval(sample, 20, 5),
                       same = fb_mean_interval(sample, 20, 5),
                       other = fb_mean_interval(sample, 20, 6);
    assert_true(one.value == same.value && one.low == same.low && one.high == same.high);
    assert_true(one.value == other.value && one.low != other.low && one.high != other.high);
    /* With 1,999 resamples the seed hardly matters. */
    assert_near(other.low, one.low, 0.5);
    assert_near(other.high, one.high, 0.5);
}

static void equal_samples_have_an_interval_of_one_point(void **state)
{
    (void)state;
    static const double value[] = { 0, 1, 0.1, -7e9 };
    for (size_t i = 0; i < sizeof value / sizeof *value; i++)
        for (size_t count = FB_INTERVAL_LEAST; count <= 20; count++) {
            for (size_t k = 0; k < count; k++)
                sample[k] = value[i];
            struct fb_interval interval = fb_mean_interval(sample, count, 1);
            double error = fabs(value[i]) * 1e-14;
            assert_near(interval.value, value[i], error);
            assert_near(interval.low, value[i], error);
            assert_near(interval.high, value[i], error);
        }
}

#define CASES 1000

/* In how many of CASES the interval contains the true mean of normal samples. */
static unsigned covered(size_t count, uint64_t seed)
{
    struct fb_random random = { seed };
    unsigned covered = 0;
    for (uint64_t k = 0; k < CASES; k++) {
        for (size_t i = 0; i < count; i++)
            sample[i] = 50 + 3 * noise_normal(&random);
        struct fb_interval interval = fb_mean_interval(sample, count, k);
        assert_true(interval.low < interval.value && interval.value < interval.high);
        covered += interval.low <= 50 && interval.high >= 50;
    }
    printf("mean of %zu: covered in %.1f %%\n", count, covered * 100.0 / CASES);
    return covered;
}

static void intervals_cover_the_true_mean(void **state)
{
    (void)state;
    assert_in_range(covered(20, 1), CASES * 93 / 100, CASES * 97 / 100);
    assert_in_range(covered(8, 2), CASES * 90 / 100, CASES);
}

static void the_mean_ratio_of_swapped_samples_is_the_reciprocal(void **state)
{
    (void)state;
    double base[20], inverse[20];
    struct fb_random random = { 3 };
    for (size_t i = 0; i < 20; i++) {
        base[i] = exp(0.2 * noise_normal(&random)) * 1.9;
        sample[i] = exp(0.2 * noise_normal(&random));
        inverse[i] = sample[i] / base[i];
        base[i] /= sample[i];
        sample[i] = 1;
    }
    struct fb_interval ratio = fb_ratio_mean(base, sample, 20),
                       back = fb_ratio_mean(inverse, sample, 20),
                       swapped = fb_ratio_mean(sample, base, 20);
    assert_near(ratio.value * back.value, 1, 1e-12);
    assert_near(ratio.value * swapped.value, 1, 1e-12);
    assert_true(ratio.low < 1.9 && ratio.high > 1.9 && ratio.low > 1.4 && ratio.high < 2.6);
    /* The same resamples, mirrored. */
    assert_near(ratio.low * back.high, 1, 1e-9);
    assert_near(ratio.high * back.low, 1, 1e-9);
    assert_int_equal(ratio.samples, 20);
}

static void mean_ratio_is_geometric(void **state)
{
    (void)state;
    static const double base[] = { 2, 8, 2, 8, 2, 8 }, ones[] = { 1, 1, 1, 1, 1, 1 };
    assert_near(fb_ratio_mean(base, ones, 6).value, 4, 1e-12);
    struct fb_interval few = fb_ratio_mean(base, ones, 2);
    assert_near(few.value, 4, 1e-12);
    assert_true(isnan(few.low) && isnan(few.high));
}

/* ---- single samples ---- */

static void outliers_stand_out(void **state)
{
    (void)state;
    double score[20];
    for (size_t i = 0; i < 20; i++)
        sample[i] = 100 + 0.1 * (double)(i * 7 % 20);
    for (int sign = -1; sign <= 1; sign += 2) {
        double kept = sample[6];
        sample[6] = 100 + sign * 20;
        assert_int_equal(fb_outlier_scores(sample, 20, score), 0);
        for (size_t i = 0; i < 20; i++)
            assert_int_equal(fabs(score[i]) > FB_OUTLIER, i == 6);
        assert_true(sign * score[6] > FB_OUTLIER);
        sample[6] = kept;
    }
}

static void scores_are_known(void **state)
{
    (void)state;
    static const double few[] = { 1, 2, 3, 4, 100 };
    double score[5];
    assert_int_equal(fb_outlier_scores(few, 5, score), 0);
    assert_near(score[0], -2 * 0.6745, 1e-12);
    assert_near(score[2], 0, 0);
    assert_near(score[4], 97 * 0.6745, 1e-9);
}

static void equal_samples_have_no_outlier(void **state)
{
    (void)state;
    double score[20];
    assert_int_equal(fb_outlier_scores(sample, 0, score), 0);
    for (size_t i = 0; i < 20; i++) {
        sample[i] = 5;
        score[i] = -1;
    }
    for (size_t count = 1; count <= 20; count++) {
        assert_int_equal(fb_outlier_scores(sample, count, score), 0);
        for (size_t i = 0; i < count; i++)
            assert_near(score[i], 0, 0);
    }
    sample[3] = 500; /* more than half are equal still */
    assert_int_equal(fb_outlier_scores(sample, 20, score), 0);
    for (size_t i = 0; i < 20; i++)
        assert_near(score[i], 0, 0);
}

static void normal_quantiles(void **state)
{
    (void)state;
    static const double known[][2] = { { 0.975, 1.959963984540 }, { 0.5, 0 },
                                       { 0.95, 1.644853626951 },  { 0.75, 0.674489750196 },
                                       { 0.999, 3.090232306168 }, { 0.8413447460685429, 1 } };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        assert_near(fb_normal_quantile(known[i][0]), known[i][1], 1e-9);
        assert_near(fb_normal_quantile(1 - known[i][0]), -known[i][1], 1e-9);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(medians_of_few_samples),
        cmocka_unit_test(too_few_samples_have_no_interval),
        cmocka_unit_test(intervals_have_the_ranks_of_the_table),
        cmocka_unit_test(ratios_are_taken_of_pairs),
        cmocka_unit_test(ranks_of_the_sign_test),
        cmocka_unit_test(means_of_few_samples),
        cmocka_unit_test(means_are_inside_their_interval),
        cmocka_unit_test(a_seed_makes_the_bootstrap_repeatable),
        cmocka_unit_test(equal_samples_have_an_interval_of_one_point),
        cmocka_unit_test(intervals_cover_the_true_mean),
        cmocka_unit_test(the_mean_ratio_of_swapped_samples_is_the_reciprocal),
        cmocka_unit_test(mean_ratio_is_geometric),
        cmocka_unit_test(outliers_stand_out),
        cmocka_unit_test(scores_are_known),
        cmocka_unit_test(equal_samples_have_no_outlier),
        cmocka_unit_test(normal_quantiles),
    };
    return RUN_TESTS(tests);
}
