/* The cost of waking a thread or process, and of switching between two on one CPU. */
#include "bench/overhead/overhead.h"

#include "base/child.h"
#include "base/clock.h"
#include "base/cpus.h"
#include "harness/harness.h"
#include "harness/mp/core/sleep.h"
#include "harness/worker/topology.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRIPS 1000
#define WARM_WAKES 20
#define WARM_SLEEP_NS 200000
#define COLD_SLEEP_NS 40000000
#define PATIENCE_NS 10000000000u

enum { THREAD, PROCESS, KINDS };
static const char *const kind_names[KINDS] = { "thread", "process" };

enum { WAKE_WARM, WAKE_COLD, SAME, BOUND_WARM, BOUND_COLD, BOUND_SAME, SWITCH, FIGURES };
static const struct {
    const char *name, *state, *binding, *unit;
} figures[FIGURES] = {
    [WAKE_WARM] = { "handover.wake", "warm", "unbound", "ns" },
    [WAKE_COLD] = { "handover.wake", "cold", "unbound", "ns" },
    [SAME] = { "handover.same_cpu", "warm", "unbound", "per cent" },
    [BOUND_WARM] = { "handover.wake", "warm", "bound", "ns" },
    [BOUND_COLD] = { "handover.wake", "cold", "bound", "ns" },
    [BOUND_SAME] = { "handover.same_cpu", "warm", "bound", "per cent" },
    [SWITCH] = { "handover.switch", "warm", "bound", "ns" },
};

/* Shared by both sides. */
struct exchange {
    _Alignas(FB_CACHE_LINE) _Atomic uint32_t word;   /* number of wakes; else whose turn */
    _Alignas(FB_CACHE_LINE) _Atomic uint32_t asleep; /* how often the partner was about to sleep */
    _Alignas(FB_CACHE_LINE) _Atomic uint32_t woken;
    uint64_t woke_ns;
    int woke_on;    /* the CPU */
    unsigned wakes; /* 0: the partner plays ping-pong */
    int cpu;        /* of the partner; -1: any */
};

struct context {
    const struct fb_overhead *overhead;
    struct exchange *exchange;
    unsigned cpu[2];
    double *sample[FIGURES][KINDS]; /* [rounds] */
};

/* ---- the partner ---- */

static void be_woken(struct exchange *exchange)
{
    for (uint32_t i = 0; i < exchange->wakes; i++) {
        atomic_store(&exchange->asleep, i + 1);
        while (atomic_load(&exchange->word) == i)
            fb_mp_futex_wait(&exchange->word, i, NULL);
        exchange->woke_ns = fb_now_ns();
        exchange->woke_on = sched_getcpu();
        atomic_store(&exchange->woken, i + 1);
    }
}

/* Changes the word from 1 to 0, TRIPS times. */
static void return_word(struct exchange *exchange)
{
    for (int i = 0; i < TRIPS; i++) {
        while (atomic_load(&exchange->word) == 0)
            fb_mp_futex_wait(&exchange->word, 0, NULL);
        atomic_store(&exchange->word, 0);
        fb_mp_wake(&exchange->word, INT_MAX);
    }
}

static void *partner_main(void *context)
{
    struct exchange *exchange = context;
    if (exchange->cpu >= 0)
        fb_cpus_bind((unsigned)exchange->cpu);
    if (exchange->wakes)
        be_woken(exchange);
    else
        return_word(exchange);
    return NULL;
}

struct partner {
    int kind;
    pthread_t thread;
    pid_t pid;
};

static int create_partner(struct partner *partner, int kind, struct exchange *exchange)
{
    pid_t self = getpid();
    partner->kind = kind;
    if (kind == THREAD)
        return -pthread_create(&partner->thread, NULL, partner_main, exchange);
    partner->pid = fork();
    if (partner->pid == 0) {
        fb_child_tie(self);
        partner_main(exchange);
        _exit(0);
    }
    return partner->pid < 0 ? -errno : 0;
}

static void end_partner(struct partner *partner)
{
    if (partner->kind == THREAD)
        pthread_join(partner->thread, NULL);
    else
        while (waitpid(partner->pid, NULL, 0) < 0 && errno == EINTR)
            ;
}

/* ---- the caller's side ---- */

/* Spins until *word is value, as a dispatcher would. False: the partner no longer exists. */
static bool reaches(_Atomic uint32_t *word, uint32_t value)
{
    uint64_t limit_ns = fb_now_ns() + PATIENCE_NS;
    while (atomic_load(word) != value) {
        fb_mp_relax();
        if (fb_now_ns() > limit_ns)
            return false;
    }
    return true;
}

static void spin(uint64_t ns)
{
    uint64_t end_ns = fb_now_ns() + ns;
    while (fb_now_ns() < end_ns)
        fb_mp_relax();
}

/* One cold wake, then warm ones. ret_figure[0]: the median of the warm ones; [1]: the cold one;
 * [2]: per cent of the warm ones that ran on the waker's CPU. */
static bool wake_partner(struct exchange *exchange, double *ret_figure)
{
    double warm_ns[WARM_WAKES];
    unsigned same = 0;
    for (uint32_t i = 0; i <= WARM_WAKES; i++) {
        if (!reaches(&exchange->asleep, i + 1))
            return false;
        if (i == 0)
            fb_overhead_idle(COLD_SLEEP_NS);
        else
            spin(WARM_SLEEP_NS);
        int cpu = sched_getcpu();
        uint64_t start_ns = fb_now_ns();
        atomic_store(&exchange->word, i + 1);
        fb_mp_wake(&exchange->word, INT_MAX);
        if (!reaches(&exchange->woken, i + 1))
            return false;
        *(i ? &warm_ns[i - 1] : &ret_figure[1]) = (double)(exchange->woke_ns - start_ns);
        same += i > 0 && exchange->woke_on == cpu;
    }
    ret_figure[0] = fb_median(warm_ns, WARM_WAKES);
    ret_figure[2] = 100.0 * same / WARM_WAKES;
    return true;
}

