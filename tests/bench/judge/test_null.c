/* 10,000 invented experiments with two equal cells, with drift of 1 % a minute, heavy tails and
 * autocorrelation: how often a false difference is reported, and a true ratio missed. */
#include "tests/support/support.h"

#include "tests/bench/judge/noise_model.h"

#include "bench/run/precision.h"
#include "base/stats.h"

#include <math.h>
#include <stdio.h>

/* With 1,000 the standard error would be 0.6 %, and the exact rates are up to 4.1 %. */
#define EXPERIMENTS 10000
#define RATIO 1.9

/* Cells 0 and 1 are equal; 2 is RATIO times as fast. */
static const double truth[NOISE_CELLS] = { 0.5, 0.5, 0.5 / RATIO, 0.4 };

struct rates {
    unsigned different;    /* the interval of two equal cells excludes 1 */
    unsigned covered;      /* the interval of two unequal cells has their true ratio */
    double blocks;         /* on average */
    unsigned fewest, most; /* blocks of one experiment */
};

static bool excludes(struct fb_interval interval, double ratio)
{
    assert_false(isnan(interval.low) || isnan(interval.high));
    return interval.low > ratio || interval.high < ratio;
}

static void judge(const struct noise_experiment *experiment, size_t blocks, struct rates *rates)
{
    const double(*time)[NOISE_BLOCKS] = experiment->time;
    rates->different += excludes(fb_ratio_interval(time[0], time[1], blocks), 1);
    rates->covered += !excludes(fb_ratio_interval(time[0], time[2], blocks), RATIO);
    rates->blocks += (double)blocks / EXPERIMENTS;
    if (blocks > rates->most)
        rates->most = (unsigned)blocks;
    if (rates->fewest == 0 || blocks < rates->fewest)
        rates->fewest = (unsigned)blocks;
}

static void show(const char *how, const struct rates *rates)
{
    printf("%-28s %4.1f blocks (%u to %u): false differences %.2f %%, equal ones covered %.2f %%,"
           " ratio %.1f covered %.2f %%\n",
           how, rates->blocks, rates->fewest, rates->most, rates->different * 100.0 / EXPERIMENTS,
           100 - rates->different * 100.0 / EXPERIMENTS, RATIO,
           rates->covered * 100.0 / EXPERIMENTS);
}

/* ---- a fixed number of blocks ---- */

static void fixed_blocks_report_few_false_differences(void **state)
{
    (void)state;
    static const size_t blocks[] = { 8, 12, 20, 40 };
    static struct noise_experiment experiment;
    struct rates rates[4] = { 0 };
    for (size_t i = 0; i < 4; i++) {
        for (uint64_t seed = 1; seed <= EXPERIMENTS; seed++) {
            noise_experiment_make(&experiment, truth, i << 32 | seed);
            judge(&experiment, blocks[i], &rates[i]);
        }
        show("fixed:", &rates[i]);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_true(rates[i].different <= EXPERIMENTS * 0.05);
        assert_true(rates[i].covered >= EXPERIMENTS * 0.95);
    }
}

/* ---- as many blocks as the pilot's scatter needs ---- */

static size_t blocks_for(const double *base, const double *sample, double precision)
{
    double log_ratio[FB_BLOCKS_LEAST];
    for (size_t i = 0; i < FB_BLOCKS_LEAST; i++)
        log_ratio[i] = log(base[i] / sample[i]);
    return fb_precision_blocks(log_ratio, FB_BLOCKS_LEAST, precision);
}

static size_t planned(const struct noise_experiment *experiment, double precision)
{
    size_t equal = blocks_for(experiment->time[0], experiment->time[1], precision);
    size_t unequal = blocks_for(experiment->time[0], experiment->time[2], precision);
    size_t blocks = equal > unequal ? equal : unequal;
    return blocks < NOISE_BLOCKS ? blocks : NOISE_BLOCKS; /* limited by the budget */
}

static void planned_blocks_report_few_false_differences(void **state)
{
    (void)state;
    static const double precision[] = { 0.02, 0.03, 0.05 };
    static struct noise_experiment experiment;
    struct rates rates[3] = { 0 };
    for (size_t i = 0; i < 3; i++) {
        char how[64];
        for (uint64_t seed = 1; seed <= EXPERIMENTS; seed++) {
            noise_experiment_make(&experiment, truth, (i + 4) << 32 | seed);
            judge(&experiment, planned(&experiment, precision[i]), &rates[i]);
        }
        snprintf(how, sizeof how, "planned for %g %%:", 100 * precision[i]);
        show(how, &rates[i]);
    }
    for (size_t i = 0; i < 3; i++) {
        assert_true(rates[i].different <= EXPERIMENTS * 0.05);
        assert_true(EXPERIMENTS - rates[i].different >= EXPERIMENTS * 0.94);
        assert_true(rates[i].covered >= EXPERIMENTS * 0.94);
    }
    /* Otherwise the rule would have no effect. */
    assert_true(rates[1].fewest < rates[1].most);
}

/* ---- the wrong rule ---- */

/* Stops after the first block with a significant difference. */
static size_t stopped_when_different(const struct noise_experiment *experiment)
{
    const double(*time)[NOISE_BLOCKS] = experiment->time;
    size_t blocks = FB_BLOCKS_LEAST;
    while (blocks < NOISE_BLOCKS && !excludes(fb_ratio_interval(time[0], time[1], blocks), 1))
        blocks++;
    return blocks;
}

/* Shows that the tests above can fail. */
static void stopping_at_a_difference_reports_many(void **state)
{
    (void)state;
    static struct noise_experiment experiment;
    struct rates rates = { 0 };
    for (uint64_t seed = 1; seed <= EXPERIMENTS; seed++) {
        noise_experiment_make(&experiment, truth, (uint64_t)7 << 32 | seed);
        judge(&experiment, stopped_when_different(&experiment), &rates);
    }
    show("stopped when it's different:", &rates);
    assert_true(rates.different > EXPERIMENTS * 0.10);
}

/* ---- the noise model ---- */

/* Without these properties the tests above would be easier. */
static void the_noise_has_its_documented_properties(void **state)
{
    (void)state;
    enum { TRIALS = 100000 };
    static double log_time[TRIALS];
    struct noise noise;
    unsigned far = 0;
    double together = 0, squares = 0, last = 0, rising = 0;
    noise_begin(&noise, 1);
    for (size_t i = 0; i < TRIALS; i++)
        log_time[i] = log(noise_next(&noise)) - noise.drift * (double)i;
    double centre = fb_median(log_time, TRIALS);
    for (size_t i = 0; i < TRIALS; i++) {
        double distance = log_time[i] - centre;
        far += fabs(distance) > 0.05;
        distance = fmin(fmax(distance, -0.04), 0.04);
        together += distance * last;
        squares += distance * distance;
        last = distance;
    }
    assert_true(together / squares > 0.2 && together / squares < 0.6);
    assert_true(far > TRIALS / 100 && far < TRIALS / 20);
    for (uint64_t seed = 0; seed < EXPERIMENTS; seed++) {
        noise_begin(&noise, seed);
        assert_true(fabs(fabs(noise.drift) * 120 - 0.01) < 1e-9);
        rising += noise.drift > 0;
    }
    assert_true(rising > EXPERIMENTS * 0.4 && rising < EXPERIMENTS * 0.6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_noise_has_its_documented_properties),
        cmocka_unit_test(fixed_blocks_report_few_false_differences),
        cmocka_unit_test(planned_blocks_report_few_false_differences),
        cmocka_unit_test(stopping_at_a_difference_reports_many),
    };
    return RUN_TESTS(tests);
}
