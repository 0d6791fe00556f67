#include "bench/judge/regress.h"

#include "bench/run/precision.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define QUARTERS 4
/* The 95 % quantile of chi-square with QUARTERS - 1 degrees of freedom, divided by these. */
#define DRIFT 2.605
/* The square of the allowance for errors of the interval's half-width and its centre, each of which
 * is enough in 80 of 100 runs: 1.19 by chi-square of 6 degrees of freedom, and 0.17; together in
 * about two of three. */
#define ALLOWANCE 1.85

const char *const fb_regress_names[FB_REGRESS_VERDICTS] = {
    [FB_NO_WORSE] = "no worse",
    [FB_WORSE] = "worse",
    [FB_CANT_TELL] = "can't tell",
};

/* The times of one run, as logarithms. */
struct spread {
    double median;
    double variance; /* of the medians of its quarters */
    double noise;    /* the part of it that comes from single trials; more blocks reduce it */
    size_t blocks;
};

static double square(double x)
{
    return x * x;
}

/* The standard deviation from one trial to the next, which does not depend on drift. */
static double step_spread(const double *value, size_t count, double *work)
{
    for (size_t i = 1; i < count; i++)
        work[i - 1] = fabs(value[i] - value[i - 1]);
    return fb_median(work, count - 1) / 0.6745 / sqrt(2);
}

static int measure_spread(const double *time, size_t blocks, struct spread *ret_spread)
{
    double *value = calloc(2 * blocks, sizeof *value), quarter[QUARTERS], mean = 0;
    if (!value)
        return -ENOMEM;
    for (size_t i = 0; i < blocks; i++)
        value[i] = log(time[i]);
    struct spread spread = { .median = fb_median(value, blocks), .blocks = blocks };
    for (size_t i = 0; i < QUARTERS; i++) {
        size_t from = i * blocks / QUARTERS, to = (i + 1) * blocks / QUARTERS;
        quarter[i] = fb_median(value + from, to - from);
        mean += quarter[i] / QUARTERS;
    }
    for (size_t i = 0; i < QUARTERS; i++)
        spread.variance += square(quarter[i] - mean) / (QUARTERS - 1);
    /* Where the bulk is normal, the variance of a median is pi/2 times that of a mean. */
    spread.noise = acos(-1) / 2 * square(step_spread(value, blocks, value + blocks)) /
                   ((double)blocks / QUARTERS);
    free(value);
    *ret_spread = spread;
    return 0;
}

/* Student's 97.5 % quantile for the degrees of freedom of Welch and Satterthwaite. Two variances
 * with QUARTERS - 1 each give 3 to 6; they are rounded down, which is the conservative side. */
static double quantile(double a, double b)
{
    static const double student[] = { 3.182, 2.776, 2.571, 2.447 };
    double sum = square(a) + square(b);
    double freedom = sum > 0 ? (QUARTERS - 1) * square(a + b) / sum : QUARTERS - 1;
    size_t index = (size_t)fmin(fmax(floor(freedom + 1e-9) - 3, 0), 3);
    return student[index];
}

/* The part of a run's variance that more blocks would not reduce. With so few quarters only a large
 * variance shows drift: noise alone exceeds DRIFT times its expectation in 5 of 100 runs. */
static double drift_of(const struct spread *spread)
{
    return spread->variance > DRIFT * spread->noise ? spread->variance - spread->noise : 0;
}

/* How many blocks would have kept the interval from reaching the limit, which is `gap` away. */
static double needed(const struct spread *a, const struct spread *b, double gap, double student)
{
    double drift = drift_of(a) + drift_of(b), room = square(gap / student) - drift;
    double noise = a->noise * (double)a->blocks + b->noise * (double)b->blocks;
    double blocks = room > 0 ? ceil(ALLOWANCE * noise / room) : INFINITY;
    return blocks <= FB_BLOCKS_MOST ? blocks : INFINITY;
}

int fb_regress_judge(const double *a, size_t a_blocks, const double *b, size_t b_blocks,
                     double most, struct fb_regress *ret_regress)
{
    struct spread before = { 0 }, after = { 0 };
    size_t blocks = a_blocks < b_blocks ? a_blocks : b_blocks;
    *ret_regress = (struct fb_regress){ .ratio = FB_INTERVAL_NONE, .verdict = FB_CANT_TELL };
    if (blocks > 0 && a_blocks == b_blocks && memcmp(a, b, blocks * sizeof *a) == 0) {
        ret_regress->ratio = (struct fb_interval){ 1, 1, 1, blocks };
        ret_regress->verdict = FB_NO_WORSE;
        return 0;
    }
    if (blocks < FB_BLOCKS_LEAST) {
        if (blocks > 0)
            ret_regress->ratio.value = fb_median(b, b_blocks) / fb_median(a, a_blocks);
        ret_regress->ratio.samples = blocks;
        ret_regress->blocks = FB_BLOCKS_LEAST;
        return 0;
    }
    if (measure_spread(a, a_blocks, &before) < 0 || measure_spread(b, b_blocks, &after) < 0)
        return -ENOMEM;
    double student = quantile(before.variance, after.variance);
    double half = student * sqrt(before.variance + after.variance);
    double difference = after.median - before.median, limit = log1p(most);
    ret_regress->ratio = (struct fb_interval){ exp(difference), exp(difference - half),
                                               exp(difference + half), blocks };
    if (difference - half > limit)
        ret_regress->verdict = FB_WORSE;
    else if (difference + half <= limit)
        ret_regress->verdict = FB_NO_WORSE;
    else
        ret_regress->blocks = needed(&before, &after, difference - limit, student);
    return 0;
}
