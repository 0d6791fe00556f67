/* A trial as a fresh process: `exec` of this same program. */
#ifndef FB_LAUNCH_H
#define FB_LAUNCH_H

#include "bench/run/measure.h"
#include "bench/trial/server.h"

/* What is made once for all trials of one kernel and its parameters. */
struct fb_launch_prepared {
    const struct fb_kernel *kernel;
    char params[FB_TEXT];
    int fd; /* -1: nothing to hand over */
};

/* plan, against and bind are the caller's to set, and outlive it. */
struct fb_launch {
    const struct fb_plan *plan;
    const char *against; /* the other build's program; NULL: none */
    bool bind;           /* each worker on a CPU of its own */
    char **cpus;         /* [plan->count] then: a cell's as --bind wants them; owned */
    struct fb_launch_prepared prepared[FB_LIST_MOST];
    size_t count;
    struct fb_server server; /* for the kernels that need one */
};

/* Prepares what is expensive and the same for all trials: what the kernels of launch->plan can have
 * prepared, the CPUs to bind to. 0, or a negative errno with *error.
 * End with fb_launch_clear in any case. */
int fb_launch_prepare(struct fb_launch *launch, struct fb_error *error);
void fb_launch_clear(struct fb_launch *launch);

/* Asks a program which build of forkbench it is: 0 with *ret_build (owned by the caller), the
 * "build" of its `list --json`, or a negative errno with *error. */
int fb_launch_ask(const char *program, json_t **ret_build, struct fb_error *error);

/* Runs one trial and reads its sample and outcome. 0, or a negative errno with *error; -EINTR:
 * the trial was ended by SIGINT or SIGTERM, as happens to it together with us. */
int fb_launch_trial(struct fb_launch *launch, const struct fb_turn *turn,
                    struct fb_outcome *outcome, struct fb_sample *sample, struct fb_error *error);

#endif
