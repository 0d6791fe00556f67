/* bench/stats.c: medians and intervals of a few samples; test_intervals.c has the many. */
#include "support.h"

#include "bench/stats.h"

#include <math.h>

static double sample[100];

static void fill(size_t count)
{
    for (size_t i = 0; i < count; i++)
        sample[i] = (double)(i * 67 % count + 1);
}

static void medians_of_a_few(void **state)
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

static void too_few_have_no_interval(void **state)
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

static void ratios_are_of_pairs(void **state)
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(medians_of_a_few),
        cmocka_unit_test(too_few_have_no_interval),
        cmocka_unit_test(intervals_have_the_ranks_of_the_table),
        cmocka_unit_test(ratios_are_of_pairs),
    };
    return RUN_TESTS(tests);
}
