/* How many blocks a run needs, chosen once after its pilot blocks. The choice depends on the
 * scatter of the ratios, never on their values: measuring does not stop because a difference is
 * significant. */
#ifndef FB_PRECISION_H
#define FB_PRECISION_H

#include <stddef.h>

#define FB_BLOCKS_LEAST 8  /* also the number of pilot blocks */
#define FB_BLOCKS_MOST 400 /* a run that needs more reports that it missed its precision */

/* Estimates the standard deviation of samples whose bulk is normal, from the distance of the second
 * smallest to the second largest (of eight; further in for more), so that one wild sample at either
 * end has no effect. Expected order statistics by Blom (Statistical Estimates and Transformed
 * Beta-Variables, 1958). At least 4 samples. NaN when out of memory. */
double fb_precision_spread(const double *sample, size_t count);

/* The mean full width of the sign test's 95 % interval for `blocks` standard normal samples: the
 * distance of the two samples that bound it, by Blom. */
double fb_precision_width(size_t blocks);

/* The least number of blocks, from FB_BLOCKS_LEAST to FB_BLOCKS_MOST, after which the interval of
 * the median of ratios that scatter like these (logarithms) is narrower than `precision` (full
 * width, 0.02 is 2 %) in at least 80 of 100 runs. FB_BLOCKS_MOST also if that is not enough. */
size_t fb_precision_blocks(const double *log_ratio, size_t count, double precision);

#endif
