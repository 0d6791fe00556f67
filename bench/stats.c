#include "stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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

/* The largest k with P(Binomial(count, 1/2) < k) <= 0.025; 0 if there is none. */
static size_t sign_test_rank(size_t count)
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
    size_t rank = sign_test_rank(count);
    if (rank > 0) {
        interval.low = ordered[rank - 1];
        interval.high = ordered[count - rank];
    }
    free(ordered);
    return interval;
}

struct fb_interval fb_ratio_interval(const double *base, const double *sample, size_t count)
{
    double *ratio = malloc((count ? count : 1) * sizeof *ratio);
    if (!ratio)
        return (struct fb_interval){ NAN, NAN, NAN, count };
    for (size_t i = 0; i < count; i++)
        ratio[i] = base[i] / sample[i];
    struct fb_interval interval = fb_median_interval(ratio, count);
    free(ratio);
    return interval;
}
