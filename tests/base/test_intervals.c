/* base/stats.c in detail: exact ranks, coverage by simulation, pairs under drift. */
#include "tests/support/support.h"

#include "tests/support/near.h"

#include "base/stats.h"

#include <stdlib.h>
#include <string.h>

#define LARGEST 5000

/* ---- medians ---- */

static void medians(void **state)
{
    (void)state;
    /* In read-only memory: writing to a sample would end the program. */
    static const double odd[] = { 9, -3, 5 }, even[] = { 8, 1, 4, 2 }, one[] = { 7.25 },
                        same[] = { 2, 2, 2, 2 }, far[] = { 1e300, -1e300, 1, 0, 3 };
    assert_near(fb_median(odd, 3), 5, 0);
    assert_near(fb_median(even, 4), 3, 0);
    assert_near(fb_median(one, 1), 7.25, 0);
    assert_near(fb_median(same, 4), 2, 0);
    assert_near(fb_median(far, 5), 1, 0);
    assert_true(isnan(fb_median(odd, 0)));
}

static void medians_of_ns(void **state)
{
    (void)state;
    static const uint64_t odd[] = { 30, 10, 20 }, even[] = { 40, 10, 31, 20 }, half[] = { 2, 1 },
                          one[] = { 5 }, hours[] = { 86400000000007, 86400000000005, 0 };
    assert_int_equal(fb_median_ns(odd, 3), 20);
    assert_int_equal(fb_median_ns(even, 4), 26); /* 25.5, rounded up */
    assert_int_equal(fb_median_ns(half, 2), 2);
    assert_int_equal(fb_median_ns(one, 1), 5);
    assert_int_equal(fb_median_ns(hours, 3), 86400000000005);
    assert_int_equal(fb_median_ns(odd, 0), 0);
}

/* ---- ranks ---- */

/* The largest k with P(Binomial(n, 1/2) < k) <= 1/40, computed with integers (Python's math.comb). */
static const struct {
    size_t n, k;
} ranks[] = {
    { 0, 0 },      { 1, 0 },          { 2, 0 },      { 3, 0 },      { 4, 0 },      { 5, 0 },
    { 6, 1 },      { 7, 1 },          { 8, 1 },      { 9, 2 },      { 10, 2 },     { 11, 2 },
    { 12, 3 },     { 13, 3 },         { 14, 3 },     { 15, 4 },     { 16, 4 },     { 17, 5 },
    { 18, 5 },     { 19, 5 },         { 20, 6 },     { 21, 6 },     { 25, 8 },     { 30, 10 },
    { 40, 14 },    { 50, 18 },        { 64, 24 },    { 99, 40 },    { 100, 40 },   { 200, 86 },
    { 500, 228 },  { 999, 469 },      { 1000, 469 }, { 1074, 505 }, { 1075, 505 }, { 1100, 518 },
    { 2000, 956 }, { LARGEST, 2431 },
};

static uint64_t next(uint64_t *state)
{
    *state += 1;
    return fb_digest(0, *state);
}

static void shuffle(double *list, size_t count, uint64_t seed)
{
    for (size_t i = count; i > 1; i--) {
        size_t other = next(&seed) % i;
        double kept = list[i - 1];
        list[i - 1] = list[other];
        list[other] = kept;
    }
}

static void exact_ranks(void **state)
{
    (void)state;
    static double sample[LARGEST], before[LARGEST];
    for (size_t i = 0; i < sizeof ranks / sizeof *ranks; i++) {
        size_t n = ranks[i].n, k = ranks[i].k;
        for (size_t j = 0; j < n; j++)
            sample[j] = (double)(j + 1);
        shuffle(sample, n, n);
        memcpy(before, sample, sizeof before);
        struct fb_interval interval = fb_median_interval(sample, n);
        assert_memory_equal(sample, before, sizeof before);
        assert_int_equal(interval.samples, n);
        if (n == 0)
            assert_true(isnan(interval.value));
        else
            assert_near(interval.value, (double)(n + 1) / 2, 0);
        assert_int_equal(isnan(interval.low), k == 0);
        assert_int_equal(isnan(interval.high), k == 0);
        assert_int_equal(k > 0, n >= FB_INTERVAL_LEAST);
        if (k > 0) {
            assert_near(interval.low, (double)k, 0);
            assert_near(interval.high, (double)(n + 1 - k), 0);
        }
    }
}

/* ---- coverage ---- */

