/* Statistics of a run: times, ratios inside blocks, and which differences exceed the noise. */
#ifndef FB_ANALYSIS_H
#define FB_ANALYSIS_H

#include "bench/run/measure.h"
#include "base/stats.h"

/* Of one cell. Intervals of medians are from the sign test, those of means from the bootstrap. */
struct fb_summary {
    struct fb_interval run_ns;
    struct fb_interval speedup;      /* over its base, paired in blocks; of a ceiling: workers ·
                                 * base / time */
    struct fb_interval speedup_mean; /* the geometric mean of the same ratios */
    struct fb_interval of_ceiling;   /* speedup / the ceiling's, paired in blocks */
    struct fb_interval efficiency;   /* speedup / workers */
    struct fb_interval serial;       /* Karp and Flatt's serial fraction; for 2 workers or more */
    size_t disturbed, outliers;      /* marked trials, which count like all others */
    bool has_speedup, has_ceiling;
};

enum fb_verdict { FB_INCONCLUSIVE, FB_FASTER, FB_SLOWER, FB_VERDICTS };
extern const char *const fb_verdict_names[FB_VERDICTS];

/* Of one pair: the cell's time relative to the reference's. */
struct fb_finding {
    struct fb_interval ratio, ratio_mean;
    enum fb_verdict verdict;
};

/* The noise of a family, from its pair of one cell under two labels. */
struct fb_null {
    bool known; /* false: too few blocks, or no such pair */
    struct fb_interval ratio;
    double floor; /* half the width of its interval, or its distance from 1 if that is more: 0.01
                        * is 1 % */
    double detectable; /* the smallest difference that is found in 80 of 100 such runs */
};

struct fb_analysis {
    struct fb_summary *cell;    /* [plan->count] */
    struct fb_finding *finding; /* [plan->pairs] */
    double *score; /* [samples->count] how far a trial's time is from the others of its cell:
                    * fb_outlier_scores of the logarithms; 0 in the warm-up */
    struct fb_null null[FB_FAMILIES];
};

/* 0 and *ret_analysis (end with fb_analysis_clear), or -ENOMEM. */
int fb_analyse(const struct fb_plan *plan, const struct fb_samples *samples,
               struct fb_analysis *ret_analysis);
void fb_analysis_clear(struct fb_analysis *analysis);

/* Faster or slower only if the interval excludes 1 and the median is further from 1 than floor. */
enum fb_verdict fb_verdict_of(const struct fb_interval *ratio, double floor);

/* Fills the other members of null from its ratio. */
void fb_null_judge(struct fb_null *null);

#endif
