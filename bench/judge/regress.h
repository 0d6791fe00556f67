/* Whether one run is slower than another. The two were measured at different times, so nothing
 * cancels out: what a machine does to a whole run has to be told from what a change did to it. */
#ifndef FB_REGRESS_H
#define FB_REGRESS_H

#include "base/stats.h"

enum fb_regress_verdict { FB_NO_WORSE, FB_WORSE, FB_CANT_TELL, FB_REGRESS_VERDICTS };
extern const char *const fb_regress_names[FB_REGRESS_VERDICTS];

struct fb_regress {
    struct fb_interval ratio; /* b's time over a's; samples: the fewer blocks of the two */
    enum fb_regress_verdict verdict;
    /* Blocks that each run would need in all to be judged at this ratio in about two of three
     * cases; 0 when it is judged, infinity when FB_BLOCKS_MOST would not do, mostly since the runs
     * drift. */
    double blocks;
};

/* Judges times of one cell, a[] in one run and b[] in another, in the order of their blocks. Each
 * run is cut into quarters; how much the medians of its quarters scatter stands for how much the
 * medians of runs do (the variance of batch means, see Law, Simulation Modeling and
 * Analysis, 9.5.3, but not divided by the number of batches: a run is no more certain than one
 * quarter of it). The interval is Welch's with 95 %. Worse: all of it is above 1 + most; no worse:
 * none of it. With fewer than FB_BLOCKS_LEAST blocks nothing can be told. The same times twice are
 * one run: no difference, no doubt. -ENOMEM or 0. */
int fb_regress_judge(const double *a, size_t a_blocks, const double *b, size_t b_blocks,
                     double most, struct fb_regress *ret_regress);

#endif
