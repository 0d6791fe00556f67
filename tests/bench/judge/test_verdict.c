/* bench/judge/analysis.c: which differences exceed the noise, from invented times of pairs. */
#include "tests/support/support.h"

#include "tests/support/near.h"

#include "tests/bench/run/fake_measure.h"

#include "bench/judge/analysis.h"

#include <stdio.h>
#include <string.h>

#define BLOCKS 30
#define SMALL 1e-9

/* AGAIN is ONE under a second label, SLOW another parameter of it. */
enum { ONE, AGAIN, SLOW, CELLS };

static struct fb_cell cell[CELLS];
static struct fb_sample list[CELLS * (BLOCKS + 1)];
static struct fb_outcome outcome[CELLS];
static struct fb_pair pair[2];
static struct fb_plan plan;
static struct fb_samples samples;

static int begin(void **state)
{
    (void)state;
    for (size_t i = 0; i < CELLS; i++)
        cell[i] = (struct fb_cell){
            .kernel = &fake_exact, .workers = 1, .base = FB_NO_CELL, .ceiling = FB_NO_CELL
        };
    cell[AGAIN].again = true;
    pair[0] = (struct fb_pair){ .reference = ONE, .cell = SLOW, .factor = FB_FACTOR_PARAMETER };
    pair[1] = (struct fb_pair){ .reference = ONE, .cell = AGAIN, .factor = FB_FACTOR_NONE };
    plan = (struct fb_plan){ .cell = cell, .count = CELLS, .pair = pair, .pairs = 2 };
    samples = (struct fb_samples){ .list = list, .outcome = outcome };
    return 0;
}

static struct fb_sample *add(size_t block, size_t index, double run_ns)
{
    list[samples.count] =
        (struct fb_sample){ .block = block, .cell = index, .run_ns = (uint64_t)run_ns };
    return &list[samples.count++];
}

/* From -1 to 1, in a fixed pattern. */
static double jitter(size_t number)
{
    return (double)(number * 37 % 101) / 50 - 1;
}

/* Adds blocks in which ONE takes a millisecond, SLOW `slow` times as long, and AGAIN as long with
 * this scatter. */
static void fill(double slow, double again_scatter)
{
    for (size_t block = 1; block <= BLOCKS; block++) {
        double one_ns =
            1e6 *
            (1 + 0.2 * jitter(7 * block)); /* the differences between blocks are much larger */
        add(block, ONE, one_ns);
        add(block, SLOW, one_ns * slow * (1 + 0.002 * jitter(block)));
        add(block, AGAIN, one_ns * (1 + again_scatter * jitter(3 * block)));
    }
}

static struct fb_analysis analyse(void)
{
    struct fb_analysis analysis;
    assert_int_equal(fb_analyse(&plan, &samples, &analysis), 0);
    return analysis;
}

/* ---- one verdict ---- */

static enum fb_verdict verdict(double value, double low, double high, double floor)
{
    struct fb_interval ratio = { value, low, high, BLOCKS };
    return fb_verdict_of(&ratio, floor);
}

static void a_ratio_beyond_the_floor_gives_a_verdict(void **state)
{
    (void)state;
    assert_int_equal(verdict(1.03, 1.02, 1.04, 0), FB_SLOWER);
    assert_int_equal(verdict(1.03, 1.02, 1.04, 0.029), FB_SLOWER);
    assert_int_equal(verdict(1.03, 1.001, 9, 0.01), FB_SLOWER);
    assert_int_equal(verdict(0.97, 0.96, 0.98, 0), FB_FASTER);
    assert_int_equal(verdict(0.97, 0.96, 0.98, 0.029), FB_FASTER);
    assert_int_equal(verdict(0.97, 0.1, 0.999, 0.01), FB_FASTER);
}

