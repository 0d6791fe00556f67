/* bench/judge/regress.c: small cases with a known answer, then thousands of invented pairs of runs,
 * which show how often the rule is wrong. */
#include "tests/support/support.h"

#include "tests/bench/judge/noise_model.h"
#include "tests/support/near.h"

#include "bench/run/precision.h"
#include "bench/judge/regress.h"

#include <math.h>
#include <stdio.h>

#define MOST 0.05
#define TIMES 400

static struct fb_regress judge(const double *a, size_t a_blocks, const double *b, size_t b_blocks)
{
    struct fb_regress regress;
    assert_int_equal(fb_regress_judge(a, a_blocks, b, b_blocks, MOST, &regress), 0);
    return regress;
}

static void check_verdict(const struct fb_regress *regress, enum fb_regress_verdict verdict)
{
    assert_string_equal(fb_regress_names[regress->verdict], fb_regress_names[verdict]);
    if (verdict != FB_CANT_TELL)
        assert_near(regress->blocks, 0, 0);
}

/* Times that differ from `time` by up to 1 %, in a pattern of four blocks, so that each quarter of
 * a run has the same times. */
static void fill(double *run, size_t blocks, double time)
{
    static const double factor[] = { 1, 1.004, 0.994, 1.002 };
    for (size_t i = 0; i < blocks; i++)
        run[i] = time * factor[i % 4];
}

/* ---- known cases ---- */

static void a_run_is_no_worse_than_itself(void **state)
{
    (void)state;
    double run[16], copy[16];
    fill(run, 16, 100);
    fill(copy, 16, 100);
    for (size_t blocks = 1; blocks <= 16; blocks++) {
        struct fb_regress regress = judge(run, blocks, copy, blocks);
        check_verdict(&regress, FB_NO_WORSE);
        assert_near(regress.ratio.value, 1, 0);
        assert_near(regress.ratio.low, 1, 0);
        assert_near(regress.ratio.high, 1, 0);
        assert_int_equal(regress.ratio.samples, blocks);
    }
}

static void check_too_few(const struct fb_regress *regress, size_t blocks)
{
    check_verdict(regress, FB_CANT_TELL);
    assert_near(regress->blocks, FB_BLOCKS_LEAST, 0);
    assert_int_equal(regress->ratio.samples, blocks);
    assert_true(isnan(regress->ratio.low) && isnan(regress->ratio.high));
}

/* Also for a run that is ten times as slow. */
static void too_few_blocks_give_no_verdict(void **state)
{
    (void)state;
    double a[20], b[20];
    fill(a, 20, 100);
    fill(b, 20, 1000);
    for (size_t blocks = 1; blocks < FB_BLOCKS_LEAST; blocks++) {
        struct fb_regress both = judge(a, blocks, b, blocks);
        struct fb_regress first = judge(a, blocks, b, 20), second = judge(a, 20, b, blocks);
        check_too_few(&both, blocks);
        check_too_few(&first, blocks);
        check_too_few(&second, blocks);
        assert_near(both.ratio.value, 10, 0.1);
    }
    struct fb_regress enough = judge(a, FB_BLOCKS_LEAST, b, FB_BLOCKS_LEAST);
    check_verdict(&enough, FB_WORSE);
}

/* A cell whose trials all failed has no times. */
static void no_blocks_give_no_verdict(void **state)
{
    (void)state;
    double run[20];
    fill(run, 20, 100);
    struct fb_regress none = judge(NULL, 0, NULL, 0);
    struct fb_regress first = judge(NULL, 0, run, 20), second = judge(run, 20, NULL, 0);
    check_too_few(&none, 0);
    check_too_few(&first, 0);
    check_too_few(&second, 0);
    assert_true(isnan(none.ratio.value) && isnan(first.ratio.value) && isnan(second.ratio.value));
}

static void clean_runs_are_judged(void **state)
{
    (void)state;
    double a[40], b[40], slow[40], fast[40];
    fill(a, 40, 100);
    fill(b, 40, 100.1);
    fill(slow, 40, 120);
    fill(fast, 40, 80);
    /* With equal and different numbers of blocks. */
    for (size_t blocks = 16; blocks <= 40; blocks += 8) {
        struct fb_regress equal = judge(a, 16, b, blocks), worse = judge(a, 16, slow, blocks);
        struct fb_regress better = judge(a, blocks, fast, 16);
        check_verdict(&equal, FB_NO_WORSE);
        check_verdict(&worse, FB_WORSE);
        check_verdict(&better, FB_NO_WORSE);
        assert_near(equal.ratio.value, 1.001, 0.001);
        assert_near(worse.ratio.value, 1.2, 0.001);
        assert_near(better.ratio.value, 0.8, 0.001);
        assert_true(worse.ratio.low <= worse.ratio.value);
        assert_true(worse.ratio.high >= worse.ratio.value);
        assert_int_equal(worse.ratio.samples, 16);
        assert_int_equal(better.ratio.samples, 16);
    }
}

