/* bench/judge/analysis.c: speedups, and speedups relative to the ceiling, paired in blocks. */
#include "tests/support/support.h"

#include "tests/support/near.h"

#include "tests/bench/run/fake_measure.h"

#include "bench/judge/analysis.h"

#include <string.h>

#define BLOCKS_MOST 12
#define NS 1e-12 /* relative error of the arithmetic */

enum { SINGLE, FORKPOOL, CEILING, CELLS };

static struct fb_cell cell[CELLS];
static struct fb_sample list[CELLS * BLOCKS_MOST];
static struct fb_outcome outcome[CELLS];
static const struct fb_plan plan = { .cell = cell, .count = CELLS };
static struct fb_samples samples;

static int begin(void **state)
{
    (void)state;
    for (size_t i = 0; i < CELLS; i++)
        cell[i] = (struct fb_cell){ .kernel = &fake_exact,
                                    .workers = i == SINGLE ? 1 : 4,
                                    .base = i == SINGLE ? FB_NO_CELL : SINGLE,
                                    .ceiling = i == FORKPOOL ? CEILING : FB_NO_CELL };
    cell[CEILING].copies = 4;
    samples = (struct fb_samples){ .list = list, .outcome = outcome };
    return 0;
}

/* Samples may be added in any order, as they have their block and cell. The warm-up is block -1
 * here. */
static void add(size_t block, size_t index, uint64_t run_ns)
{
    list[samples.count++] =
        (struct fb_sample){ .block = block + 1, .cell = index, .run_ns = run_ns, .wall_ns = 1 };
}

static struct fb_summary summary_of(size_t index)
{
    struct fb_analysis analysis;
    assert_int_equal(fb_analyse(&plan, &samples, &analysis), 0);
    struct fb_summary summary = analysis.cell[index];
    fb_analysis_clear(&analysis);
    return summary;
}

static void check_interval(const struct fb_interval *interval, double value, double low,
                           double high, size_t count)
{
    assert_int_equal(interval->samples, count);
    assert_near(interval->value, value, NS * value);
    assert_near(interval->low, low, NS * low);
    assert_near(interval->high, high, NS * high);
}

/* ---- known ratios ---- */

/* With nine blocks the interval is from the 2nd to the 8th value. Times rise, speedups are
 * shuffled. */
static const uint64_t forkpool_ns[] = { 100, 200, 300, 400, 500, 600, 700, 800, 900 };
static const unsigned speedup_eighths[] = { 31, 24, 28, 22, 30, 26, 29, 25, 27 };

static void speedups_are_paired_in_blocks(void **state)
{
    (void)state;
    for (size_t block = 9; block-- > 0;) {
        add(block, FORKPOOL, 8 * forkpool_ns[block]);
        add(block, SINGLE, forkpool_ns[block] * speedup_eighths[block]);
    }
    struct fb_summary forkpool = summary_of(FORKPOOL), single = summary_of(SINGLE);
    check_interval(&forkpool.run_ns, 8 * 500, 8 * 200, 8 * 800, 9);
    assert_true(forkpool.has_speedup);
    check_interval(&forkpool.speedup, 27 / 8.0, 24 / 8.0, 30 / 8.0, 9);
    assert_false(forkpool.has_ceiling);
    assert_int_equal(single.run_ns.samples, 9);
    assert_false(single.has_speedup);
    assert_false(single.has_ceiling);
}

/* Four copies at once do four jobs in their time. */
static void speedups_are_compared_with_the_ceiling(void **state)
{
    (void)state;
    for (size_t block = 0; block < 9; block++) {
        uint64_t single_ns = 3600 * (block + 1);
        add(block, SINGLE, single_ns);
        add(block, CEILING, single_ns * 5 / 4);
        add(block, FORKPOOL, single_ns * (10 + block) / 36); /* × 3.6, 36/11, 3, … */
    }
    struct fb_summary ceiling = summary_of(CEILING), forkpool = summary_of(FORKPOOL);
    check_interval(&ceiling.speedup, 3.2, 3.2, 3.2, 9);
    assert_false(ceiling.has_ceiling);
    assert_true(forkpool.has_ceiling);
    check_interval(&forkpool.speedup, 36 / 14.0, 36 / 17.0, 36 / 11.0, 9);
    check_interval(&forkpool.of_ceiling, 36 / 14.0 / 3.2, 36 / 17.0 / 3.2, 36 / 11.0 / 3.2, 9);
}

/* ---- drift ---- */

/* From block to block the machine gets twice as slow: times differ by a factor of up to 2048,
 * ratios do not. */
static void drift_between_blocks_cancels_out(void **state)
{
    (void)state;
    for (size_t block = 0; block < BLOCKS_MOST; block++) {
        add(block, SINGLE, (uint64_t)7000 << block);
        add(block, FORKPOOL, (uint64_t)2000 << block);
        add(block, CEILING, (uint64_t)8000 << block);
    }
    struct fb_summary forkpool = summary_of(FORKPOOL);
    assert_true(forkpool.run_ns.high > 60 * forkpool.run_ns.low);
    check_interval(&forkpool.speedup, 3.5, 3.5, 3.5, BLOCKS_MOST);
    check_interval(&forkpool.of_ceiling, 1, 1, 1, BLOCKS_MOST);
}

