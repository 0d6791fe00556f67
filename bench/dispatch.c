#include "dispatch.h"

#include "harness/topology.h"
#include "harness/harness.h"
#include "harness/worker.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 21
#define ITEMS 100000
#define EMPTY_WARM_UP 300
#define EMPTY_JOBS 2000
/* Longer than any of the three keeps spinning for (libgomp: up to 15 ms here). */
#define IDLE_NS 40000000
#define LADDER 10

enum { FORKPOOL, PTHREAD, OPENMP, RIVALS };
static const char *const rival_names[RIVALS] = { "forkpool", "pthread", "openmp" };

enum { EMPTY_COLD, EMPTY_WARM, CLAIM, METG, FIGURES };
static const struct {
    const char *name, *state;
} figures[FIGURES] = {
    { "dispatch.empty", "cold" },
    { "dispatch.empty", "warm" },
    { "dispatch.claim", "warm" },
    { "dispatch.metg50", "warm" },
};

/* ---- a kernel with tasks of any length ---- */

struct fb_input {
    size_t items;
    unsigned steps; /* dependent multiplications an item, about 1.2 ns each */
};

struct task_result {
    int32_t status;
    uint64_t value;
};

static void run_tasks(const struct fb_input *input, void *scratch, size_t begin, size_t end,
                      void *results, struct fb_yield *yield)
{
    (void)scratch, (void)yield;
    struct task_result *slot = results;
    /* One chain through all items of a call, or the CPU would overlap neighbouring items in a
     * plain loop and not across claims, and a task would have two lengths. */
    uint64_t value = begin | 1;
    for (size_t item = begin; item < end; item++) {
        for (unsigned step = 0; step < input->steps; step++)
            value = value * 6364136223846793005u + 1442695040888963407u;
        slot[item].value = value;
    }
}

static const struct fb_kernel tasks = {
    .name = "tasks",
    .result_size = sizeof(struct task_result),
    .run = run_tasks,
};

/* ---- one round ---- */

struct rival {
    const struct fb_harness *harness;
    struct fb_pool *pool;
};

struct field {
    unsigned workers;
    struct fb_arena *arena;
    struct fb_input *input;
    void *results;
    struct fb_pool *single;
    struct rival rival[RIVALS];
    double sample[FIGURES][RIVALS][ROUNDS];
};

static void be_idle(void)
{
    struct timespec pause = { .tv_nsec = IDLE_NS };
    while (nanosleep(&pause, &pause) < 0 && errno == EINTR)
        ;
}

/* The time of `jobs` jobs in ns, or NaN with *error. */
static double time_jobs(const struct fb_harness *harness, struct fb_pool *pool,
                        const struct fb_job *job, unsigned jobs, struct fb_error *error)
{
    uint64_t start = fb_now_ns();
    for (unsigned i = 0; i < jobs; i++)
        if (harness->run(pool, job, NULL, error) < 0)
            return NAN;
    return (double)(fb_now_ns() - start);
}

double fb_metg50(const double *length_ns, const double *efficiency, size_t count)
{
    if (count && efficiency[0] >= 0.5)
        return length_ns[0];
    for (size_t i = 1; i < count; i++) {
        if (efficiency[i] < 0.5)
            continue;
        double part = (0.5 - efficiency[i - 1]) / (efficiency[i] - efficiency[i - 1]);
        double from = log(length_ns[i - 1]), to = log(length_ns[i]);
        return exp(from + part * (to - from));
    }
    return NAN;
}

static double measure_metg(struct field *field, const struct rival *rival, const double *single_ns,
                           struct fb_error *error)
{
    struct fb_job job = { .kernel = &tasks,
                          .input = field->input,
                          .results = field->results,
                          .items = ITEMS,
                          .chunk = 1,
                          .schedule = FB_DYNAMIC };
    double length[LADDER], efficiency[LADDER];
    for (int rung = 0; rung < LADDER; rung++) {
        field->input->steps = 1u << rung;
        double ns = time_jobs(rival->harness, rival->pool, &job, 1, error);
        length[rung] = single_ns[rung] / ITEMS;
        efficiency[rung] = single_ns[rung] / (field->workers * ns);
    }
    return fb_metg50(length, efficiency, LADDER);
}

/* The plain loop's times for the same tasks, the best of three: it is the ruler, not a rival. */
static void measure_single(struct field *field, const struct fb_harness *single,
                           double *ret_single_ns, struct fb_error *error)
{
    struct fb_job job = { .kernel = &tasks,
                          .input = field->input,
                          .results = field->results,
                          .items = ITEMS,
                          .schedule = FB_STATIC };
    for (int rung = 0; rung < LADDER; rung++) {
        field->input->steps = 1u << rung;
        ret_single_ns[rung] = INFINITY;
        for (int i = 0; i < 3; i++)
            ret_single_ns[rung] =
                fmin(ret_single_ns[rung], time_jobs(single, field->single, &job, 1, error));
    }
}

