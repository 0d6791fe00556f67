/* Which cells of a plan can be compared. */
#ifndef FB_PAIRS_H
#define FB_PAIRS_H

#include "bench/run/plan.h"

/* Fills plan->pair: a cell with its second label; with the other build's (which is the reference);
 * with the first that differs in one parameter's value; with the first parallel harness that has
 * the same work and workers. 0 or -ENOMEM. */
int fb_pairs_make(struct fb_plan *plan);

#endif
