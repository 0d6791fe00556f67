/* A trial as a fresh process: `exec` of this same program. */
#ifndef FB_SPAWN_H
#define FB_SPAWN_H

#include "measure.h"

/* What is made once for all trials of one kernel and its parameters. */
struct fb_spawn_prepared {
    const struct fb_kernel *kernel;
    char params[FB_TEXT];
    int fd; /* -1: nothing to hand over */
};

struct fb_spawn {
    struct fb_spawn_prepared prepared[FB_LIST_MOST];
    size_t count;
};

/* Prepares what the plan's kernels can have prepared. 0, or a negative errno with *error. End with
 * fb_spawn_clear in any case. */
int fb_spawn_prepare(struct fb_spawn *spawn, const struct fb_plan *plan, struct fb_error *error);
void fb_spawn_clear(struct fb_spawn *spawn);

/* struct fb_measure's trial; context begins with a struct fb_spawn. -EINTR: the trial was ended by
 * SIGINT or SIGTERM, as happens to it together with us. */
int fb_spawn_trial(void *context, const struct fb_cell *cell, const uint64_t *known,
                   struct fb_outcome *outcome, struct fb_sample *sample, struct fb_error *error);

#endif
