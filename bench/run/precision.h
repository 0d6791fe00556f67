/* How many blocks a run needs, chosen once after its pilot blocks. Looks at how much ratios
 * scatter, never at what they say: measuring never stops because a difference has become
 * significant. */
#ifndef FB_PRECISION_H
#define FB_PRECISION_H

#include <stddef.h>

#define FB_BLOCKS_LEAST 8  /* also the pilot's */
#define FB_BLOCKS_MOST 400 /* a run that would need more says what it did not reach */

/* The standard deviation of samples whose bulk is normal, from the distance of the second smallest
 * to the second largest (for eight; further in for more), so that one wild sample at either end
 * does not count. Expected order statistics by Blom (Statistical Estimates and Transformed
 * Beta-Variables, 1958). At least 4 samples. NaN when out of memory. */
double fb_precision_spread(const double *sample, size_t count);

/* The full width that the sign test's 95 % interval of `blocks` normal samples of standard
 * deviation 1 has on average: the distance of the two samples that bound it, by Blom. */
double fb_precision_width(size_t blocks);

/* The least number of blocks, from FB_BLOCKS_LEAST to FB_BLOCKS_MOST, after which the interval of
 * the median of ratios that scatter like these (logarithms) is narrower than `precision` (full
 * width, 0.02 is 2 %) in at least 80 of 100 runs. FB_BLOCKS_MOST also when that is not enough. */
size_t fb_precision_blocks(const double *log_ratio, size_t count, double precision);

#endif
