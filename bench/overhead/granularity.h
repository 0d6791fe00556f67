/* METG, the minimum effective task granularity of Task Bench (Slaughter et al., SC'20): how long a
 * task must be for a given efficiency. */
#ifndef FB_GRANULARITY_H
#define FB_GRANULARITY_H

#include "base/error.h"
#include "harness/harness.h"

#define FB_TASK_SIZES 12     /* task lengths, each twice the previous one */
#define FB_TASKS_MOST 100000 /* most tasks in a job */
#define FB_TASK_RESULT 16    /* bytes of one task's result */

/* The task lengths of a sweep, and how many tasks a job has. */
struct fb_task_sizes {
    unsigned first; /* the shortest task has 2^first dependent multiplications of about 1.2 ns */
    size_t items;   /* tasks per job, but at most … */
    size_t steps;   /* … this many multiplications, and at least … */
    size_t least;   /* … this many tasks */
};

/* From 1 ns, for tasks claimed in shared memory; from 0.15 µs, for tasks that are sent. */
extern const struct fb_task_sizes fb_task_sizes_shared, fb_task_sizes_sent;

/* The times of a plain loop for the same tasks. */
struct fb_baseline {
    double single_ns[FB_TASK_SIZES]; /* per job */
    double length_ns[FB_TASK_SIZES]; /* per task */
};

/* A sweep over the task sizes with an open pool. input: from fb_granularity_input; results:
 * FB_TASKS_MOST slots of FB_TASK_RESULT bytes. */
struct fb_size_sweep {
    const struct fb_task_sizes *task_sizes;
    const struct fb_harness *harness;
    struct fb_pool *pool;
    unsigned workers;
    struct fb_input *input;
    void *results;
};

/* The input of the jobs, in the arena. NULL: the arena is full. */
struct fb_input *fb_granularity_input(struct fb_arena *arena);

/* Times each task size on the sweep's pool, which must run the plain loop; the best of three each.
 * 0 or a negative errno with *error. */
int fb_granularity_baseline(const struct fb_size_sweep *sweep, struct fb_baseline *ret_baseline,
                            struct fb_error *error);

/* Runs each task size with one task per claim. ret_efficiency[size]: the fraction of the workers'
 * time spent on tasks. 0 or a negative errno with *error. */
int fb_granularity_sweep(const struct fb_size_sweep *sweep, const struct fb_baseline *baseline,
                         double *ret_efficiency, struct fb_error *error);

/* The task length in ns from which the efficiency stays at or above `level`, interpolated linearly
 * over the log of the length; lengths ascend. The first length if all are at or above it; infinity
 * if the last one is below. */
double fb_metg(const double *length_ns, const double *efficiency, size_t count, double level);

#endif
