/* What handing out work costs by itself, beside the peer. */
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
/* Longer than any of the three keeps spinning for (libgomp: up to 15 ms here). */
#define IDLE_NS 40000000

enum { FORKPOOL, PTHREAD, OPENMP, FORKPIPE, RIVALS };
static const char *const rival_names[RIVALS] = { "forkpool", "pthread", "openmp", "forkpipe" };

/* Tasks are claimed in shared memory, or sent, which takes a thousand times as long. */
enum { SHARED, SENT, KINDS };
static const struct fb_task_sizes *const rungs[KINDS] = { &fb_task_sizes_shared,
                                                          &fb_task_sizes_sent };
static const size_t claimed_items[KINDS] = { FB_TASKS_MOST, 4000 };
static const int kind_of[RIVALS] = { [FORKPIPE] = SENT };

/* Whoever is woken by a message is put where its sender runs; the jobs of a curve are over before the
 * kernel spreads the workers again, unless they are bound. */
static bool has_curve(int rival, const char *binding)
{
    return kind_of[rival] == SHARED || strcmp(binding, "bound") == 0;
}

enum { EMPTY_COLD, EMPTY_WARM, CLAIM, METG50, METG90, FIGURES };
static const struct {
    const char *name, *state;
} figures[FIGURES] = {
    { "dispatch.empty", "cold" },  { "dispatch.empty", "warm" },  { "dispatch.claim", "warm" },
    { "dispatch.metg50", "warm" }, { "dispatch.metg90", "warm" },
};

struct rival {
    const struct fb_harness *harness; /* NULL: it was not built */
    struct fb_pool *pool;
    double *sample[FIGURES];           /* [rounds] */
    double *efficiency[FB_TASK_SIZES]; /* [rounds] */
};

struct field {
    const struct fb_overhead *overhead;
    const char *binding;
    struct fb_arena *arena;
    struct fb_input *input;
    void *results;
    const struct fb_harness *single;
    struct fb_pool *single_pool;
    struct rival rival[RIVALS];
    double *length_ns[KINDS][FB_TASK_SIZES]; /* [rounds] */
    double *samples;                         /* all of them */
};

/* ---- one round ---- */

/* The time of `jobs` jobs in ns, or NaN with *error. */
static double time_jobs(const struct rival *rival, const struct fb_job *job, unsigned jobs,
                        struct fb_error *error)
{
    uint64_t start = fb_now_ns();
    for (unsigned i = 0; i < jobs; i++)
        if (rival->harness->run(rival->pool, job, NULL, error) < 0)
            return NAN;
    return (double)(fb_now_ns() - start);
}

static int measure_jobs(const struct field *field, const struct rival *rival, size_t round,
                        struct fb_error *error)
{
    size_t items = claimed_items[kind_of[rival - field->rival]];
    unsigned workers = field->overhead->workers;
    struct fb_job empty = { .kernel = fb_kernel_find("null"),
                            .input = field->input,
                            .results = field->results,
                            .items = workers,
                            .schedule = FB_STATIC };
    struct fb_job claims = empty;
    claims.items = items;
    claims.chunk = 1;
    claims.schedule = FB_DYNAMIC;
    fb_overhead_idle(IDLE_NS);
    double cold = time_jobs(rival, &empty, 1, error);
    double warm_up = time_jobs(rival, &empty, EMPTY_WARM_UP, error);
    double warm = time_jobs(rival, &empty, EMPTY_JOBS, error);
    double claim = time_jobs(rival, &claims, 1, error);
    if (isnan(cold) || isnan(warm_up) || isnan(warm) || isnan(claim))
        return error->code;
    rival->sample[EMPTY_COLD][round] = cold;
    rival->sample[EMPTY_WARM][round] = warm / EMPTY_JOBS;
    rival->sample[CLAIM][round] = claim * workers / (double)items;
    return 0;
}

static int measure_rival(const struct field *field, const struct rival *rival, size_t round,
                         const struct fb_baseline *ladders, struct fb_error *error)
{
    int index = (int)(rival - field->rival), kind = kind_of[index];
    const struct fb_baseline *ladder = &ladders[kind];
    struct fb_size_sweep climber = { .rungs = rungs[kind],
                                     .harness = rival->harness,
                                     .pool = rival->pool,
                                     .workers = field->overhead->workers,
                                     .input = field->input,
                                     .results = field->results };
    double efficiency[FB_TASK_SIZES];
    int result = measure_jobs(field, rival, round, error);
    if (!has_curve(index, field->binding))
        return result;
    if (result == 0)
        result = fb_granularity_sweep(&climber, ladder, efficiency, error);
    if (result < 0)
        return result;
    for (int rung = 0; rung < FB_TASK_SIZES; rung++)
        rival->efficiency[rung][round] = efficiency[rung];
    rival->sample[METG50][round] = fb_metg(ladder->length_ns, efficiency, FB_TASK_SIZES, 0.5);
    rival->sample[METG90][round] = fb_metg(ladder->length_ns, efficiency, FB_TASK_SIZES, 0.9);
    return 0;
}

static int rule(struct field *field, int kind, size_t round, struct fb_baseline *ret_ladder,
                struct fb_error *error)
{
    struct fb_size_sweep ruler = { .rungs = rungs[kind],
                                   .harness = field->single,
                                   .pool = field->single_pool,
                                   .workers = 1,
                                   .input = field->input,
                                   .results = field->results };
    int result = fb_granularity_baseline(&ruler, ret_ladder, error);
    for (int rung = 0; rung < FB_TASK_SIZES && result == 0; rung++)
        field->length_ns[kind][rung][round] = ret_ladder->length_ns[rung];
    return result;
}

