/* Measures the cells of a plan in interleaved random blocks. It depends on no clock and no file: a
 * callback runs each trial, and the next step follows from the seed and the samples so far. So an
 * interrupted run continues exactly if the same samples are returned again. */
#ifndef FB_MEASURE_H
#define FB_MEASURE_H

#include "bench/run/plan.h"

#include <jansson.h>

struct fb_sample {
    size_t block, position, cell; /* block 0 is the warm-up; position: within the block */
    uint64_t took_ns;             /* duration of the whole trial, its process included */
    uint64_t digest;
    unsigned repeat; /* jobs in it; run_ns is their median */
    uint64_t prepare_ns, setup_ns, open_ns, run_ns, close_ns, wall_ns, user_ns, system_ns;
    uint64_t voluntary_switches, involuntary_switches, minor_faults, max_rss_bytes;
    char disturbed[FB_TEXT]; /* descriptions of disturbances; "": none are known */
    json_t *raw;             /* the JSON that exec printed; owned; may be NULL */
};

/* What is known of a cell. It is not measured again after a trial of it has failed. */
struct fb_outcome {
    bool failed;
    char failure[FB_ERROR_TEXT]; /* the error of that trial */
    char answer[FB_TEXT], description[128];
    bool checked; /* results with this digest have passed the kernel's check */
    uint64_t digest;
    unsigned repeat; /* jobs in a trial, so that it is long enough; found in the warm-up */
};

struct fb_samples {
    struct fb_sample *list;
    size_t count, room;
    struct fb_outcome *outcome; /* [plan.count] */
    size_t blocks[FB_FAMILIES]; /* completed, without the warm-up */
    size_t wanted[FB_FAMILIES]; /* chosen after the pilot blocks; 0: these were not completed */
};

/* The next trial. */
struct fb_turn {
    size_t block, position, cell;
    unsigned repeat;       /* jobs to run; 0: as many as are long enough */
    const uint64_t *known; /* results with this digest were checked before; NULL: none */
};

struct fb_measure {
    const struct fb_plan *plan;
    double budget_s[FB_FAMILIES];
    double precision; /* wanted full width of the intervals: 0.02 is 2 % */
    uint64_t seed;
    /* Runs one trial: fills *sample and the outcome's answer, description, checked and digest. 0,
     * or a negative errno with *error: -EINTR and -ECANCELED end the run, others the cell. */
    int (*trial)(void *context, const struct fb_turn *turn, struct fb_outcome *outcome,
                 struct fb_sample *sample, struct fb_error *error);
    /* Called before each trial. done: which part of the run is done, 0 … 1. */
    void (*progress)(void *context, double done, const struct fb_cell *cell);
    /* Called before each trial; true ends the run inside its block. */
    bool (*interrupted)(void *context);
    void *context;
};

/* Measures a warm-up block, then blocks until each family has as many as the precision of its
 * ratios needs (chosen once, after FB_BLOCKS_LEAST pilot blocks) or has used up its budget. Each
 * family gets at least one. *ret_samples has what was measured, also on failure (end with
 * fb_samples_clear). 0, or -EINTR, -ECANCELED or -ENOMEM with *error. */
int fb_measure_run(const struct fb_measure *measure, struct fb_samples *ret_samples,
                   struct fb_error *error);
void fb_samples_clear(struct fb_samples *samples);

/* The order of all cells in a block, whether they are still measured or not. It depends on the seed
 * and the number of the block only. */
void fb_measure_order(uint64_t seed, size_t block, size_t cells, size_t *ret_order);

/* The times of a cell: ret_times[block - 1], 0 where it has no sample. */
void fb_samples_times(const struct fb_samples *samples, size_t cell, size_t blocks,
                      double *ret_times);

#endif
