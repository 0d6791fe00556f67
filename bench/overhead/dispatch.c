/* The cost of handing out work, compared with OpenMP. */
#include "bench/overhead/granularity.h"
#include "bench/overhead/overhead.h"

#include "harness/worker/topology.h"
#include "base/clock.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EMPTY_WARM_UP 300
#define EMPTY_JOBS 2000
/* Longer than any of them spins (libgomp: up to 15 ms here). */
#define IDLE_NS 40000000

enum { FORKPOOL, PTHREAD, OPENMP, FORKPIPE, CONTENDERS };
static const char *const contender_names[CONTENDERS] = { "forkpool", "pthread", "openmp",
                                                         "forkpipe" };

/* Tasks are claimed in shared memory, or sent, which takes a thousand times as long. */
enum { SHARED, SENT, KINDS };
static const struct fb_task_sizes *const task_sizes[KINDS] = { &fb_task_sizes_shared,
                                                               &fb_task_sizes_sent };
static const size_t claimed_items[KINDS] = { FB_TASKS_MOST, 4000 };
static const int kind_of[CONTENDERS] = { [FORKPIPE] = SENT };

/* A process woken by a message is placed on the sender's CPU. The jobs of a curve end before the
 * scheduler spreads the workers over the CPUs again, so forkpipe has a curve only if workers are
 * bound. */
static bool has_curve(int contender, const char *binding)
{
    return kind_of[contender] == SHARED || strcmp(binding, "bound") == 0;
}

enum { EMPTY_COLD, EMPTY_WARM, CLAIM, METG50, METG90, FIGURES };
static const struct {
    const char *name, *state;
} figures[FIGURES] = {
    { "dispatch.empty", "cold" },  { "dispatch.empty", "warm" },  { "dispatch.claim", "warm" },
    { "dispatch.metg50", "warm" }, { "dispatch.metg90", "warm" },
};

struct contender {
    const struct fb_harness *harness; /* NULL: not built */
    struct fb_pool *pool;
    double *sample[FIGURES];           /* [rounds] */
    double *efficiency[FB_TASK_SIZES]; /* [rounds] */
};

struct context {
    const struct fb_overhead *overhead;
    const char *binding;
    struct fb_arena *arena;
    struct fb_input *input;
    void *results;
    const struct fb_harness *single;
    struct fb_pool *single_pool;
    struct contender contender[CONTENDERS];
    double *length_ns[KINDS][FB_TASK_SIZES]; /* [rounds] */
    double *samples;                         /* the memory of all samples */
};

/* ---- one round ---- */

/* The time of `jobs` jobs in ns, or NaN with *error. */
static double time_jobs(const struct contender *contender, const struct fb_job *job, unsigned jobs,
                        struct fb_error *error)
{
    uint64_t start = fb_now_ns();
    for (unsigned i = 0; i < jobs; i++)
        if (contender->harness->run(contender->pool, job, NULL, error) < 0)
            return NAN;
    return (double)(fb_now_ns() - start);
}

static int measure_jobs(const struct context *context, const struct contender *contender,
                        size_t round, struct fb_error *error)
{
    size_t items = claimed_items[kind_of[contender - context->contender]];
    unsigned workers = context->overhead->workers;
    struct fb_job empty = { .kernel = fb_kernel_find("null"),
                            .input = context->input,
                            .results = context->results,
                            .items = workers,
                            .schedule = FB_STATIC };
    struct fb_job claims = empty;
    claims.items = items;
    claims.chunk = 1;
    claims.schedule = FB_DYNAMIC;
    fb_overhead_idle(IDLE_NS);
    double cold = time_jobs(contender, &empty, 1, error);
    double warm_up = time_jobs(contender, &empty, EMPTY_WARM_UP, error);
    double warm = time_jobs(contender, &empty, EMPTY_JOBS, error);
    double claim = time_jobs(contender, &claims, 1, error);
    if (isnan(cold) || isnan(warm_up) || isnan(warm) || isnan(claim))
        return error->code;
    contender->sample[EMPTY_COLD][round] = cold;
    contender->sample[EMPTY_WARM][round] = warm / EMPTY_JOBS;
    contender->sample[CLAIM][round] = claim * workers / (double)items;
    return 0;
}

