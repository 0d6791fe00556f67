/* How long a task has to be for handing it out to be worth it: METG, the minimum effective task
 * granularity of Task Bench (Slaughter et al., SC'20). */
#ifndef FB_GRANULARITY_H
#define FB_GRANULARITY_H

#include "base/error.h"
#include "harness/harness.h"

#define FB_TASK_SIZES 12     /* task lengths, each twice the one before */
#define FB_TASKS_MOST 100000 /* tasks of a job at most */
#define FB_TASK_RESULT 16    /* bytes of one task's result */

/* Which task lengths, and how many tasks a job has. */
struct fb_task_sizes {
    unsigned first; /* of the shortest: 2^first dependent multiplications, about 1.2 ns each */
    size_t items;   /* tasks of a job, as long as that is no more than … */
    size_t steps;   /* … multiplications; but … */
    size_t least;   /* … tasks at least */
};

/* From 1 ns on, where handing out costs a few ns; and from 0.15 µs on, where tasks are sent. */
extern const struct fb_task_sizes fb_task_sizes_shared, fb_task_sizes_sent;

/* What the plain loop takes for the same tasks: the ruler. */
struct fb_baseline {
    double single_ns[FB_TASK_SIZES]; /* of a job */
    double length_ns[FB_TASK_SIZES]; /* of a task in it */
};

/* A pool and its harness; input from fb_granularity_input; results: FB_TASKS_MOST slots. */
struct fb_size_sweep {
    const struct fb_task_sizes *rungs;
    const struct fb_harness *harness;
    struct fb_pool *pool;
    unsigned workers;
    struct fb_input *input;
    void *results;
};

/* Room for the tasks' description in the arena, or NULL. */
struct fb_input *fb_granularity_input(struct fb_arena *arena);

/* Times the ladder on climber, the best of three each. 0 or a negative errno with *error. */
int fb_granularity_baseline(const struct fb_size_sweep *climber, struct fb_baseline *ret_ladder,
                            struct fb_error *error);

/* ret_efficiency[rung]: the part of the workers' time that was work, when each task is claimed by
 * itself. 0 or a negative errno with *error. */
int fb_granularity_sweep(const struct fb_size_sweep *climber, const struct fb_baseline *ladder,
                         double *ret_efficiency, struct fb_error *error);

/* The task length in ns from which on efficiency stays at `level` or above, by linear interpolation
 * over log length; lengths ascend. The first length if it is there already, infinity if it is not
 * even at the last one. */
double fb_metg(const double *length_ns, const double *efficiency, size_t count, double level);

#endif
