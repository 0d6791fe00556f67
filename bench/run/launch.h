/* Runs each trial as a process of its own: `forkbench exec` of this build or of the other one. */
#ifndef FB_LAUNCH_H
#define FB_LAUNCH_H

#include "bench/run/measure.h"
#include "bench/trial/server.h"

/* An input that is prepared once for all trials of a kernel with these parameters. */
struct fb_launch_prepared {
    const struct fb_kernel *kernel;
    char params[FB_TEXT];
    int fd; /* passed to the trials; -1: none */
};

/* The caller sets plan, against and bind, which outlive it; the rest is zeroed. */
struct fb_launch {
    const struct fb_plan *plan;
    const char *against; /* the program of the other build; NULL: none */
    bool bind;           /* each worker on a CPU of its own */
    char **cpus;         /* if bind: [plan->count] the "--bind=…" of each cell; owned */
    struct fb_launch_prepared prepared[FB_LIST_MOST];
    size_t count;
    struct fb_server server; /* started if a kernel needs it */
};

/* Prepares what is expensive and the same for all trials: inputs of kernels, the CPUs to bind to,
 * the server. 0, or a negative errno with *error. End with fb_launch_clear in any case. */
int fb_launch_prepare(struct fb_launch *launch, struct fb_error *error);
void fb_launch_clear(struct fb_launch *launch);

/* Runs `program list --json` to find out which build of forkbench it is. 0 with *ret_build, its
 * "build" object (owned by the caller), or a negative errno with *error. */
int fb_launch_read_build(const char *program, json_t **ret_build, struct fb_error *error);

/* Runs one trial and reads its sample and outcome. 0, or a negative errno with *error; -EINTR:
 * SIGINT or SIGTERM ended the trial; the terminal sends them to both processes. */
int fb_launch_trial(struct fb_launch *launch, const struct fb_turn *turn,
                    struct fb_outcome *outcome, struct fb_sample *sample, struct fb_error *error);

#endif