static int measure_contender(const struct context *context, const struct contender *contender,
                             size_t round, const struct fb_baseline *baselines,
                             struct fb_error *error)
{
    int index = (int)(contender - context->contender), kind = kind_of[index];
    const struct fb_baseline *baseline = &baselines[kind];
    struct fb_size_sweep sweep = { .task_sizes = task_sizes[kind],
                                   .harness = contender->harness,
                                   .pool = contender->pool,
                                   .workers = context->overhead->workers,
                                   .input = context->input,
                                   .results = context->results };
    double efficiency[FB_TASK_SIZES];
    int result = measure_jobs(context, contender, round, error);
    if (!has_curve(index, context->binding))
        return result;
    if (result == 0)
        result = fb_granularity_sweep(&sweep, baseline, efficiency, error);
    if (result < 0)
        return result;
    for (int size = 0; size < FB_TASK_SIZES; size++)
        contender->efficiency[size][round] = efficiency[size];
    contender->sample[METG50][round] = fb_metg(baseline->length_ns, efficiency, FB_TASK_SIZES, 0.5);
    contender->sample[METG90][round] = fb_metg(baseline->length_ns, efficiency, FB_TASK_SIZES, 0.9);
    return 0;
}

static int measure_baseline(struct context *context, int kind, size_t round,
                            struct fb_baseline *ret_baseline, struct fb_error *error)
{
    struct fb_size_sweep sweep = { .task_sizes = task_sizes[kind],
                                   .harness = context->single,
                                   .pool = context->single_pool,
                                   .workers = 1,
                                   .input = context->input,
                                   .results = context->results };
    int result = fb_granularity_baseline(&sweep, ret_baseline, error);
    for (int size = 0; size < FB_TASK_SIZES && result == 0; size++)
        context->length_ns[kind][size][round] = ret_baseline->length_ns[size];
    return result;
}

static int run_round(struct context *context, size_t round, struct fb_error *error)
{
    struct fb_baseline baseline[KINDS];
    int result = 0;
    fb_overhead_idle(IDLE_NS);
    for (int kind = 0; kind < KINDS && result == 0; kind++)
        if (kind == SHARED || has_curve(FORKPIPE, context->binding))
            result = measure_baseline(context, kind, round, &baseline[kind], error);
    /* Each round starts with a different contender. */
    for (size_t i = 0; i < CONTENDERS && result == 0; i++) {
        const struct contender *contender = &context->contender[(round + i) % CONTENDERS];
        if (contender->harness)
            result = measure_contender(context, contender, round, baseline, error);
    }
    return result;
}

/* ---- the figures ---- */

static bool all_finite(const double *sample, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(sample[i]))
            return false;
    return true;
}

static int add_figures(const struct context *context, int index)
{
    const struct fb_overhead *overhead = context->overhead;
    const struct contender *contender = &context->contender[index],
                           *peer = &context->contender[OPENMP];
    bool curve = has_curve(index, context->binding);
    for (int i = 0; i < (curve ? FIGURES : METG50); i++) {
        bool compared = index != OPENMP && peer->harness &&
                        all_finite(contender->sample[i], overhead->rounds) &&
                        all_finite(peer->sample[i], overhead->rounds);
        struct fb_metric_samples samples = { .name = figures[i].name,
                                             .harness = contender_names[index],
                                             .state = figures[i].state,
                                             .binding = context->binding,
                                             .workers = overhead->workers,
                                             .ns = contender->sample[i],
                                             .peer_ns = compared ? peer->sample[i] : NULL,
                                             .peer = contender_names[OPENMP] };
        if (fb_metrics_put(overhead->metrics, &samples, overhead->rounds) < 0)
            return -ENOMEM;
    }
    for (int size = 0; size < FB_TASK_SIZES && curve; size++) {
        struct fb_point point = {
            .workers = overhead->workers,
            .binding = context->binding,
            .length_ns = fb_median(context->length_ns[kind_of[index]][size], overhead->rounds),
            .efficiency = fb_median_interval(contender->efficiency[size], overhead->rounds),
        };
        snprintf(point.harness, sizeof point.harness, "%s", contender_names[index]);
        if (fb_metrics_add_point(overhead->metrics, &point) < 0)
            return -ENOMEM;
    }
    return 0;
}