static void a_ratio_within_the_floor_is_inconclusive(void **state)
{
    (void)state;
    assert_int_equal(verdict(1.03, 1.02, 1.04, 0.031), FB_INCONCLUSIVE);
    assert_int_equal(verdict(0.97, 0.96, 0.98, 0.031), FB_INCONCLUSIVE);
    assert_int_equal(verdict(1.25, 1.125, 1.5, 0.25), FB_INCONCLUSIVE); /* exactly */
    assert_int_equal(verdict(0.75, 0.5, 0.875, 0.25), FB_INCONCLUSIVE);
}

static void an_interval_with_1_is_inconclusive(void **state)
{
    (void)state;
    assert_int_equal(verdict(1.03, 0.999, 1.06, 0), FB_INCONCLUSIVE);
    assert_int_equal(verdict(0.97, 0.94, 1.001, 0), FB_INCONCLUSIVE);
    assert_int_equal(verdict(1.5, 1, 2, 0), FB_INCONCLUSIVE);
    assert_int_equal(verdict(0.5, 0.25, 1, 0), FB_INCONCLUSIVE);
    assert_int_equal(verdict(1, 1, 1, 0), FB_INCONCLUSIVE);
}

static void without_an_interval_it_is_inconclusive(void **state)
{
    (void)state;
    assert_int_equal(verdict(2, NAN, NAN, 0), FB_INCONCLUSIVE);
    assert_int_equal(verdict(0.5, NAN, NAN, 0), FB_INCONCLUSIVE);
    assert_int_equal(verdict(NAN, NAN, NAN, 0), FB_INCONCLUSIVE);
}

static void verdicts_have_names(void **state)
{
    (void)state;
    assert_string_equal(fb_verdict_names[FB_SLOWER], "slower");
    assert_string_equal(fb_verdict_names[FB_FASTER], "faster");
    assert_string_equal(fb_verdict_names[FB_INCONCLUSIVE], "inconclusive");
}

/* ---- the floor ---- */

static struct fb_null judged(double value, double low, double high)
{
    struct fb_null null = { .ratio = { value, low, high, BLOCKS } };
    fb_null_judge(&null);
    return null;
}

static void the_floor_follows_from_two_labels_of_one_cell(void **state)
{
    (void)state;
    /* Half the width, because the true ratio is 1 wherever the interval is. */
    struct fb_null null = judged(1.001, 0.99, 1.02);
    assert_true(null.known);
    assert_near(null.floor, 0.015, SMALL);
    null = judged(0.99, 0.97, 1.01);
    assert_near(null.floor, 0.02, SMALL);
    /* An interval without 1: the second label was always slower. */
    null = judged(1.05, 1.04, 1.06);
    assert_near(null.floor, 0.05, SMALL);
    assert_near(null.detectable, 0.05, SMALL);
    null = judged(0.95, 0.94, 0.96);
    assert_near(null.floor, 0.05, SMALL);
    null = judged(1, 1, 1);
    assert_true(null.known);
    assert_near(null.floor, 0, SMALL);
    assert_near(null.detectable, 0, SMALL);
}

/* 1.96 and 0.84 standard errors of 1.96. */
static void detectable_follows_from_the_width(void **state)
{
    (void)state;
    struct fb_null null = judged(1, 0.98, 1.02);
    assert_near(null.detectable, 1.4294 * 0.02, 1e-5);
    for (int shift = -20; shift <= 20; shift++) {
        double value = 1 + 0.001 * shift;
        null = judged(value, value - 0.01, value + 0.01);
        assert_true(null.detectable >= null.floor);
        assert_near(null.detectable, fmax(null.floor, 0.014294), 1e-5);
    }
}

static void without_an_interval_the_floor_is_unknown(void **state)
{
    (void)state;
    assert_false(judged(1, NAN, NAN).known);
    assert_false(judged(NAN, NAN, NAN).known);
}

/* ---- pairs of a plan ---- */

