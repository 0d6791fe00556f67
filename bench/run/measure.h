/* Takes samples of a plan's cells in interleaved random blocks. Knows nothing of how a sample comes
 * about, of clocks or of files: what it does next follows from the seed and from the samples so
 * far, so a run that was cut off can be repeated from its record. */
#ifndef FB_MEASURE_H
#define FB_MEASURE_H

#include "bench/run/plan.h"

#include <jansson.h>

struct fb_sample {
    size_t block, position, cell; /* block 0 is the warm-up; position: in the order of its block */
    uint64_t took_ns;             /* all of the trial, from its start to its end */
    uint64_t digest;
    unsigned repeat; /* jobs in it; run_ns is their median */
    uint64_t prepare_ns, setup_ns, open_ns, run_ns, close_ns, wall_ns, user_ns, system_ns;
    uint64_t voluntary_switches, involuntary_switches, minor_faults, max_rss_bytes;
    char disturbed[FB_TEXT]; /* what disturbed it; "" for nothing that is known */
    json_t *raw;             /* all that exec said; owned; may be NULL */
};

/* A cell whose trial failed is not tried again; what went wrong stays here. */
struct fb_outcome {
    bool failed;
    char why[FB_ERROR_TEXT];
    char answer[FB_TEXT], description[128];
    bool checked; /* the kernel's check has passed for this digest */
    uint64_t digest;
    unsigned repeat; /* jobs a trial, so that it is long enough; found in the warm-up block */
};

struct fb_samples {
    struct fb_sample *list;
    size_t count, room;
    struct fb_outcome *outcome; /* [plan.count] */
    size_t blocks[FB_FAMILIES]; /* completed, without the warm-up */
    size_t wanted[FB_FAMILIES]; /* chosen after the pilot blocks; 0: they were not reached */
};

/* The trial that is next. */
struct fb_turn {
    size_t block, position, cell;
    unsigned repeat;       /* jobs; 0: find out how many are long enough */
    const uint64_t *known; /* results with this digest passed the check before; NULL: none */
};

struct fb_measure {
    const struct fb_plan *plan;
    double budget_s[FB_FAMILIES];
    double precision; /* full width of the intervals that are wanted; 0.02 is 2 % */
    uint64_t seed;
    /* Runs one trial: fills *sample and the outcome's answer, description, checked and digest. 0,
     * or a negative errno with *error: -EINTR and -ECANCELED end the measuring, others this cell.
     */
    int (*trial)(void *context, const struct fb_turn *turn, struct fb_outcome *outcome,
                 struct fb_sample *sample, struct fb_error *error);
    /* Before each trial: how much of everything is done, 0 … 1. */
    void (*progress)(void *context, double done, const struct fb_cell *cell);
    /* Asked before each trial: true ends the measuring, the block unfinished. */
    bool (*interrupted)(void *context);
    void *context;
};

/* Measures a warm-up block, then blocks until each family has as many as its ratios' precision
 * needs (chosen once, after FB_BLOCKS_LEAST pilot blocks) or its budget is used up; each has one at
 * least. What was measured is in *ret_samples also on failure (end with fb_samples_clear): 0, or
 * -EINTR, -ECANCELED or -ENOMEM with *error. */
int fb_measure_run(const struct fb_measure *measure, struct fb_samples *ret_samples,
                   struct fb_error *error);
void fb_samples_clear(struct fb_samples *samples);

/* The order of a block: all cells, whether they still take part or not. A function of the seed and
 * the block's number alone. */
void fb_measure_order(uint64_t seed, size_t block, size_t cells, size_t *ret_order);

/* The times of a cell, ret_times[block - 1], 0 where there is none. */
void fb_samples_times(const struct fb_samples *samples, size_t cell, size_t blocks,
                      double *ret_times);

#endif