/* ---- the contenders ---- */

static int open_contenders(struct context *context, const unsigned *cpus, struct fb_error *error)
{
    struct fb_setting single = { .arena = context->arena, .workers = 1, .cpus = cpus };
    struct fb_setting setting = single;
    setting.workers = context->overhead->workers;
    for (int i = 0; i < CONTENDERS; i++) {
        const char *variant;
        const struct fb_harness *harness = fb_harness_find(contender_names[i], &variant);
        int result = harness ? harness->open(&setting, &context->contender[i].pool, error) : 0;
        if (result < 0)
            return result;
        context->contender[i].harness = harness;
    }
    const char *variant;
    context->single = fb_harness_find("single", &variant);
    return context->single->open(&single, &context->single_pool, error);
}

static void close_contenders(struct context *context)
{
    if (context->single)
        context->single->close(context->single_pool);
    /* In reverse order, because each restores the affinity that the caller had before. */
    for (int i = CONTENDERS - 1; i >= 0; i--)
        if (context->contender[i].harness)
            context->contender[i].harness->close(context->contender[i].pool);
}

static int measure_rounds(struct context *context, const unsigned *cpus, double from,
                          struct fb_error *error)
{
    int result = open_contenders(context, cpus, error);
    for (size_t round = 0; round < context->overhead->rounds && result == 0; round++) {
        double part = from + 0.5 * (double)round / (double)context->overhead->rounds;
        fb_overhead_progress(context->overhead, part, "dispatch");
        result = run_round(context, round, error);
    }
    for (int i = 0; i < CONTENDERS && result == 0; i++)
        if (context->contender[i].harness && add_figures(context, i) < 0)
            result = fb_error_set(error, -ENOMEM, "out of memory");
    close_contenders(context);
    return result;
}

static int make_context(struct context *context, const struct fb_overhead *overhead)
{
    size_t rounds = overhead->rounds,
           rows = KINDS * FB_TASK_SIZES + CONTENDERS * (FIGURES + FB_TASK_SIZES);
    double *next = calloc(rows * rounds, sizeof *next);
    if (!next)
        return -ENOMEM;
    context->samples = next;
    for (int i = 0; i < KINDS * FB_TASK_SIZES; i++, next += rounds)
        context->length_ns[i / FB_TASK_SIZES][i % FB_TASK_SIZES] = next;
    for (int i = 0; i < CONTENDERS; i++) {
        for (int figure = 0; figure < FIGURES; figure++, next += rounds)
            context->contender[i].sample[figure] = next;
        for (int size = 0; size < FB_TASK_SIZES; size++, next += rounds)
            context->contender[i].efficiency[size] = next;
    }
    context->overhead = overhead;
    context->input = fb_granularity_input(context->arena);
    context->results = fb_arena_alloc(context->arena, (size_t)FB_TASKS_MOST * FB_TASK_RESULT);
    return context->input && context->results ? 0 : -ENOMEM;
}

static int measure_binding(const struct fb_overhead *overhead, const unsigned *cpus,
                           struct fb_error *error)
{
    struct context context = { .binding = cpus ? "bound" : "unbound" };
    int result = fb_arena_open(&context.arena);
    if (result == 0)
        result = make_context(&context, overhead);
    if (result < 0)
        fb_error_set(error, result, "out of memory");
    else
        result = measure_rounds(&context, cpus, cpus ? 0.5 : 0, error);
    free(context.samples);
    fb_arena_close(context.arena);
    return result;
}

int fb_dispatch_measure(const struct fb_overhead *overhead, struct fb_error *error)
{
    unsigned *cpus = calloc(overhead->workers, sizeof *cpus);
    int result = cpus ? fb_topology_choose(overhead->workers, cpus) : -ENOMEM;
    if (result < 0)
        fb_error_set(error, result, "can't choose CPUs to bind to");
    if (result == 0)
        result = measure_binding(overhead, NULL, error);
    if (result == 0)
        result = measure_binding(overhead, cpus, error);
    free(cpus);
    return result;
}
