/* What a run's cells compute: kernels with their parameters. */
#ifndef FB_WORKLOADS_H
#define FB_WORKLOADS_H

#include "bench/run/plan.h"

struct fb_workload {
    const struct fb_kernel *kernel;
    char params[FB_TEXT];
};

struct fb_workloads {
    struct fb_workload list[FB_LIST_MOST];
    size_t count;
};

/* Each kernel asked for (or the default ones) with each combination of the parameters asked for
 * that it has. works is zeroed. 0, or a negative errno with *error. */
int fb_workloads_make(const struct fb_plan_request *request, struct fb_workloads *works,
                      struct fb_error *error);

#endif
