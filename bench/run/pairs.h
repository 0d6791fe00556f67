/* Pairs the cells of a plan that can be compared. */
#ifndef FB_PAIRS_H
#define FB_PAIRS_H

#include "bench/run/plan.h"

/* Fills plan->pair. A cell is paired with: its second label; its counterpart of the other build
 * (which is the reference); the first cell that differs in the value of one parameter; the first
 * parallel harness with the same workload and workers. 0 or -ENOMEM. */
int fb_pairs_make(struct fb_plan *plan);

#endif