static void the_warm_up_is_not_counted(void **state)
{
    (void)state;
    for (size_t block = 0; block < 9; block++) {
        add(block, SINGLE, 2000);
        add(block, FORKPOOL, 1000);
    }
    add((size_t)-1, SINGLE, 9000);
    add((size_t)-1, FORKPOOL, 1000);
    struct fb_summary forkpool = summary_of(FORKPOOL), single = summary_of(SINGLE);
    check_interval(&single.run_ns, 2000, 2000, 2000, 9);
    check_interval(&forkpool.speedup, 2, 2, 2, 9);
}

/* Efficiency, serial fraction and geometric mean follow from the same ratios. */
static void other_figures_follow_from_the_speedup(void **state)
{
    (void)state;
    for (size_t block = 0; block < 9; block++) {
        add(block, SINGLE, 3200);
        add(block, FORKPOOL, block % 3 == 0 ? 800 : block % 3 == 1 ? 1600 : 400);
    }
    struct fb_summary forkpool = summary_of(FORKPOOL);
    check_interval(&forkpool.speedup, 4, 2, 8, 9);
    check_interval(&forkpool.efficiency, 1, 0.5, 2, 9);
    assert_near(forkpool.speedup_mean.value, 4, NS * 4);
    assert_true(forkpool.speedup_mean.low > 2 && forkpool.speedup_mean.low < 4);
    assert_true(forkpool.speedup_mean.high > 4 && forkpool.speedup_mean.high < 8);
    /* (1/s - 1/4) / (1 - 1/4), with the ends swapped */
    assert_near(forkpool.serial.value, 0, NS);
    assert_near(forkpool.serial.low, (1 / 8.0 - 0.25) / 0.75, NS);
    assert_near(forkpool.serial.high, (1 / 2.0 - 0.25) / 0.75, NS);
}

/* ---- missing samples ---- */

static void missing_pairs_are_left_out(void **state)
{
    (void)state;
    for (size_t block = 0; block < BLOCKS_MOST; block++) {
        /* forkpool failed after block 9; the run was interrupted in the last one */
        if (block != 3)
            add(block, SINGLE, 4000);
        if (block < 10)
            add(block, FORKPOOL, block == 3 ? 1 : 1000 * (1 + block % 2));
        if (block < 2)
            add(block, CEILING, 4000);
    }
    struct fb_summary forkpool = summary_of(FORKPOOL), single = summary_of(SINGLE);
    assert_int_equal(single.run_ns.samples, 11);
    assert_int_equal(forkpool.run_ns.samples, 10);
    /* The speedup is 4 in even blocks and 2 in odd ones; without block 3 there are 5 and 4 pairs. */
    check_interval(&forkpool.speedup, 4, 2, 4, 9);
    assert_true(forkpool.has_ceiling);
    assert_int_equal(forkpool.of_ceiling.samples, 2);
    assert_near(forkpool.of_ceiling.value, (1 + 0.5) / 2, NS);
    assert_true(isnan(forkpool.of_ceiling.low) && isnan(forkpool.of_ceiling.high));
}

static void cells_without_a_common_block_have_no_speedup(void **state)
{
    (void)state;
    for (size_t block = 0; block < 6; block++) {
        add(block, FORKPOOL, 1000);
        add(block + 6, SINGLE, 2000);
    }
    struct fb_summary forkpool = summary_of(FORKPOOL);
    check_interval(&forkpool.run_ns, 1000, 1000, 1000, 6);
    assert_false(forkpool.has_speedup);
    assert_false(forkpool.has_ceiling);
}

static void few_samples_give_no_interval(void **state)
{
    (void)state;
    for (size_t block = 0; block < FB_INTERVAL_LEAST - 1; block++) {
        add(block, SINGLE, 2000);
        add(block, FORKPOOL, 1000);
    }
    struct fb_summary forkpool = summary_of(FORKPOOL);
    assert_true(forkpool.has_speedup);
    assert_near(forkpool.speedup.value, 2, NS);
    assert_true(isnan(forkpool.speedup.low) && isnan(forkpool.speedup.high));
    assert_true(isnan(forkpool.run_ns.low) && isnan(forkpool.run_ns.high));
    add(FB_INTERVAL_LEAST - 1, SINGLE, 2000);
    add(FB_INTERVAL_LEAST - 1, FORKPOOL, 1000);
    forkpool = summary_of(FORKPOOL);
    check_interval(&forkpool.speedup, 2, 2, 2, FB_INTERVAL_LEAST);
}

static void cells_without_samples_have_no_figures(void **state)
{
    (void)state;
    for (size_t i = 0; i < CELLS; i++) {
        struct fb_summary summary = summary_of(i);
        assert_int_equal(summary.run_ns.samples, 0);
        assert_true(isnan(summary.run_ns.value));
        assert_true(isnan(summary.run_ns.low) && isnan(summary.run_ns.high));
        assert_false(summary.has_speedup);
        assert_false(summary.has_ceiling);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(speedups_are_paired_in_blocks, begin),
        cmocka_unit_test_setup(speedups_are_compared_with_the_ceiling, begin),
        cmocka_unit_test_setup(drift_between_blocks_cancels_out, begin),
        cmocka_unit_test_setup(the_warm_up_is_not_counted, begin),
        cmocka_unit_test_setup(other_figures_follow_from_the_speedup, begin),
        cmocka_unit_test_setup(missing_pairs_are_left_out, begin),
        cmocka_unit_test_setup(cells_without_a_common_block_have_no_speedup, begin),
        cmocka_unit_test_setup(few_samples_give_no_interval, begin),
        cmocka_unit_test_setup(cells_without_samples_have_no_figures, begin),
    };
    return RUN_TESTS(tests);
}