static void a_small_difference_is_found(void **state)
{
    (void)state;
    fill(1.03, 0.002);
    struct fb_analysis analysis = analyse();
    const struct fb_finding *slow = &analysis.finding[0];
    const struct fb_null *null = &analysis.null[FB_FAMILY_C];
    assert_true(null->known && null->floor < 0.003);
    assert_true(null->detectable < 0.01);
    assert_int_equal(slow->ratio.samples, BLOCKS);
    assert_near(slow->ratio.value, 1.03, 0.001);
    assert_near(slow->ratio_mean.value, 1.03, 0.001);
    assert_true(slow->ratio.low > 1.027 && slow->ratio.high < 1.033);
    assert_int_equal(slow->verdict, FB_SLOWER);
    assert_int_equal(analysis.finding[1].verdict, FB_INCONCLUSIVE);
    assert_false(analysis.null[FB_FAMILY_CPYTHON].known);
    fb_analysis_clear(&analysis);
    assert_null(analysis.finding);
}

static void a_swapped_pair_is_faster(void **state)
{
    (void)state;
    pair[0] = (struct fb_pair){ .reference = SLOW, .cell = ONE, .factor = FB_FACTOR_PARAMETER };
    fill(1.03, 0.002);
    struct fb_analysis analysis = analyse();
    assert_near(analysis.finding[0].ratio.value, 1 / 1.03, 0.001);
    assert_int_equal(analysis.finding[0].verdict, FB_FASTER);
    fb_analysis_clear(&analysis);
}

static void a_wide_null_comparison_hides_the_difference(void **state)
{
    (void)state;
    fill(1.03, 0.3);
    struct fb_analysis analysis = analyse();
    assert_true(analysis.null[FB_FAMILY_C].known);
    assert_true(analysis.null[FB_FAMILY_C].floor > 0.03); /* the true difference */
    assert_true(analysis.null[FB_FAMILY_C].detectable >= analysis.null[FB_FAMILY_C].floor);
    assert_true(analysis.finding[0].ratio.low > 1);
    assert_int_equal(analysis.finding[0].verdict, FB_INCONCLUSIVE);
    fb_analysis_clear(&analysis);
}

static void without_a_null_comparison_it_is_inconclusive(void **state)
{
    (void)state;
    plan.pairs = 1;
    fill(2, 0.002);
    struct fb_analysis analysis = analyse();
    assert_false(analysis.null[FB_FAMILY_C].known);
    assert_true(analysis.finding[0].ratio.low > 1.9);
    assert_int_equal(analysis.finding[0].verdict, FB_INCONCLUSIVE);
    fb_analysis_clear(&analysis);
    /* The null comparison of another family does not count. */
    plan.pairs = 2;
    cell[SLOW].family = FB_FAMILY_CPYTHON;
    analysis = analyse();
    assert_true(analysis.null[FB_FAMILY_C].known);
    assert_int_equal(analysis.finding[0].verdict, FB_INCONCLUSIVE);
    fb_analysis_clear(&analysis);
}

static void few_blocks_of_the_null_comparison_are_inconclusive(void **state)
{
    (void)state;
    for (size_t block = 1; block <= BLOCKS; block++) {
        add(block, ONE, 1e6);
        add(block, SLOW, 2e6);
        if (block < FB_INTERVAL_LEAST)
            add(block, AGAIN, 1e6);
    }
    struct fb_analysis analysis = analyse();
    assert_false(analysis.null[FB_FAMILY_C].known);
    assert_int_equal(analysis.finding[0].verdict, FB_INCONCLUSIVE);
    fb_analysis_clear(&analysis);
}

/* ---- marked trials ---- */

static void an_outlier_is_marked_and_kept(void **state)
{
    (void)state;
    for (size_t block = 1; block <= 20; block++)
        add(block, ONE, block == 7 ? 3e6 : 1e6 * (1 + 0.01 * jitter(block)));
    struct fb_analysis analysis = analyse();
    for (size_t i = 0; i < samples.count; i++)
        assert_int_equal(fabs(analysis.score[i]) > FB_OUTLIER, list[i].block == 7);
    assert_true(analysis.score[6] > FB_OUTLIER);
    assert_int_equal(analysis.cell[ONE].outliers, 1);
    assert_int_equal(analysis.cell[AGAIN].outliers, 0);
    assert_int_equal(analysis.cell[ONE].run_ns.samples, 20);
    fb_analysis_clear(&analysis);
    /* Six outliers determine the upper end of the interval. */
    samples.count = 0;
    for (size_t block = 1; block <= 20; block++)
        add(block, ONE, block <= 6 ? 3e6 : 1e6 * (1 + 0.01 * jitter(block)));
    analysis = analyse();
    assert_int_equal(analysis.cell[ONE].outliers, 6);
    assert_near(analysis.cell[ONE].run_ns.high, 3e6, SMALL);
    fb_analysis_clear(&analysis);
}

