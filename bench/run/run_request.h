/* What a run was asked to measure, and how the first line of its journal stores it. */
#ifndef FB_RUN_REQUEST_H
#define FB_RUN_REQUEST_H

#include "bench/host/machine.h"
#include "bench/run/plan.h"

#include <jansson.h>

struct fb_run_request {
    struct fb_plan_request plan;
    double budget_s[FB_FAMILIES];
    double precision; /* full width of the intervals that are wanted: 0.02 is 2 % */
    uint64_t seed;
    bool bind;             /* each worker on a CPU of its own */
    const char *against;   /* the other build's program; NULL: none */
    json_t *against_build; /* its "build" object; NULL: none; owned by the caller */
};

/* The journal's head: the request, this build and the machine. Owned by the caller. */
json_t *fb_run_request_json(const struct fb_run_request *request, const struct fb_machine *machine);

/* Reads a head into request, all but effective CPUs and against_build. Texts belong to head. */
void fb_run_request_read(const json_t *head, struct fb_run_request *request);

/* Whether this build on this machine may continue the run with that head: 0, or -EXDEV with *error
 * naming the first difference. */
int fb_run_request_check(const json_t *head, const struct fb_machine *machine,
                         struct fb_error *error);

#endif