/* Worse is more than the limit, not the limit itself; 1.5 has no rounding error. */
static void the_limit_itself_is_no_worse(void **state)
{
    (void)state;
    double a[16], b[16];
    struct fb_regress regress;
    for (size_t i = 0; i < 16; i++)
        a[i] = 1, b[i] = 1.5;
    assert_int_equal(fb_regress_judge(a, 16, b, 16, 0.5, &regress), 0);
    check_verdict(&regress, FB_NO_WORSE);
    assert_int_equal(fb_regress_judge(a, 16, b, 16, 0.49, &regress), 0);
    check_verdict(&regress, FB_WORSE);
    /* With scatter around the limit there is no verdict, however many blocks there are. */
    for (size_t i = 0; i < 16; i++)
        a[i] = 1 + 0.01 * (double)(i % 5), b[i] = 1.5 * a[i];
    assert_int_equal(fb_regress_judge(a, 16, b, 16, 0.5, &regress), 0);
    check_verdict(&regress, FB_CANT_TELL);
}

/* Swapping the runs inverts the ratio and its interval. */
static void swapped_runs_have_the_inverse_ratio(void **state)
{
    (void)state;
    double a[20], b[32];
    struct noise noise;
    noise_begin(&noise, 5);
    for (size_t i = 0; i < 20; i++)
        a[i] = noise_next(&noise);
    for (size_t i = 0; i < 32; i++)
        b[i] = 1.1 * noise_next(&noise);
    struct fb_regress there = judge(a, 20, b, 32), back = judge(b, 32, a, 20);
    assert_near(there.ratio.value * back.ratio.value, 1, 1e-12);
    assert_near(there.ratio.low * back.ratio.high, 1, 1e-12);
    assert_near(there.ratio.high * back.ratio.low, 1, 1e-12);
}

/* Drift of 60 % from the first block to the last; the scatter between blocks is small. */
static void no_number_of_blocks_helps_against_drift(void **state)
{
    (void)state;
    double a[32], b[32];
    fill(a, 32, 100);
    fill(b, 32, 101);
    for (size_t i = 0; i < 32; i++)
        a[i] *= 1 + 0.02 * (double)i, b[i] *= 1 + 0.02 * (double)i;
    struct fb_regress regress = judge(a, 32, b, 32);
    check_verdict(&regress, FB_CANT_TELL);
    assert_true(isinf(regress.blocks) && regress.blocks > 0);
}

/* ---- thousands of pairs ---- */

/* A run on a machine with a random walk in addition; walk: the standard deviation for each trial. */
static void make_run(double *run, size_t blocks, double truth, double walk, uint64_t seed)
{
    struct noise noise;
    double away = 0;
    noise_begin(&noise, seed);
    for (size_t i = 0; i < blocks; i++) {
        double time = truth * noise_next(&noise);
        away += walk * noise_normal(&noise.random);
        run[i] = time * exp(away);
    }
}

/* White noise, which more blocks average out. */
static void make_white(double *run, size_t blocks, double spread, uint64_t seed)
{
    struct fb_random random = { seed };
    random.state = fb_random_next(&random);
    for (size_t i = 0; i < blocks; i++)
        run[i] = exp(spread * noise_normal(&random));
}

#define PAIRS 4000
struct rates {
    double verdict[FB_REGRESS_VERDICTS], covered; /* in per cent */
};

