/* Takes samples of a plan's cells in interleaved random blocks, and sums them up. Knows nothing of
 * how a sample comes about, of clocks or of files. */
#ifndef FB_MEASURE_H
#define FB_MEASURE_H

#include "plan.h"
#include "stats.h"

#include <jansson.h>

struct fb_sample {
    size_t block, position, cell; /* position: in the order of its block */
    uint64_t digest;
    uint64_t prepare_ns, setup_ns, open_ns, run_ns, close_ns, wall_ns, user_ns, system_ns;
    uint64_t voluntary_switches, involuntary_switches, minor_faults, max_rss_bytes;
    json_t *raw; /* all that exec said; owned; may be NULL */
};

/* A cell whose trial failed is not tried again; what went wrong stays here. */
struct fb_outcome {
    bool failed;
    char why[FB_ERROR_TEXT];
    char answer[FB_TEXT], description[128];
    bool checked; /* the kernel's check has passed for this digest */
    uint64_t digest;
};

struct fb_samples {
    struct fb_sample *list;
    size_t count, room;
    struct fb_outcome *outcome; /* [plan.count] */
    size_t blocks[FB_FAMILIES]; /* completed */
};

struct fb_measure {
    const struct fb_plan *plan;
    double budget_s[FB_FAMILIES];
    uint64_t seed;
    /* Runs one trial: fills *sample and the outcome's answer, description, checked and digest.
     * Results whose digest is *known (NULL: none) passed the check before. 0, or a negative errno
     * with *error. */
    int (*trial)(void *context, const struct fb_cell *cell, const uint64_t *known,
                 struct fb_outcome *outcome, struct fb_sample *sample, struct fb_error *error);
    uint64_t (*now_ns)(void *context);
    /* Before each trial: how much of everything is done, 0 … 1. */
    void (*progress)(void *context, double done, const struct fb_cell *cell);
    /* After each block; a negative errno ends the measuring. */
    int (*block_done)(void *context, const struct fb_samples *samples);
    /* Asked before each trial: true ends the measuring, the block unfinished. */
    bool (*interrupted)(void *context);
    void *context;
};

/* Measures until the budgets are used up; each family has one block at least. What was measured is
 * in *ret_samples also on failure (end with fb_samples_clear): 0, -EINTR, or block_done's. */
int fb_measure_run(const struct fb_measure *measure, struct fb_samples *ret_samples);
void fb_samples_clear(struct fb_samples *samples);

/* What samples say of one cell. */
struct fb_summary {
    struct fb_interval run_ns;
    struct fb_interval speedup;    /* over its base, paired in blocks; a ceiling's: workers · base
                                      / time, what the hardware gave */
    struct fb_interval of_ceiling; /* speedup / the ceiling's, paired in blocks */
    bool has_speedup, has_ceiling;
};

/* 0 or -ENOMEM. */
int fb_summarize(const struct fb_plan *plan, const struct fb_samples *samples, size_t cell,
                 struct fb_summary *ret_summary);

#endif
