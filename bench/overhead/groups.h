/* Runs all groups of `forkbench overhead`, one after the other. */
#ifndef FB_OVERHEAD_GROUPS_H
#define FB_OVERHEAD_GROUPS_H

#include "bench/overhead/metric.h"

#include "base/error.h"

/* Measures every group in `rounds` rounds and appends the figures to *metrics. Shows progress on
 * the terminal. 0, or a negative errno with *error. */
int fb_groups_measure(unsigned workers, size_t rounds, struct fb_metrics *metrics,
                      struct fb_error *error);

#endif
