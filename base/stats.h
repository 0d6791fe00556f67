/* Estimates with confidence intervals, for any samples. */
#ifndef FB_STATS_H
#define FB_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The smallest number of samples for which a 95 % sign-test interval exists: 2 / 2^6 < 0.05. */
#define FB_INTERVAL_LEAST 6

/* An estimate; low and high are NaN if there are too few samples. */
struct fb_interval {
    double value, low, high;
    size_t samples;
};
#define FB_INTERVAL_NONE                                                                           \
    ((struct fb_interval){ __builtin_nan(""), __builtin_nan(""), __builtin_nan(""), 0 })

/* The middle value, or the mean of the two middle ones; NaN for none. Sorts a copy. */
double fb_median(const double *sample, size_t count);
uint64_t fb_median_ns(const uint64_t *sample, size_t count);

/* The rank of the sign test's 95 % interval: the largest k with
 * P(Binomial(count, 1/2) < k) <= 0.025; 0 if there is none. */
size_t fb_sign_test_rank(size_t count);

/* The median with an exact 95 % interval by the sign test: from the k-th smallest to the k-th
 * largest sample, where k is the rank above. Makes no assumption about the distribution (Conover,
 * Practical Nonparametric Statistics, 3rd ed., 3.2). */
struct fb_interval fb_median_interval(const double *sample, size_t count);

/* The mean with a 95 % interval by the studentized bootstrap: 1,999 resamples, each divided by its
 * own standard error (Efron and Tibshirani, An Introduction to the Bootstrap, 12.5). The same seed
 * gives the same interval. No interval for fewer than FB_INTERVAL_LEAST samples. */
struct fb_interval fb_mean_interval(const double *sample, size_t count, uint64_t seed);

/* Of the ratios base[i] / sample[i], each of a pair measured in one block: the median with the
 * exact interval, and the geometric mean with the bootstrap's, computed on logarithms. */
struct fb_interval fb_ratio_interval(const double *base, const double *sample, size_t count);
struct fb_interval fb_ratio_mean(const double *base, const double *sample, size_t count);

/* ret_score[i]: the distance of sample[i] from the median, in standard deviations if most samples
 * are normally distributed: 0.6745 · (x - median) / median absolute deviation. Beyond ±FB_OUTLIER a
 * sample is suspect (Iglewicz and Hoaglin, How to Detect and Handle Outliers, 1993). All scores are
 * 0 if more than half of the samples are equal. 0 or -ENOMEM. */
#define FB_OUTLIER 3.5
int fb_outlier_scores(const double *sample, size_t count, double *ret_score);

/* The value below which a standard normal variable lies with this probability, to 1e-9. */
double fb_normal_quantile(double probability);

#endif
