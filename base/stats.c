#include "base/stats.h"

#include "base/random.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RESAMPLES 1999

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double *sorted(const double *sample, size_t count)
{
    double *copy = malloc((count ? count : 1) * sizeof *copy);
    if (!copy)
        return NULL;
    memcpy(copy, sample, count * sizeof *copy);
    qsort(copy, count, sizeof *copy, compare);
    return copy;
}

static double middle(const double *ordered, size_t count)
{
    if (count == 0)
        return NAN;
    return (ordered[(count - 1) / 2] + ordered[count / 2]) / 2;
}

double fb_median(const double *sample, size_t count)
{
    double *ordered = sorted(sample, count);
    double median = ordered ? middle(ordered, count) : NAN;
    free(ordered);
    return median;
}

uint64_t fb_median_ns(const uint64_t *sample, size_t count)
{
    double *copy = malloc((count ? count : 1) * sizeof *copy);
    if (!copy || count == 0) {
        free(copy);
        return 0;
    }
    for (size_t i = 0; i < count; i++)
        copy[i] = (double)sample[i];
    qsort(copy, count, sizeof *copy, compare);
    double median = middle(copy, count);
    free(copy);
    return (uint64_t)(median + 0.5);
}

size_t fb_sign_test_rank(size_t count)
{
    double tail = 0;
    for (size_t k = 0; k < count; k++) {
        /* log C(count, k) - count log 2, so that large counts don't underflow too early */
        double n = (double)count, j = (double)k;
        tail += exp(lgamma(n + 1) - lgamma(j + 1) - lgamma(n - j + 1) - n * log(2));
        if (tail > 0.025)
            return k;
    }
    return 0;
}

struct fb_interval fb_median_interval(const double *sample, size_t count)
{
    struct fb_interval interval = { NAN, NAN, NAN, count };
    double *ordered = sorted(sample, count);
    if (!ordered)
        return interval;
    interval.value = middle(ordered, count);
    size_t rank = fb_sign_test_rank(count);
    if (rank > 0) {
        interval.low = ordered[rank - 1];
        interval.high = ordered[count - rank];
    }
    free(ordered);
    return interval;
}

/* ---- the bootstrap ---- */

struct moments {
    double mean, error; /* the mean's standard error */
};

static struct moments take_moments(double sum, double squares, size_t count)
{
    double n = (double)count, mean = sum / n;
    double variance = (squares - sum * mean) / (n - 1);
    return (struct moments){ mean, variance > 0 ? sqrt(variance / n) : 0 };
}

#define DRAWS_MOST 100

/* Draws a resample; returns the distance of its mean from the true one (the sample's) in its own
 * standard errors. A resample of equal values has no standard error and is drawn again; if ties
 * make that happen DRAWS_MOST times, returns 0. */
static double draw(const double *centred, size_t count, struct fb_random *random)
{
    for (int i = 0; i < DRAWS_MOST; i++) {
        double sum = 0, squares = 0, first = 0;
        bool alike = true;
        for (size_t k = 0; k < count; k++) {
            double value = centred[fb_random_below(random, count)];
            first = k == 0 ? value : first;
            alike &= value == first;
            sum += value;
            squares += value * value;
        }
        struct moments moments = take_moments(sum, squares, count);
        if (!alike && moments.error > 0)
            return moments.mean / moments.error;
    }
    return 0;
}

static bool all_equal(const double *sample, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (sample[i] != sample[0])
            return false;
    return true;
}

struct fb_interval fb_mean_interval(const double *sample, size_t count, uint64_t seed)
{
    struct fb_interval interval = { NAN, NAN, NAN, count };
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++)
        sum += sample[i];
    if (count > 0)
        interval.value = sum / (double)count;
    if (count < FB_INTERVAL_LEAST)
        return interval;
    if (all_equal(sample, count))
        return (struct fb_interval){ sample[0], sample[0], sample[0], count };
    double *centred = malloc(count * sizeof *centred),
           *distance = malloc(RESAMPLES * sizeof *distance);
    if (centred && distance) {
        struct fb_random random = { seed };
        for (size_t i = 0; i < count; i++) {
            centred[i] = sample[i] - interval.value;
            squares += centred[i] * centred[i];
        }
        double error = take_moments(0, squares, count).error;
        for (size_t i = 0; i < RESAMPLES; i++)
            distance[i] = draw(centred, count, &random);
        qsort(distance, RESAMPLES, sizeof *distance, compare);
        /* The (RESAMPLES + 1) · 0.025-th value from either end. */
        double most = distance[RESAMPLES - 50], least = distance[49];
        interval.low = interval.value - most * error;
        interval.high = interval.value - least * error;
    }
    free(centred);
    free(distance);
    return interval;
}

/* ---- ratios ---- */

static double *divide(const double *base, const double *sample, size_t count)
{
    double *ratio = malloc((count ? count : 1) * sizeof *ratio);
    for (size_t i = 0; ratio && i < count; i++)
        ratio[i] = base[i] / sample[i];
    return ratio;
}

struct fb_interval fb_ratio_interval(const double *base, const double *sample, size_t count)
{
    double *ratio = divide(base, sample, count);
    if (!ratio)
        return FB_INTERVAL_NONE;
    struct fb_interval interval = fb_median_interval(ratio, count);
    free(ratio);
    return interval;
}

struct fb_interval fb_ratio_mean(const double *base, const double *sample, size_t count)
{
    double *ratio = divide(base, sample, count);
    if (!ratio)
        return FB_INTERVAL_NONE;
    for (size_t i = 0; i < count; i++)
        ratio[i] = log(ratio[i]);
    struct fb_interval interval = fb_mean_interval(ratio, count, count);
    free(ratio);
    return (struct fb_interval){ exp(interval.value), exp(interval.low), exp(interval.high),
                                 count };
}

/* ---- single samples ---- */

int fb_outlier_scores(const double *sample, size_t count, double *ret_score)
{
    double *distance = malloc((count ? count : 1) * sizeof *distance);
    if (!distance)
        return -ENOMEM;
    double centre = fb_median(sample, count);
    for (size_t i = 0; i < count; i++)
        distance[i] = fabs(sample[i] - centre);
    double spread = fb_median(distance, count);
    for (size_t i = 0; i < count; i++)
        ret_score[i] = spread > 0 ? 0.6745 * (sample[i] - centre) / spread : 0;
    free(distance);
    return 0;
}

double fb_normal_quantile(double probability)
{
    double low = -40, high = 40;
    while (high - low > 1e-10) {
        double half = (low + high) / 2;
        if (0.5 * erfc(-half / sqrt(2)) < probability)
            low = half;
        else
            high = half;
    }
    return (low + high) / 2;
}