static void disturbed_trials_are_counted_and_kept(void **state)
{
    (void)state;
    for (size_t block = 1; block <= 10; block++)
        for (size_t i = 0; i < 2; i++) {
            struct fb_sample *sample = add(block, i, 1e6);
            if (i == ONE && block % 3 == 0)
                snprintf(sample->disturbed, sizeof sample->disturbed, "slowed down by heat");
        }
    struct fb_analysis analysis = analyse();
    assert_int_equal(analysis.cell[ONE].disturbed, 3);
    assert_int_equal(analysis.cell[AGAIN].disturbed, 0);
    assert_int_equal(analysis.cell[ONE].outliers, 0);
    assert_int_equal(analysis.cell[ONE].run_ns.samples, 10);
    assert_int_equal(analysis.finding[1].ratio.samples, 10);
    fb_analysis_clear(&analysis);
}

/* Whatever its time and its disturbances. */
static void the_warm_up_never_counts(void **state)
{
    (void)state;
    for (size_t i = 0; i < CELLS; i++)
        strcpy(add(0, i, 1e9)->disturbed, "cold");
    fill(1.03, 0.002);
    struct fb_analysis analysis = analyse();
    for (size_t i = 0; i < CELLS; i++) {
        assert_int_equal(analysis.cell[i].disturbed, 0);
        assert_int_equal(analysis.cell[i].outliers, 0);
        assert_int_equal(analysis.cell[i].run_ns.samples, BLOCKS);
        assert_true(analysis.score[i] == 0);
    }
    assert_int_equal(analysis.finding[0].ratio.samples, BLOCKS);
    assert_int_equal(analysis.finding[0].verdict, FB_SLOWER);
    fb_analysis_clear(&analysis);
    /* A run with only a warm-up has no figures. */
    samples.count = CELLS;
    analysis = analyse();
    assert_int_equal(analysis.cell[ONE].run_ns.samples, 0);
    assert_int_equal(analysis.finding[0].verdict, FB_INCONCLUSIVE);
    assert_false(analysis.null[FB_FAMILY_C].known);
    fb_analysis_clear(&analysis);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_ratio_beyond_the_floor_gives_a_verdict, begin),
        cmocka_unit_test_setup(a_ratio_within_the_floor_is_inconclusive, begin),
        cmocka_unit_test_setup(an_interval_with_1_is_inconclusive, begin),
        cmocka_unit_test_setup(without_an_interval_it_is_inconclusive, begin),
        cmocka_unit_test_setup(verdicts_have_names, begin),
        cmocka_unit_test_setup(the_floor_follows_from_two_labels_of_one_cell, begin),
        cmocka_unit_test_setup(detectable_follows_from_the_width, begin),
        cmocka_unit_test_setup(without_an_interval_the_floor_is_unknown, begin),
        cmocka_unit_test_setup(a_small_difference_is_found, begin),
        cmocka_unit_test_setup(a_swapped_pair_is_faster, begin),
        cmocka_unit_test_setup(a_wide_null_comparison_hides_the_difference, begin),
        cmocka_unit_test_setup(without_a_null_comparison_it_is_inconclusive, begin),
        cmocka_unit_test_setup(few_blocks_of_the_null_comparison_are_inconclusive, begin),
        cmocka_unit_test_setup(an_outlier_is_marked_and_kept, begin),
        cmocka_unit_test_setup(disturbed_trials_are_counted_and_kept, begin),
        cmocka_unit_test_setup(the_warm_up_never_counts, begin),
    };
    return RUN_TESTS(tests);
}
