/* The workloads of a run: kernels with their parameters. */
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

/* Makes one workload for each kernel that was given (or each default one) and each combination of
 * those given parameters that it has. *workloads is zeroed by the caller. 0, or a negative errno
 * with *error. */
int fb_workloads_make(const struct fb_plan_request *request, struct fb_workloads *workloads,
                      struct fb_error *error);

#endif
