/* What a run's cells compute: kernels with their parameters. */
#ifndef FB_WORKS_H
#define FB_WORKS_H

#include "bench/run/plan.h"

struct fb_work {
    const struct fb_kernel *kernel;
    char params[FB_TEXT];
};

struct fb_works {
    struct fb_work list[FB_LIST_MOST];
    size_t count;
};

/* Each kernel asked for (or the default ones) with each combination of the parameters asked for
 * that it has. works is zeroed. 0, or a negative errno with *error. */
int fb_works_make(const struct fb_plan_request *request, struct fb_works *works,
                  struct fb_error *error);

#endif
