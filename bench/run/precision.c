#include "bench/run/precision.h"

#include "base/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Factor on the spread of eight pilots that makes 80 of 100 runs as precise as planned, although
 * the spread of the pilots and the interval itself vary. Found by simulation, which
 * tests/bench/run/test_precision.c repeats. */
#define ALLOWANCE 1.45

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* The distance from the rank-th smallest to the rank-th largest of count standard normals. */
static double normal_distance(size_t rank, size_t count)
{
    return 2 * fb_normal_quantile(1 - ((double)rank - 0.375) / ((double)count + 0.25));
}

double fb_precision_spread(const double *sample, size_t count)
{
    double *ordered = malloc(count * sizeof *ordered);
    if (!ordered)
        return NAN;
    memcpy(ordered, sample, count * sizeof *ordered);
    qsort(ordered, count, sizeof *ordered, compare);
    size_t rank = 1 + count / 8;
    double distance = ordered[count - rank] - ordered[rank - 1];
    free(ordered);
    return distance / normal_distance(rank, count);
}

double fb_precision_width(size_t blocks)
{
    return normal_distance(fb_sign_test_rank(blocks), blocks);
}

size_t fb_precision_blocks(const double *log_ratio, size_t count, double precision)
{
    double spread = ALLOWANCE * fb_precision_spread(log_ratio, count);
    for (size_t blocks = FB_BLOCKS_LEAST; blocks < FB_BLOCKS_MOST; blocks++)
        if (spread * fb_precision_width(blocks) <= log1p(precision))
            return blocks;
    return FB_BLOCKS_MOST;
}
