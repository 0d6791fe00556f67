/* Judges whether one run is slower than another. They were measured at different times, so drift of
 * the machine does not cancel out and must be separated from the effect of a change. */
#ifndef FB_REGRESS_H
#define FB_REGRESS_H

#include "base/stats.h"

enum fb_regress_verdict { FB_NO_WORSE, FB_WORSE, FB_CANT_TELL, FB_REGRESS_VERDICTS };
extern const char *const fb_regress_names[FB_REGRESS_VERDICTS];

struct fb_regress {
    struct fb_interval ratio; /* b's time over a's; samples: the fewer blocks of the two */
    enum fb_regress_verdict verdict;
    /* Blocks that each run would need in all to get a verdict at this ratio in about two of three
     * cases. 0: there is a verdict; infinity: FB_BLOCKS_MOST are not enough, mostly because the
     * runs drift. */
    double blocks;
};

/* Judges the times of one cell, a[] in one run and b[] in another, in the order of their blocks.
 * Each run is cut into quarters; the scatter of the medians of its quarters estimates the scatter
 * of medians of whole runs (the variance of batch means, see Law, Simulation Modeling and Analysis,
 * 9.5.3, but not divided by the number of batches: a run is no more certain than one quarter of
 * it). The interval is Welch's with 95 %. Worse: all of it is above 1 + most; no worse: none of it
 * is. With fewer than FB_BLOCKS_LEAST blocks the verdict is "can't tell". Equal times are one run
 * compared with itself: no worse, without an uncertainty. 0 or -ENOMEM. */
int fb_regress_judge(const double *a, size_t a_blocks, const double *b, size_t b_blocks,
                     double most, struct fb_regress *ret_regress);

#endif