static struct rates measure_rates(double truth, double walk)
{
    double a[TIMES], b[TIMES];
    struct rates rates = { 0 };
    struct fb_random random = { 7 };
    for (uint64_t i = 0; i < PAIRS; i++) {
        size_t a_blocks = 16 + fb_random_below(&random, 25);
        size_t b_blocks = 16 + fb_random_below(&random, 25);
        make_run(a, a_blocks, 1, walk, 2 * i + 1);
        make_run(b, b_blocks, truth, walk, 2 * i + 2);
        struct fb_regress regress = judge(a, a_blocks, b, b_blocks);
        rates.verdict[regress.verdict] += 100.0 / PAIRS;
        if (regress.ratio.low <= truth && truth <= regress.ratio.high)
            rates.covered += 100.0 / PAIRS;
    }
    printf("true ratio %.2f, walk %.1f %% a trial: no worse %.2f %%, worse %.2f %%, can't tell "
           "%.2f %%; covered %.2f %%\n",
           truth, 100 * walk, rates.verdict[FB_NO_WORSE], rates.verdict[FB_WORSE],
           rates.verdict[FB_CANT_TELL], rates.covered);
    return rates;
}

static void noisy_runs_are_seldom_misjudged(void **state)
{
    (void)state;
    struct rates limit = measure_rates(1 + MOST, 0), equal = measure_rates(1, 0);
    struct rates worse = measure_rates(1.2, 0);
    assert_true(limit.verdict[FB_WORSE] <= 5 && limit.verdict[FB_NO_WORSE] <= 5);
    assert_true(limit.covered >= 95 && equal.covered >= 95 && worse.covered >= 95);
    assert_true(equal.verdict[FB_WORSE] < 0.5);
    assert_true(worse.verdict[FB_WORSE] >= 95);
    /* Otherwise a rule without verdicts would pass. */
    assert_true(equal.verdict[FB_NO_WORSE] >= 90);
}

/* Both walks start at the same point: a change between the runs can't be detected. */
static void walking_runs_are_seldom_misjudged(void **state)
{
    (void)state;
    static const double walk[] = { 0.005, 0.01, 0.03 };
    for (size_t i = 0; i < sizeof walk / sizeof *walk; i++) {
        struct rates limit = measure_rates(1 + MOST, walk[i]);
        assert_true(limit.verdict[FB_WORSE] <= 5 && limit.verdict[FB_NO_WORSE] <= 5);
        /* The further it walks, the fewer verdicts there are. */
        assert_true(limit.verdict[FB_CANT_TELL] >= 90);
    }
}

/* ---- how many blocks are needed ---- */

/* Two equal runs with white noise of 6 %, for which 16 blocks are too few: how many are needed by
 * the rule, and whether two new runs with as many get a verdict. */
static void as_many_blocks_as_needed_mostly_give_a_verdict(void **state)
{
    (void)state;
    enum { EACH = 16, TRIES = 1000 };
    double a[TIMES], b[TIMES];
    unsigned unsure = 0, never = 0, tried = 0, judged = 0;
    for (uint64_t i = 0; i < TRIES; i++) {
        make_white(a, EACH, 0.06, 4 * i + 1);
        make_white(b, EACH, 0.06, 4 * i + 2);
        struct fb_regress regress = judge(a, EACH, b, EACH);
        if (regress.verdict != FB_CANT_TELL)
            continue;
        unsure++;
        never += isinf(regress.blocks);
        assert_true(regress.blocks > EACH);
        if (regress.blocks > TIMES)
            continue;
        size_t blocks = (size_t)regress.blocks;
        make_white(a, blocks, 0.06, 4 * i + 3);
        make_white(b, blocks, 0.06, 4 * i + 4);
        regress = judge(a, blocks, b, blocks);
        tried++;
        judged += regress.verdict != FB_CANT_TELL;
    }
    printf("6 %% of white noise, 16 blocks: can't tell %.1f %%; of these %.1f %% say that no "
           "number would do; of %u with up to %d blocks %.1f %% were then judged\n",
           unsure * 100.0 / TRIES, never * 100.0 / unsure, tried, TIMES, judged * 100.0 / tried);
    assert_true(unsure > TRIES * 0.8);
    assert_true(tried > TRIES / 5);
    assert_true(judged > tried * 0.6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_is_no_worse_than_itself),
        cmocka_unit_test(too_few_blocks_give_no_verdict),
        cmocka_unit_test(no_blocks_give_no_verdict),
        cmocka_unit_test(clean_runs_are_judged),
        cmocka_unit_test(the_limit_itself_is_no_worse),
        cmocka_unit_test(swapped_runs_have_the_inverse_ratio),
        cmocka_unit_test(no_number_of_blocks_helps_against_drift),
        cmocka_unit_test(noisy_runs_are_seldom_misjudged),
        cmocka_unit_test(walking_runs_are_seldom_misjudged),
        cmocka_unit_test(as_many_blocks_as_needed_mostly_give_a_verdict),
    };
    return RUN_TESTS(tests);
}