/* Both are bound to one CPU, so one must leave it before the other can run. */
static bool exchange_word(struct exchange *exchange, double *ret_ns)
{
    int64_t deadline = fb_mp_deadline(PATIENCE_NS);
    uint64_t start_ns = fb_now_ns();
    for (int i = 0; i < TRIPS; i++) {
        atomic_store(&exchange->word, 1);
        fb_mp_wake(&exchange->word, INT_MAX);
        while (atomic_load(&exchange->word) == 1)
            if (!fb_mp_sleep(&exchange->word, 1, deadline))
                return false;
    }
    *ret_ns = (double)(fb_now_ns() - start_ns) / (2 * TRIPS);
    return true;
}

/* Measures with a new partner on that CPU (-1: any): ret_figure is filled by wake_partner, or its
 * first element by exchange_word if wakes is 0. */
static int measure_with_partner(struct context *context, int kind, unsigned wakes, int cpu,
                                double *ret_figure, struct fb_error *error)
{
    struct exchange *exchange = context->exchange;
    struct partner partner;
    *exchange = (struct exchange){ .wakes = wakes, .cpu = cpu };
    int result = create_partner(&partner, kind, exchange);
    if (result < 0)
        return fb_error_set(error, result, "can't make a %s: %s", kind_names[kind],
                            strerror(-result));
    bool good = wakes ? wake_partner(exchange, ret_figure) : exchange_word(exchange, ret_figure);
    if (!good && kind == PROCESS)
        kill(partner.pid, SIGKILL);
    if (good || kind == PROCESS)
        end_partner(&partner);
    return good ? 0
                : fb_error_set(error, -ETIMEDOUT, "a %s did not answer within %u s",
                               kind_names[kind], (unsigned)(PATIENCE_NS / 1000000000u));
}

static int run_round(struct context *context, size_t round, const cpu_set_t *free_set,
                     struct fb_error *error)
{
    int result = 0;
    for (size_t i = 0; i < KINDS && result == 0; i++) {
        int kind = (int)((round + i) % KINDS);
        double free_to[3] = { 0 }, bound[3] = { 0 }, switch_ns = 0;
        result = measure_with_partner(context, kind, WARM_WAKES + 1, -1, free_to, error);
        if (result == 0)
            result = fb_cpus_bind(context->cpu[0]);
        if (result == 0)
            result = measure_with_partner(context, kind, WARM_WAKES + 1, (int)context->cpu[1],
                                          bound, error);
        if (result == 0)
            result =
                measure_with_partner(context, kind, 0, (int)context->cpu[0], &switch_ns, error);
        sched_setaffinity(0, sizeof *free_set, free_set);
        if (result < 0 && !error->code)
            fb_error_set(error, result, "can't bind to CPU %u: %s", context->cpu[0],
                         strerror(-result));
        const double figure[FIGURES] = { free_to[0], free_to[1], free_to[2], bound[0],
                                         bound[1],   bound[2],   switch_ns };
        for (int k = 0; k < FIGURES; k++)
            context->sample[k][kind][round] = figure[k];
    }
    return result;
}

/* ---- the figures ---- */

static int add_figures(const struct context *context)
{
    for (int i = 0; i < FIGURES; i++)
        for (int kind = 0; kind < KINDS; kind++) {
            struct fb_metric_samples samples = {
                .name = figures[i].name,
                .harness = kind_names[kind],
                .state = figures[i].state,
                .binding = figures[i].binding,
                .workers = 2,
                .ns = context->sample[i][kind],
                .unit = figures[i].unit,
                .peer_ns = kind == THREAD || strcmp(figures[i].unit, "ns") != 0
                               ? NULL
                               : context->sample[i][THREAD],
                .peer = kind_names[THREAD],
            };
            if (fb_metrics_put(context->overhead->metrics, &samples, context->overhead->rounds) < 0)
                return -ENOMEM;
        }
    return 0;
}

static int measure(struct context *context, struct fb_error *error)
{
    cpu_set_t free_set;
    if (sched_getaffinity(0, sizeof free_set, &free_set) < 0)
        return fb_error_set(error, -errno, "can't read the affinity: %s", strerror(errno));
    int result = fb_topology_choose(2, context->cpu);
    if (result < 0)
        return fb_error_set(error, result, "can't choose CPUs to bind to");
    for (size_t round = 0; round < context->overhead->rounds && result == 0; round++) {
        fb_overhead_progress(context->overhead, (double)round / (double)context->overhead->rounds,
                             "hand-over");
        result = run_round(context, round, &free_set, error);
    }
    if (result == 0 && add_figures(context) < 0)
        result = fb_error_set(error, -ENOMEM, "out of memory");
    return result;
}

int fb_wakeup_measure(const struct fb_overhead *overhead, struct fb_error *error)
{
    struct context context = { .overhead = overhead };
    struct fb_arena *arena;
    int result = fb_arena_open(&arena);
    if (result < 0)
        return fb_error_set(error, result, "no address space for shared memory");
    double *samples = calloc(FIGURES * KINDS * overhead->rounds, sizeof *samples);
    context.exchange = fb_arena_alloc(arena, sizeof *context.exchange);
    for (int i = 0; i < FIGURES * KINDS; i++)
        context.sample[i / KINDS][i % KINDS] = samples + (size_t)i * overhead->rounds;
    if (!samples || !context.exchange)
        result = fb_error_set(error, -ENOMEM, "out of memory");
    else
        result = measure(&context, error);
    free(samples);
    fb_arena_close(arena);
    return result;
}