static int measure_rival(struct field *field, int index, int round, const double *single_ns,
                         struct fb_error *error)
{
    struct rival *rival = &field->rival[index];
    struct fb_job empty = { .kernel = fb_kernel_find("null"),
                            .input = field->input,
                            .results = field->results,
                            .items = field->workers,
                            .schedule = FB_STATIC };
    struct fb_job claims = empty;
    claims.items = ITEMS;
    claims.chunk = 1;
    claims.schedule = FB_DYNAMIC;
    be_idle();
    double figure[FIGURES];
    figure[EMPTY_COLD] = time_jobs(rival->harness, rival->pool, &empty, 1, error);
    time_jobs(rival->harness, rival->pool, &empty, EMPTY_WARM_UP, error);
    figure[EMPTY_WARM] =
        time_jobs(rival->harness, rival->pool, &empty, EMPTY_JOBS, error) / EMPTY_JOBS;
    figure[CLAIM] =
        time_jobs(rival->harness, rival->pool, &claims, 1, error) * field->workers / ITEMS;
    figure[METG] = measure_metg(field, rival, single_ns, error);
    for (int i = 0; i < FIGURES; i++) {
        if (isnan(figure[i]))
            return error->code ? error->code
                               : fb_error_set(error, -EDOM, "%s: %s never reached 50 %%",
                                              rival_names[index], figures[i].name);
        field->sample[i][index][round] = figure[i];
    }
    return 0;
}

/* ---- a field of rivals ---- */

static int open_rivals(struct field *field, const unsigned *cpus, struct fb_error *error)
{
    struct fb_setting setting = { .arena = field->arena, .workers = field->workers, .cpus = cpus };
    for (int i = 0; i < RIVALS; i++) {
        const char *variant;
        const struct fb_harness *harness = fb_harness_find(rival_names[i], &variant);
        if (!harness)
            continue;
        int result = harness->open(&setting, &field->rival[i].pool, error);
        if (result < 0)
            return result;
        field->rival[i].harness = harness;
    }
    return 0;
}

static int add_figures(const struct field *field, const char *binding, struct fb_metrics *metrics)
{
    for (int i = 0; i < FIGURES; i++)
        for (int rival = 0; rival < RIVALS; rival++) {
            if (!field->rival[rival].harness)
                continue;
            struct fb_metric metric = { .workers = field->workers,
                                        .state = figures[i].state,
                                        .binding = binding,
                                        .unit = "ns" };
            snprintf(metric.name, sizeof metric.name, "%s", figures[i].name);
            snprintf(metric.harness, sizeof metric.harness, "%s", rival_names[rival]);
            metric.of = fb_median_interval(field->sample[i][rival], ROUNDS);
            if (fb_metrics_add(metrics, &metric) < 0)
                return -ENOMEM;
            if (rival == OPENMP || !field->rival[OPENMP].harness)
                continue;
            snprintf(metric.name, sizeof metric.name, "%s.ratio", figures[i].name);
            metric.unit = "ratio to openmp";
            metric.of =
                fb_ratio_interval(field->sample[i][rival], field->sample[i][OPENMP], ROUNDS);
            if (fb_metrics_add(metrics, &metric) < 0)
                return -ENOMEM;
        }
    return 0;
}

static int run_rounds(struct field *field, const struct fb_harness *single, double from,
                      struct fb_error *error, struct fb_progress *progress)
{
    for (int round = 0; round < ROUNDS; round++) {
        fb_progress_show(progress, from + 0.5 * round / ROUNDS, "dispatch");
        double single_ns[LADDER];
        be_idle();
        measure_single(field, single, single_ns, error);
        /* Each round begins with another rival. */
        for (int i = 0; i < RIVALS; i++) {
            int index = (round + i) % RIVALS;
            if (!field->rival[index].harness)
                continue;
            int result = measure_rival(field, index, round, single_ns, error);
            if (result < 0)
                return result;
        }
    }
    return 0;
}

static int measure_field(struct field *field, const unsigned *cpus, struct fb_metrics *metrics,
                         struct fb_error *error, struct fb_progress *progress)
{
    const char *variant;
    const struct fb_harness *single = fb_harness_find("single", &variant);
    struct fb_setting alone = { .arena = field->arena, .workers = 1, .cpus = cpus };
    int result = open_rivals(field, cpus, error);
    if (result == 0)
        result = single->open(&alone, &field->single, error);
    if (result == 0)
        result = run_rounds(field, single, cpus ? 0.5 : 0, error, progress);
    if (result == 0)
        result = add_figures(field, cpus ? "bound" : "unbound", metrics);
    single->close(field->single);
    /* Last opened, first closed: each gives back the caller's affinity as it found it. */
    for (int i = RIVALS - 1; i >= 0; i--)
        if (field->rival[i].harness)
            field->rival[i].harness->close(field->rival[i].pool);
    return result;
}

int fb_dispatch_measure(unsigned workers, struct fb_metrics *metrics, struct fb_error *error,
                        struct fb_progress *progress)
{
    struct fb_arena *arena;
    int result = fb_arena_open(&arena);
    if (result < 0)
        return fb_error_set(error, result, "no address space for shared memory");
    unsigned *cpus = calloc(workers, sizeof *cpus);
    struct field *field = calloc(1, sizeof *field);
    struct fb_input *input = fb_arena_alloc(arena, sizeof *input);
    void *results = fb_arena_alloc(arena, ITEMS * sizeof(struct task_result));
    if (!cpus || !field || !input || !results)
        result = fb_error_set(error, -ENOMEM, "out of memory");
    for (int bound = 0; bound < 2 && result == 0; bound++) {
        *field = (struct field){
            .workers = workers, .arena = arena, .input = input, .results = results
        };
        if (bound)
            result = fb_topology_choose(workers, cpus);
        if (result < 0)
            fb_error_set(error, result, "can't choose CPUs to bind to");
        else
            result = measure_field(field, bound ? cpus : NULL, metrics, error, progress);
    }
    free(field);
    free(cpus);
    fb_arena_close(arena);
    return result;
}
