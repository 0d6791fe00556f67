/* bench/judge/scaling.c: known serial fractions, exact laws, and the coverage of the intervals. */
#include "tests/support/support.h"

#include "tests/bench/judge/noise_model.h"
#include "tests/support/near.h"

#include "bench/judge/scaling.h"

#include <stdio.h>

#define COUNTS 6
#define BLOCKS 20

static const unsigned workers[COUNTS] = { 1, 2, 4, 8, 16, 32 };

static double law(double contention, double coherency, double p)
{
    return p / (1 + contention * (p - 1) + coherency * p * (p - 1));
}

/* ---- Karp and Flatt ---- */

static struct fb_interval serial_fraction(double value, double low, double high, unsigned p)
{
    const struct fb_interval speedup = { value, low, high, 9 };
    return fb_karp_flatt(&speedup, p);
}

static void serial_fractions_are_known(void **state)
{
    (void)state;
    struct fb_interval found = serial_fraction(1.9, 1.8, 1.95, 2);
    assert_near(found.value, 0.0526315789, 1e-9);
    assert_near(found.low, 0.0256410256, 1e-9);
    assert_near(found.high, 0.1111111111, 1e-9);
    assert_int_equal(found.samples, 9);
    found = serial_fraction(8, 7.5, 8.5, 8);
    assert_near(found.value, 0, 1e-12);
    assert_true(found.low < 0 && found.high > 0);
    found = serial_fraction(1, 0.9, 1.1, 4);
    assert_near(found.value, 1, 1e-12);
    assert_true(found.low < 1 && found.high > 1);
}

static void the_serial_fraction_is_amdahls(void **state)
{
    (void)state;
    for (size_t i = 1; i < COUNTS; i++) {
        double speedup = law(0.05, 0, workers[i]);
        struct fb_interval found = serial_fraction(speedup, speedup, speedup, workers[i]);
        assert_near(found.value, 0.05, 1e-12);
    }
}

static void without_an_interval_there_is_none(void **state)
{
    (void)state;
    struct fb_interval found = serial_fraction(1.9, NAN, NAN, 2);
    assert_near(found.value, 0.0526315789, 1e-9);
    assert_true(isnan(found.low) && isnan(found.high));
}

/* ---- without noise ---- */

/* Blocks differ like with a changing clock frequency; their ratios don't. */
static struct fb_scaling fit_exact(double contention, double coherency)
{
    double time[BLOCKS][COUNTS];
    struct fb_scaling scaling;
    for (size_t block = 0; block < BLOCKS; block++)
        for (size_t i = 0; i < COUNTS; i++)
            time[block][i] =
                (1 + 0.1 * (double)block) * 7e8 / law(contention, coherency, workers[i]);
    assert_int_equal(fb_scaling_fit(workers, COUNTS, time[0], BLOCKS, &scaling), 0);
    return scaling;
}

static void check_exact(struct fb_interval interval, double value)
{
    assert_near(interval.value, value, 1e-9);
    assert_near(interval.low, value, 1e-9);
    assert_near(interval.high, value, 1e-9);
    assert_int_equal(interval.samples, BLOCKS);
}

static void amdahls_law_is_recovered(void **state)
{
    (void)state;
    struct fb_scaling scaling = fit_exact(0.05, 0);
    check_exact(scaling.serial, 0.05);
    check_exact(scaling.contention, 0.05);
    check_exact(scaling.coherency, 0);
    assert_near(scaling.amdahl_miss, 0, 1e-9);
    assert_near(scaling.usl_miss, 0, 1e-9);
    for (size_t i = 0; i < COUNTS; i++) {
        double speedup = law(0.05, 0, workers[i]);
        assert_near(fb_amdahl_speedup(&scaling, workers[i]), speedup, 1e-9);
        assert_near(fb_usl_speedup(&scaling, workers[i]), speedup, 1e-7);
    }
    /* Also for a number of workers that was not measured. */
    assert_near(fb_amdahl_speedup(&scaling, 64), 64 / 4.15, 1e-9);
}

static void universal_law_is_recovered(void **state)
{
    (void)state;
    struct fb_scaling scaling = fit_exact(0.02, 0.0005);
    check_exact(scaling.contention, 0.02);
    check_exact(scaling.coherency, 0.0005);
    assert_near(scaling.usl_miss, 0, 1e-9);
    for (size_t i = 0; i < COUNTS; i++)
        assert_near(fb_usl_speedup(&scaling, workers[i]), law(0.02, 0.0005, workers[i]), 1e-7);
    /* Amdahl's law doesn't fit, and amdahl_miss is by how much. */
    double most = 0;
    for (size_t i = 0; i < COUNTS; i++) {
        double speedup = law(0.02, 0.0005, workers[i]);
        most = fmax(most, fabs(fb_amdahl_speedup(&scaling, workers[i]) / speedup - 1));
    }
    assert_true(most > 0.01);
    assert_near(scaling.amdahl_miss, most, 1e-9);
    assert_true(scaling.serial.value > 0.02);
}

static void ideal_speedup_has_no_serial_part(void **state)
{
    (void)state;
    struct fb_scaling scaling = fit_exact(0, 0);
    check_exact(scaling.serial, 0);
    check_exact(scaling.contention, 0);
    check_exact(scaling.coherency, 0);
    assert_near(fb_amdahl_speedup(&scaling, 100), 100, 1e-6);
}

/* ---- with noise ---- */

#define CASES 1000
#define CONTENTION 0.02
#define COHERENCY 0.0005
#define NOISE 0.02

static bool covers(struct fb_interval interval, double value)
{
    return interval.low <= value && value <= interval.high;
}

static void intervals_cover_the_true_coefficients(void **state)
{
    (void)state;
    struct fb_random random = { 1 };
    unsigned contention = 0, coherency = 0;
    for (int k = 0; k < CASES; k++) {
        double time[BLOCKS][COUNTS];
        struct fb_scaling scaling;
        for (size_t block = 0; block < BLOCKS; block++)
            for (size_t i = 0; i < COUNTS; i++)
                time[block][i] =
                    exp(NOISE * noise_normal(&random)) / law(CONTENTION, COHERENCY, workers[i]);
        assert_int_equal(fb_scaling_fit(workers, COUNTS, time[0], BLOCKS, &scaling), 0);
        contention += covers(scaling.contention, CONTENTION);
        coherency += covers(scaling.coherency, COHERENCY);
    }
    printf("intervals cover contention in %.1f %%, coherency in %.1f %%\n",
           contention * 100.0 / CASES, coherency * 100.0 / CASES);
    assert_in_range(contention, 930, 970);
    assert_in_range(coherency, 930, 970);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(serial_fractions_are_known),
        cmocka_unit_test(the_serial_fraction_is_amdahls),
        cmocka_unit_test(without_an_interval_there_is_none),
        cmocka_unit_test(amdahls_law_is_recovered),
        cmocka_unit_test(universal_law_is_recovered),
        cmocka_unit_test(ideal_speedup_has_no_serial_part),
        cmocka_unit_test(intervals_cover_the_true_coefficients),
    };
    return RUN_TESTS(tests);
}
