/* What the samples of a run say: times, ratios inside blocks, and which of them can be told from
 * noise. */
#ifndef FB_ANALYSIS_H
#define FB_ANALYSIS_H

#include "bench/run/measure.h"
#include "base/stats.h"

/* Of one cell. Intervals of medians are the sign test's, those of means the bootstrap's. */
struct fb_summary {
    struct fb_interval run_ns;
    struct fb_interval speedup; /* over its base, paired in blocks; a ceiling's: workers · base
                                 * / time, what the hardware gave */
    struct fb_interval speedup_mean; /* the geometric mean of the same ratios */
    struct fb_interval of_ceiling;   /* speedup / the ceiling's, paired in blocks */
    struct fb_interval efficiency;   /* speedup / workers: of the ideal */
    struct fb_interval serial;       /* Karp and Flatt's serial fraction; from 2 workers on */
    size_t disturbed, outliers;      /* trials that are marked; they count all the same */
    bool has_speedup, has_ceiling;
};

enum fb_verdict { FB_INCONCLUSIVE, FB_FASTER, FB_SLOWER, FB_VERDICTS };
extern const char *const fb_verdict_names[FB_VERDICTS];

/* Of one pair: how many times the reference's time the cell took. */
struct fb_finding {
    struct fb_interval ratio, ratio_mean;
    enum fb_verdict verdict;
};

/* What a family's pair of one cell under two labels says of all its ratios. */
struct fb_null {
    bool known; /* false: too few blocks, or no such pair */
    struct fb_interval ratio;
    double floor;      /* half the width of its interval, or its distance from 1 if that is more:
                        * 0.01 is 1 % */
    double detectable; /* the least difference that would have been found in 80 of 100 such runs */
};

struct fb_analysis {
    struct fb_summary *cell;    /* [plan->count] */
    struct fb_finding *finding; /* [plan->pairs] */
    double *score; /* [samples->count] how far a trial's time lies from its cell's others:
                    * fb_outlier_scores of the logarithms; 0 in the warm-up */
    struct fb_null null[FB_FAMILIES];
};

/* 0 and *ret_analysis (end with fb_analysis_clear), or -ENOMEM. */
int fb_analyse(const struct fb_plan *plan, const struct fb_samples *samples,
               struct fb_analysis *ret_analysis);
void fb_analysis_clear(struct fb_analysis *analysis);

/* Different only if the interval excludes 1 and the median is further from 1 than floor. */
enum fb_verdict fb_verdict_of(const struct fb_interval *ratio, double floor);

/* Fills what follows from null->ratio. */
void fb_null_judge(struct fb_null *null);

#endif
