/* Medians and their intervals. Knows nothing of what was measured. */
#ifndef FB_STATS_H
#define FB_STATS_H

#include <stddef.h>
#include <stdint.h>

/* The least number of samples for which a 95 % sign-test interval exists: 2 / 2^6 < 0.05. */
#define FB_INTERVAL_LEAST 6

/* An estimate; low and high are NaN where there are too few samples to say. */
struct fb_interval {
    double value, low, high;
    size_t samples;
};

/* The middle value, or the mean of the two middle ones; NaN for none. Sorts a copy. */
double fb_median(const double *sample, size_t count);
uint64_t fb_median_ns(const uint64_t *sample, size_t count);

/* The median with an exact 95 % interval by the sign test: from the k-th smallest to the k-th
 * largest sample, with the largest k for which P(Binomial(count, 1/2) < k) <= 0.025. No assumption
 * on the distribution (Conover, Practical Nonparametric Statistics, 3rd ed., 3.2). */
struct fb_interval fb_median_interval(const double *sample, size_t count);

/* The same of base[i] / sample[i]: a speedup from pairs measured in the same block. */
struct fb_interval fb_ratio_interval(const double *base, const double *sample, size_t count);

#endif