static int run_round(struct field *field, size_t round, struct fb_error *error)
{
    struct fb_baseline ladder[KINDS];
    int result = 0;
    fb_overhead_idle(IDLE_NS);
    for (int kind = 0; kind < KINDS && result == 0; kind++)
        if (kind == SHARED || has_curve(FORKPIPE, field->binding))
            result = rule(field, kind, round, &ladder[kind], error);
    /* Each round begins with another rival. */
    for (size_t i = 0; i < RIVALS && result == 0; i++) {
        const struct rival *rival = &field->rival[(round + i) % RIVALS];
        if (rival->harness)
            result = measure_rival(field, rival, round, ladder, error);
    }
    return result;
}

/* ---- what came of it ---- */

static bool all_finite(const double *sample, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(sample[i]))
            return false;
    return true;
}

static int add_figures(const struct field *field, int index)
{
    const struct fb_overhead *overhead = field->overhead;
    const struct rival *rival = &field->rival[index], *peer = &field->rival[OPENMP];
    bool curve = has_curve(index, field->binding);
    for (int i = 0; i < (curve ? FIGURES : METG50); i++) {
        bool compared = index != OPENMP && peer->harness &&
                        all_finite(rival->sample[i], overhead->rounds) &&
                        all_finite(peer->sample[i], overhead->rounds);
        struct fb_metric_samples samples = { .name = figures[i].name,
                                             .harness = rival_names[index],
                                             .state = figures[i].state,
                                             .binding = field->binding,
                                             .workers = overhead->workers,
                                             .ns = rival->sample[i],
                                             .peer_ns = compared ? peer->sample[i] : NULL,
                                             .peer = rival_names[OPENMP] };
        if (fb_metrics_put(overhead->metrics, &samples, overhead->rounds) < 0)
            return -ENOMEM;
    }
    for (int rung = 0; rung < FB_TASK_SIZES && curve; rung++) {
        struct fb_point point = {
            .workers = overhead->workers,
            .binding = field->binding,
            .length_ns = fb_median(field->length_ns[kind_of[index]][rung], overhead->rounds),
            .efficiency = fb_median_interval(rival->efficiency[rung], overhead->rounds),
        };
        snprintf(point.harness, sizeof point.harness, "%s", rival_names[index]);
        if (fb_metrics_add_point(overhead->metrics, &point) < 0)
            return -ENOMEM;
    }
    return 0;
}

/* ---- a field of rivals ---- */

static int open_rivals(struct field *field, const unsigned *cpus, struct fb_error *error)
{
    struct fb_setting alone = { .arena = field->arena, .workers = 1, .cpus = cpus };
    struct fb_setting setting = alone;
    setting.workers = field->overhead->workers;
    for (int i = 0; i < RIVALS; i++) {
        const char *variant;
        const struct fb_harness *harness = fb_harness_find(rival_names[i], &variant);
        int result = harness ? harness->open(&setting, &field->rival[i].pool, error) : 0;
        if (result < 0)
            return result;
        field->rival[i].harness = harness;
    }
    const char *variant;
    field->single = fb_harness_find("single", &variant);
    return field->single->open(&alone, &field->single_pool, error);
}

static void close_rivals(struct field *field)
{
    if (field->single)
        field->single->close(field->single_pool);
    /* Last opened, first closed: each gives back the caller's affinity as it found it. */
    for (int i = RIVALS - 1; i >= 0; i--)
        if (field->rival[i].harness)
            field->rival[i].harness->close(field->rival[i].pool);
}

static int measure_field(struct field *field, const unsigned *cpus, double from,
                         struct fb_error *error)
{
    int result = open_rivals(field, cpus, error);
    for (size_t round = 0; round < field->overhead->rounds && result == 0; round++) {
        double part = from + 0.5 * (double)round / (double)field->overhead->rounds;
        fb_overhead_progress(field->overhead, part, "dispatch");
        result = run_round(field, round, error);
    }
    for (int i = 0; i < RIVALS && result == 0; i++)
        if (field->rival[i].harness && add_figures(field, i) < 0)
            result = fb_error_set(error, -ENOMEM, "out of memory");
    close_rivals(field);
    return result;
}

static int make_field(struct field *field, const struct fb_overhead *overhead)
{
    size_t rounds = overhead->rounds,
           rows = KINDS * FB_TASK_SIZES + RIVALS * (FIGURES + FB_TASK_SIZES);
    double *next = calloc(rows * rounds, sizeof *next);
    if (!next)
        return -ENOMEM;
    field->samples = next;
    for (int i = 0; i < KINDS * FB_TASK_SIZES; i++, next += rounds)
        field->length_ns[i / FB_TASK_SIZES][i % FB_TASK_SIZES] = next;
    for (int i = 0; i < RIVALS; i++) {
        for (int figure = 0; figure < FIGURES; figure++, next += rounds)
            field->rival[i].sample[figure] = next;
        for (int rung = 0; rung < FB_TASK_SIZES; rung++, next += rounds)
            field->rival[i].efficiency[rung] = next;
    }
    field->overhead = overhead;
    field->input = fb_granularity_input(field->arena);
    field->results = fb_arena_alloc(field->arena, (size_t)FB_TASKS_MOST * FB_TASK_RESULT);
    return field->input && field->results ? 0 : -ENOMEM;
}

static int measure_binding(const struct fb_overhead *overhead, const unsigned *cpus,
                           struct fb_error *error)
{
    struct field field = { .binding = cpus ? "bound" : "unbound" };
    int result = fb_arena_open(&field.arena);
    if (result == 0)
        result = make_field(&field, overhead);
    if (result < 0)
        fb_error_set(error, result, "out of memory");
    else
        result = measure_field(&field, cpus, cpus ? 0.5 : 0, error);
    free(field.samples);
    fb_arena_close(field.arena);
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
