/* The options that mean the same in every command that runs work: -k, -H, -w, -p, -c, -s, --bind. */
#ifndef FB_OPTIONS_H
#define FB_OPTIONS_H

#include "bench/run/plan.h"

#include "harness/harness.h"

#include <argp.h>

/* A command passes a zeroed one (with its default schedule) as its child's input. */
struct fb_work_options {
    struct fb_plan_request lists; /* what was given; a count of 0: the option was not */
    size_t chunk;                 /* 0: not given */
    enum fb_schedule schedule;
    bool bind;                      /* each worker to a CPU of its own */
    unsigned cpus[FB_WORKERS_MOST]; /* the CPUs to bind to, as many as cpu_count */
    size_t cpu_count;               /* 0: none were named */
    const char *given;              /* the long name of the last of these options; NULL: none */
};

/* For `.children` of a command's argp. fb_options_one: all these options with one value each; kernel
 * and harness must exist. fb_options_lists: -k, -H, -w and -p with lists, and --bind. */
extern const struct argp_child fb_options_one[], fb_options_lists[];

/* The long name of the option with that key in a table that ends with an empty entry; NULL: none. */
const char *fb_option_name(const struct argp_option *table, int key);

#endif
