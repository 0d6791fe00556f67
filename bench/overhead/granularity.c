#include "bench/overhead/granularity.h"

#include "base/clock.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define RULER_ROUNDS 3

const struct fb_task_sizes fb_task_sizes_shared = {
    .first = 0, .items = FB_TASKS_MOST, .steps = 12800000, .least = 6000
};
const struct fb_task_sizes fb_task_sizes_sent = {
    .first = 7, .items = 500, .steps = 1600000, .least = 8
};

/* ---- a kernel with tasks of any length ---- */

struct fb_input {
    size_t items;
    unsigned steps; /* dependent multiplications an item */
};

struct task_result {
    int32_t status;
    uint64_t value;
};
_Static_assert(sizeof(struct task_result) == FB_TASK_RESULT, "the callers' slots fit");

/* A worker's chain: each of its tasks goes on from the one before, through memory. Otherwise the
 * CPU would overlap neighbouring tasks, more or less of it according to who claims them how, and a
 * task would have several lengths. */
struct chain {
    _Alignas(FB_CACHE_LINE) volatile uint64_t value;
};

static int begin_chain(const struct fb_input *input, void **ret_scratch)
{
    (void)input;
    struct chain *chain = aligned_alloc(FB_CACHE_LINE, sizeof *chain);
    if (!chain)
        return -ENOMEM;
    chain->value = 1;
    *ret_scratch = chain;
    return 0;
}

static void run_tasks(const struct fb_input *input, void *scratch, size_t begin, size_t end,
                      void *results, struct fb_yield *yield)
{
    (void)yield;
    struct chain *chain = scratch;
    struct task_result *slot = results;
    for (size_t item = begin; item < end; item++) {
        uint64_t value = chain->value;
        for (unsigned step = 0; step < input->steps; step++)
            value = value * 6364136223846793005u + 1442695040888963407u;
        slot[item].value = chain->value = value;
    }
}

static const struct fb_kernel tasks = {
    .name = "tasks",
    .result_size = sizeof(struct task_result),
    .worker_begin = begin_chain,
    .run = run_tasks,
    .worker_end = free,
};

struct fb_input *fb_granularity_input(struct fb_arena *arena)
{
    return fb_arena_alloc(arena, sizeof(struct fb_input));
}

static unsigned rung_steps(const struct fb_size_sweep *climber, int rung)
{
    return 1u << (climber->rungs->first + (unsigned)rung);
}

static size_t rung_items(const struct fb_size_sweep *climber, int rung)
{
    const struct fb_task_sizes *rungs = climber->rungs;
    size_t items = rungs->steps / rung_steps(climber, rung);
    items = items > rungs->least ? items : rungs->least;
    return items < rungs->items ? items : rungs->items;
}

/* The time of one job of that rung in ns, or NaN with *error. */
static double time_rung(const struct fb_size_sweep *climber, int rung, enum fb_schedule schedule,
                        size_t chunk, struct fb_error *error)
{
    struct fb_job job = { .kernel = &tasks,
                          .input = climber->input,
                          .results = climber->results,
                          .items = rung_items(climber, rung),
                          .chunk = chunk,
                          .schedule = schedule };
    climber->input->steps = rung_steps(climber, rung);
    uint64_t start = fb_now_ns();
    if (climber->harness->run(climber->pool, &job, NULL, error) < 0)
        return NAN;
    return (double)(fb_now_ns() - start);
}

int fb_granularity_baseline(const struct fb_size_sweep *climber, struct fb_baseline *ret_ladder,
                            struct fb_error *error)
{
    for (int rung = 0; rung < FB_TASK_SIZES; rung++) {
        double best = INFINITY;
        for (int i = 0; i < RULER_ROUNDS; i++) {
            double ns = time_rung(climber, rung, FB_STATIC, 0, error);
            if (isnan(ns))
                return error->code;
            best = fmin(best, ns);
        }
        ret_ladder->single_ns[rung] = best;
        ret_ladder->length_ns[rung] = best / (double)rung_items(climber, rung);
    }
    return 0;
}

int fb_granularity_sweep(const struct fb_size_sweep *climber, const struct fb_baseline *ladder,
                         double *ret_efficiency, struct fb_error *error)
{
    for (int rung = 0; rung < FB_TASK_SIZES; rung++) {
        double ns = time_rung(climber, rung, FB_DYNAMIC, 1, error);
        if (isnan(ns))
            return error->code;
        ret_efficiency[rung] = ladder->single_ns[rung] / (climber->workers * ns);
    }
    return 0;
}

double fb_metg(const double *length_ns, const double *efficiency, size_t count, double level)
{
    /* From the long tasks down: one lucky figure among short ones is no crossing. */
    size_t i = count;
    while (i > 0 && efficiency[i - 1] >= level)
        i--;
    if (i == count)
        return INFINITY;
    if (i == 0)
        return length_ns[0];
    double part = (level - efficiency[i - 1]) / (efficiency[i] - efficiency[i - 1]);
    double from = log(length_ns[i - 1]), to = log(length_ns[i]);
    return exp(from + part * (to - from));
}
