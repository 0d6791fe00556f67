/* The costs of the runtime's pool compared with Python's: opening it, running tasks and map
 * items. */
#include "bench/overhead/overhead.h"
#include "bench/overhead/peers/forked_peer.h"
#include "bench/overhead/peers/python_peer.h"

#include "base/clock.h"
#include "base/cpus.h"
#include "harness/mp/core/heap.h"
#include "harness/mp/pool/map.h"
#include "harness/mp/core/sleep.h"
#include "harness/worker/topology.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#define TASKS 5000
#define ITEMS 50000
#define SINGLES 200
#define WORKERS 2 /* as many processes as the plain method creates */
#define PATIENCE_NS (30 * FB_MP_SECOND)

enum { FORKSERVER, OPEN, SPAWNED, SUBMIT, MAP, LATENCY, ONE_CPU, FIGURES };

enum { OURS, PLAIN, POOL, EXECUTOR, KINDS };
static const struct {
    const char *name, *state, *plain; /* plain: compared with this; NULL: with nothing */
} figures[FIGURES] = {
    [FORKSERVER] = { "pool.helper", "", NULL },
    [SPAWNED] = { "pool.open", "spawned; and closed", NULL },
    [OPEN] = { "pool.open", "and closed", "fork" },
    [SUBMIT] = { "pool.task", "8 B", NULL },
    [MAP] = { "pool.item", "8 B; chunk 1", NULL },
    [LATENCY] = { "pool.latency", "8 B", NULL },
    /* On one CPU a waiting process does not spin, and waking costs the same each time. */
    [ONE_CPU] = { "pool.latency", "8 B; one CPU", "futex" },
};

/* The names of Python's figures in pools.py, in the order of the figures, and in the report. */
static const char *const python_names[] = { "pool.open",     "pool.task",        "pool.item",
                                            "pool.latency",  "executor.open",    "executor.task",
                                            "executor.item", "executor.latency", NULL };
#define PYTHONS (sizeof python_names / sizeof *python_names - 1)
static const char *const kind_names[KINDS] = {
    [OURS] = "pool", [POOL] = "Python Pool", [EXECUTOR] = "ProcessPoolExecutor"
};

struct context {
    const struct fb_overhead *overhead;
    struct fb_mp_pool *pool; /* of WORKERS */
    struct fb_mp_future *future[TASKS];
    uint64_t *items, *results; /* [ITEMS] */
    _Atomic uint32_t *word;    /* in the runtime's heap */
    struct fb_python_peer python;
    double *sample[FIGURES][KINDS]; /* [rounds] */
};

/* ---- the task ---- */

static int add_one(struct fb_mp_call *call)
{
    uint64_t number;
    memcpy(&number, call->argument, sizeof number);
    number++;
    return fb_mp_return(call, &number, sizeof number);
}

/* ---- opening ---- */

static int open_pool(enum fb_mp_method method, unsigned workers, struct fb_mp_pool **ret_pool)
{
    const struct fb_mp_pool_options options = { .method = method, .workers = workers };
    struct fb_error error;
    return fb_mp_pool_open(&options, ret_pool, &error);
}

static int close_pool(struct fb_mp_pool *pool)
{
    fb_mp_pool_shutdown(pool, false);
    int result = fb_mp_pool_join(pool, PATIENCE_NS);
    fb_mp_pool_close(pool);
    return result;
}

static int open_and_close(enum fb_mp_method method)
{
    struct fb_mp_pool *pool;
    int result = open_pool(method, WORKERS, &pool);
    return result == 0 ? close_pool(pool) : result;
}

static int measure_forkserver(struct context *context, double *ret_ns)
{
    struct fb_error error;
    (void)context;
    fb_mp_forkserver_stop();
    uint64_t start_ns = fb_now_ns();
    int result = fb_mp_forkserver_start(&error);
    *ret_ns = (double)(fb_now_ns() - start_ns);
    return result == 0 ? open_and_close(FB_MP_FORK)
                       : result; /* so that the forkserver is warm for the next figures */
}

static int measure_open(struct context *context, double *ret_ns)
{
    (void)context;
    uint64_t start_ns = fb_now_ns();
    int result = open_and_close(FB_MP_FORK);
    *ret_ns = (double)(fb_now_ns() - start_ns);
    return result;
}

static int measure_spawned(struct context *context, double *ret_ns)
{
    (void)context;
    uint64_t start_ns = fb_now_ns();
    int result = open_and_close(FB_MP_SPAWN);
    *ret_ns = (double)(fb_now_ns() - start_ns);
    return result;
}

static int do_nothing(void *context)
{
    (void)context;
    return 0;
}

static int measure_forks(struct context *context, double *ret_ns)
{
    int result = 0;
    (void)context;
    uint64_t start_ns = fb_now_ns();
    for (int i = 0; i < WORKERS && result == 0; i++)
        result = fb_forked_peer_join(fb_forked_peer_start(do_nothing, NULL));
    *ret_ns = (double)(fb_now_ns() - start_ns);
    return result;
}

