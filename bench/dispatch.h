/* What handing out work costs by itself, beside the peer: the group `dispatch` of
 * `forkbench overhead`. */
#ifndef FB_DISPATCH_H
#define FB_DISPATCH_H

#include "base/error.h"
#include "metric.h"
#include "progress.h"

/* Appends, for forkpool, pthread and openmp on workers workers, warm and cold, bound and unbound:
 *   dispatch.empty   ns   from handing over a job with one empty item a worker to its end; cold:
 *                         the first one after 40 ms of idleness
 *   dispatch.claim   ns   of a worker's time for claiming one empty item (dynamic, chunk 1)
 *   dispatch.metg50  ns   the task length at which half of the workers' time is work (dynamic,
 *                         chunk 1, 10^5 items); METG is Task Bench's (Slaughter et al., SC'20)
 * and name.ratio, the same over openmp's of the same round. Rounds of all harnesses are interleaved
 * in this process. 0 or a negative errno with *error. */
int fb_dispatch_measure(unsigned workers, struct fb_metrics *metrics, struct fb_error *error,
                        struct fb_progress *progress);

/* The task length in ns where efficiency crosses 0.5, by linear interpolation over log length;
 * lengths ascend. The first length if it is reached there already, NaN if it never is. */
double fb_metg50(const double *length_ns, const double *efficiency, size_t count);

#endif
