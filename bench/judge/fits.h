/* Fits the laws of scaling to each workload under each harness of a run. */
#ifndef FB_FITS_H
#define FB_FITS_H

#include "bench/run/measure.h"
#include "bench/judge/scaling.h"

struct fb_fit {
    size_t cell;   /* the first cell: has the kernel, parameters, harness and build */
    size_t counts; /* worker counts within the effective CPUs, including the base's one worker */
    size_t blocks; /* in which all these cells were measured */
    bool fitted;   /* false: fewer than FB_SCALING_LEAST counts or FB_INTERVAL_LEAST blocks */
    struct fb_scaling scaling;
};

struct fb_fits {
    struct fb_fit *list;
    size_t count;
};

/* Makes one entry for each combination that has cells with a base. 0 with *ret_fits (end with
 * fb_fits_clear), or -ENOMEM. */
int fb_fits_make(const struct fb_plan *plan, const struct fb_samples *samples, double effective,
                 struct fb_fits *ret_fits);
void fb_fits_clear(struct fb_fits *fits);

#endif