/* ---- tasks ---- */

static int take_result(struct fb_mp_future *future, uint64_t expected)
{
    const void *bytes;
    uint64_t number = 0;
    size_t size;
    int result = fb_mp_future_result(future, PATIENCE_NS, &bytes, &size, NULL);
    if (result == 0)
        memcpy(&number, bytes, size < sizeof number ? size : sizeof number);
    fb_mp_future_free(future);
    return result < 0 ? result : number == expected ? 0 : -EBADMSG;
}

static int measure_tasks(struct context *context, double *ret_ns)
{
    int result = 0, taken;
    size_t count = 0;
    uint64_t start_ns = fb_now_ns();
    for (uint64_t i = 0; i < TASKS && result == 0; i++) {
        result = fb_mp_submit(context->pool, add_one, &i, sizeof i, NULL, &context->future[i]);
        count += result == 0;
    }
    for (size_t i = 0; i < count; i++)
        if ((taken = take_result(context->future[i], i + 1)) < 0)
            result = taken;
    *ret_ns = (double)(fb_now_ns() - start_ns) / TASKS;
    return result;
}

static int measure_map(struct context *context, double *ret_ns)
{
    const struct fb_mp_map_options options = { .chunk = 1 };
    uint64_t start_ns = fb_now_ns();
    int result = fb_mp_map(context->pool, add_one, context->items, ITEMS, sizeof *context->items,
                           context->results, sizeof *context->results, &options, NULL);
    *ret_ns = (double)(fb_now_ns() - start_ns) / ITEMS;
    for (size_t i = 0; i < ITEMS && result == 0; i++)
        if (context->results[i] != context->items[i] + 1)
            result = -EBADMSG;
    return result;
}

/* Submits one task at a time and waits for it. */
static int measure_latency(struct context *context, double *ret_ns)
{
    struct fb_mp_future *future;
    int result = 0;
    uint64_t start_ns = fb_now_ns();
    for (uint64_t i = 0; i < SINGLES && result == 0; i++) {
        result = fb_mp_submit(context->pool, add_one, &i, sizeof i, NULL, &future);
        if (result == 0)
            result = take_result(future, i + 1);
    }
    *ret_ns = (double)(fb_now_ns() - start_ns) / SINGLES;
    return result;
}

/* The same with a pool whose only worker shares the caller's only CPU. */
static int measure_on_one_cpu(struct context *context, double *ret_ns)
{
    struct fb_mp_pool *usual = context->pool;
    int result = open_pool(FB_MP_FORK, 1, &context->pool);
    if (result == 0) {
        /* The first run waits until the worker has started. */
        result = measure_latency(context, ret_ns);
        if (result == 0)
            result = measure_latency(context, ret_ns);
        fb_mp_pool_close(context->pool);
    }
    context->pool = usual;
    return result;
}

/* ---- two processes that wake each other ---- */

static void wait_for(_Atomic uint32_t *word, uint32_t value)
{
    uint32_t now;
    while ((now = atomic_load(word)) != value)
        fb_mp_sleep(word, now, fb_mp_deadline(FB_MP_SECOND));
}

static int return_word(void *context)
{
    _Atomic uint32_t *word = context;
    for (uint32_t i = 0; i <= SINGLES; i++) {
        wait_for(word, 2 * i + 1);
        atomic_store(word, 2 * i + 2);
        fb_mp_wake(word, 1);
    }
    return 0;
}

static int measure_futex(struct context *context, double *ret_ns)
{
    atomic_store(context->word, 0);
    pid_t pid = fb_forked_peer_start(return_word, (void *)context->word);
    uint64_t start_ns = 0;
    for (uint32_t i = 0; i <= SINGLES && pid > 0; i++) {
        if (i == 1) /* the first round trip finds the process awake */
            start_ns = fb_now_ns();
        atomic_store(context->word, 2 * i + 1);
        fb_mp_wake(context->word, 1);
        wait_for(context->word, 2 * i + 2);
    }
    *ret_ns = (double)(fb_now_ns() - start_ns) / SINGLES;
    return fb_forked_peer_join(pid);
}

/* ---- rounds ---- */

static int (*const measures[FIGURES][2])(struct context *context, double *ret_ns) = {
    [FORKSERVER] = { measure_forkserver },
    [SPAWNED] = { measure_spawned },
    [OPEN] = { measure_open, measure_forks },
    [SUBMIT] = { measure_tasks },
    [MAP] = { measure_map },
    [LATENCY] = { measure_latency },
    [ONE_CPU] = { measure_on_one_cpu, measure_futex },
};

