#include "bench/overhead/granularity.h"

#include "base/clock.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define BASELINE_ROUNDS 3

const struct fb_task_sizes fb_task_sizes_shared = {
    .first = 0, .items = FB_TASKS_MOST, .steps = 12800000, .least = 6000
};
const struct fb_task_sizes fb_task_sizes_sent = {
    .first = 7, .items = 500, .steps = 1600000, .least = 8
};

/* ---- a kernel with tasks of any length ---- */

struct fb_input {
    size_t items;
    unsigned steps; /* dependent multiplications per item */
};

struct task_result {
    int32_t status;
    uint64_t value;
};
_Static_assert(sizeof(struct task_result) == FB_TASK_RESULT, "the callers' slots fit");

/* Each task of a worker depends on its previous task through memory. Otherwise the CPU would
 * overlap neighbouring tasks, to a degree that depends on how they are claimed, and the length of a
 * task would vary. */
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

static unsigned steps_of(const struct fb_size_sweep *sweep, int size)
{
    return 1u << (sweep->task_sizes->first + (unsigned)size);
}

static size_t items_of(const struct fb_size_sweep *sweep, int size)
{
    const struct fb_task_sizes *task_sizes = sweep->task_sizes;
    size_t items = task_sizes->steps / steps_of(sweep, size);
    items = items > task_sizes->least ? items : task_sizes->least;
    return items < task_sizes->items ? items : task_sizes->items;
}

/* The time of one job of that size in ns, or NaN with *error. */
static double time_size(const struct fb_size_sweep *sweep, int size, enum fb_schedule schedule,
                        size_t chunk, struct fb_error *error)
{
    struct fb_job job = { .kernel = &tasks,
                          .input = sweep->input,
                          .results = sweep->results,
                          .items = items_of(sweep, size),
                          .chunk = chunk,
                          .schedule = schedule };
    sweep->input->steps = steps_of(sweep, size);
    uint64_t start = fb_now_ns();
    if (sweep->harness->run(sweep->pool, &job, NULL, error) < 0)
        return NAN;
    return (double)(fb_now_ns() - start);
}

int fb_granularity_baseline(const struct fb_size_sweep *sweep, struct fb_baseline *ret_baseline,
                            struct fb_error *error)
{
    for (int size = 0; size < FB_TASK_SIZES; size++) {
        double best = INFINITY;
        for (int i = 0; i < BASELINE_ROUNDS; i++) {
            double ns = time_size(sweep, size, FB_STATIC, 0, error);
            if (isnan(ns))
                return error->code;
            best = fmin(best, ns);
        }
        ret_baseline->single_ns[size] = best;
        ret_baseline->length_ns[size] = best / (double)items_of(sweep, size);
    }
    return 0;
}

int fb_granularity_sweep(const struct fb_size_sweep *sweep, const struct fb_baseline *baseline,
                         double *ret_efficiency, struct fb_error *error)
{
    for (int size = 0; size < FB_TASK_SIZES; size++) {
        double ns = time_size(sweep, size, FB_DYNAMIC, 1, error);
        if (isnan(ns))
            return error->code;
        ret_efficiency[size] = baseline->single_ns[size] / (sweep->workers * ns);
    }
    return 0;
}

double fb_metg(const double *length_ns, const double *efficiency, size_t count, double level)
{
    /* Starts with the long tasks, so that a single high value among the short ones is ignored. */
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