#define TRIALS 4000

/* In (0, 1). */
static double uniform(uint64_t *state)
{
    return ((double)(next(state) >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(uint64_t *state)
{
    double radius = sqrt(-2 * log(uniform(state)));
    return radius * cos(2 * M_PI * uniform(state));
}

/* Cauchy distribution: it has neither a mean nor a variance. */
static double heavy(uint64_t *state)
{
    return tan(M_PI * (uniform(state) - 0.5));
}

/* Like run times: a minimum, and a long tail above. */
static double skewed(uint64_t *state)
{
    return -log(uniform(state)) - log(2);
}

/* In which share of TRIALS the interval has the true median, 0 for all distributions. */
static double coverage(double (*draw)(uint64_t *), size_t n, uint64_t seed)
{
    double sample[64];
    unsigned covered = 0;
    for (int trial = 0; trial < TRIALS; trial++) {
        for (size_t i = 0; i < n; i++)
            sample[i] = draw(&seed);
        struct fb_interval interval = fb_median_interval(sample, n);
        covered += interval.low <= 0 && interval.high >= 0;
    }
    return (double)covered / TRIALS;
}

static void intervals_cover_the_true_median(void **state)
{
    (void)state;
    /* 1 - 2 P(Binomial(n, 1/2) < k): the coverage of an exact interval, 95 % or a little more. */
    static const struct {
        size_t n;
        double exact;
    } size[] = { { 6, 0.96875 }, { 9, 0.9609375 }, { 20, 0.958610535 }, { 50, 0.967160865 } };
    double (*const draw[])(uint64_t *) = { normal, heavy, skewed };
    uint64_t seed = 1;
    for (size_t i = 0; i < sizeof size / sizeof *size; i++)
        for (size_t k = 0; k < sizeof draw / sizeof *draw; k++) {
            double covered = coverage(draw[k], size[i].n, seed++ << 32);
            double error = sqrt(size[i].exact * (1 - size[i].exact) / TRIALS);
            assert_true(covered >= 0.95 - 3 * error);
            /* An interval that is too wide is wrong as well. */
            assert_near(covered, size[i].exact, 4 * error);
        }
}

/* ---- ratios ---- */

#define PAIRS 20

static void ratios_are_exact(void **state)
{
    (void)state;
    static const double base[] = { 8, 6, 30, 4, 10, 2 }, sample[] = { 4, 2, 5, 4, 2, 0.5 };
    struct fb_interval interval = fb_ratio_interval(base, sample, 6); /* 2 3 6 1 5 4 */
    assert_near(interval.value, 3.5, 0);
    assert_near(interval.low, 1, 0);
    assert_near(interval.high, 6, 0);
    assert_int_equal(interval.samples, 6);
    interval = fb_ratio_interval(base, sample, 5);
    assert_near(interval.value, 3, 0);
    assert_true(isnan(interval.low) && isnan(interval.high));
    interval = fb_ratio_interval(base, sample, 0);
    assert_true(isnan(interval.value) && isnan(interval.low) && isnan(interval.high));
    assert_int_equal(interval.samples, 0);
}

/* The machine becomes slower during the measurement. That changes medians, but not ratios of pairs. */
static void drift_does_not_widen_ratios(void **state)
{
    (void)state;
    double base[PAIRS], sample[PAIRS], unpaired[PAIRS];
    for (size_t i = 0; i < PAIRS; i++) {
        double drift = 1 + (double)i / 4, noise = 1 + 0.001 * (double)(i * 7 % PAIRS);
        sample[i] = 1000 * drift;
        base[i] = 2000 * drift * noise;
        unpaired[i] = sample[i];
    }
    struct fb_interval paired = fb_ratio_interval(base, sample, PAIRS);
    assert_true(paired.low >= 2 && paired.high <= 2 * 1.02);
    assert_true(paired.low < paired.high);
    shuffle(unpaired, PAIRS, 1);
    struct fb_interval other = fb_ratio_interval(base, unpaired, PAIRS);
    assert_true(other.high - other.low > 10 * (paired.high - paired.low));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(medians),          cmocka_unit_test(medians_of_ns),
        cmocka_unit_test(exact_ranks),      cmocka_unit_test(intervals_cover_the_true_median),
        cmocka_unit_test(ratios_are_exact), cmocka_unit_test(drift_does_not_widen_ratios),
    };
    return RUN_TESTS(tests);
}