static int measure(struct context *context, int figure, size_t round, struct fb_error *error)
{
    cpu_set_t before;
    unsigned cpu;
    int result = figure == ONE_CPU ? fb_topology_choose(1, &cpu) : 0;
    if (figure == ONE_CPU && result == 0 &&
        (result = sched_getaffinity(0, sizeof before, &before)) == 0)
        result = fb_cpus_bind(cpu);
    for (int i = 0; i < 2 && result == 0; i++) {
        int kind = (int)((round + (size_t)i) % 2);
        if (measures[figure][kind])
            result = measures[figure][kind](context, &context->sample[figure][kind][round]);
    }
    if (figure == ONE_CPU)
        sched_setaffinity(0, sizeof before, &before);
    return result < 0 ? fb_error_set(error, result, "can't measure %s: %s", figures[figure].name,
                                     strerror(-result))
                      : 0;
}

/* In separate rounds after the others: a fork right after Python finds free pages in the caches and
 * is a quarter faster. */
static int measure_python(struct context *context, size_t round, struct fb_error *error)
{
    double ns[PYTHONS];
    if (!context->python.interpreter[0])
        return 0;
    int result = fb_python_peer_run(&context->python, python_names, ns, error);
    for (size_t i = 0; i < PYTHONS && result == 0; i++) {
        static const int figure_of[] = { OPEN, SUBMIT, MAP, LATENCY };
        int figure = figure_of[i % (PYTHONS / 2)];
        context->sample[figure][i < PYTHONS / 2 ? POOL : EXECUTOR][round] = ns[i];
    }
    return result;
}

/* The forkserver first, while there are no workers. The figures that need a pool share one of
 * WORKERS. */
static int run_round(struct context *context, size_t round, struct fb_error *error)
{
    int result = 0;
    for (int figure = 0; figure < FIGURES && result == 0; figure++) {
        if (figure == SUBMIT && (result = open_pool(FB_MP_FORK, WORKERS, &context->pool)) < 0)
            return fb_error_set(error, result, "can't open a pool: %s", strerror(-result));
        result = measure(context, figure, round, error);
    }
    fb_mp_pool_close(context->pool);
    context->pool = NULL;
    return result;
}

/* Our figure is compared with the plain method, Python's with ours. */
static int add_figure(const struct context *context, int figure, int kind)
{
    const char *plain = figures[figure].plain;
    const bool python = kind == POOL || kind == EXECUTOR;
    const struct fb_metric_samples samples = {
        .name = figures[figure].name,
        .harness = kind == PLAIN ? plain : kind_names[kind],
        .state = figures[figure].state,
        .binding = figure == ONE_CPU ? "bound" : "unbound",
        .workers = figure == ONE_CPU ? 1 : WORKERS,
        .ns = context->sample[figure][kind],
        .peer_ns = python                  ? context->sample[figure][OURS]
                   : kind == OURS && plain ? context->sample[figure][PLAIN]
                                           : NULL,
        .peer = python ? kind_names[OURS] : plain,
    };
    if (python ? figure == FORKSERVER || figure == SPAWNED || figure == ONE_CPU ||
                     !context->python.interpreter[0]
               : !measures[figure][kind])
        return 0;
    return fb_metrics_put(context->overhead->metrics, &samples, context->overhead->rounds);
}

static int add_figures(const struct context *context)
{
    int result = 0;
    for (int i = 0; i < FIGURES * KINDS && result == 0; i++)
        result = add_figure(context, i / KINDS, i % KINDS);
    return result;
}

static int prepare(struct context *context, double **ret_samples)
{
    size_t rounds = context->overhead->rounds;
    double *samples = *ret_samples = calloc(FIGURES * KINDS * rounds, sizeof *samples);
    context->items = calloc(ITEMS, sizeof *context->items);
    context->results = calloc(ITEMS, sizeof *context->results);
    void *word;
    int result = fb_mp_alloc(sizeof *context->word, &word);
    if (result < 0 || !samples || !context->items || !context->results)
        return -ENOMEM;
    context->word = word;
    for (uint64_t i = 0; i < ITEMS; i++)
        context->items[i] = i;
    for (size_t i = 0; i < FIGURES * KINDS; i++)
        context->sample[i / KINDS][i % KINDS] = samples + i * rounds;
    fb_python_peer_find(&context->python, "pools.py", "Python's pools", context->overhead->metrics);
    return 0;
}

int fb_pool_cost_measure(const struct fb_overhead *overhead, struct fb_error *error)
{
    struct context *context = calloc(1, sizeof *context);
    double *samples = NULL;
    if (!context)
        return fb_error_set(error, -ENOMEM, "out of memory");
    context->overhead = overhead;
    int result = prepare(context, &samples);
    if (result < 0)
        fb_error_set(error, result, "out of memory");
    for (size_t i = 0; i < 2 * overhead->rounds && result == 0; i++) {
        size_t round = i % overhead->rounds;
        fb_overhead_progress(overhead, 0.5 * (double)i / (double)overhead->rounds, "the pool");
        result = i < overhead->rounds ? run_round(context, round, error)
                                      : measure_python(context, round, error);
    }
    if (result == 0 && add_figures(context) < 0)
        result = fb_error_set(error, -ENOMEM, "out of memory");
    fb_mp_free((void *)context->word);
    free(context->items);
    free(context->results);
    free(samples);
    free(context);
    return result;
}
