/* The cost for the runtime's pool of a worker that is killed or exits, for owners of several
 * sizes. */
#include "bench/overhead/overhead.h"
#include "bench/overhead/peers/forked_peer.h"

#include "harness/mp/core/heap.h"
#include "harness/mp/core/memory.h"
#include "harness/mp/pool/pool.h"
#include "harness/mp/core/sleep.h"
#include "base/clock.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEATHS 5
#define WORKERS 2
#define LARGE_MIB 1024
#define PATIENCE_NS (30 * FB_MP_SECOND)

enum { DEATH, SMALL, LARGE, GROWTH, FIGURES };
static const struct {
    const char *name, *state, *unit;
    unsigned workers;
} figures[FIGURES] = {
    [DEATH] = { "pool.death", "killed", NULL, WORKERS },
    [SMALL] = { "pool.replace", "parent 1 MiB", NULL, 1 },
    [LARGE] = { "pool.replace", "parent 1024 MiB", NULL, 1 },
    [GROWTH] = { "pool.growth", "parent 1024 MiB", "ratio to 1 MiB", 1 },
};

/* A process that owns a pool, in the runtime's heap. Owners of both sizes exist at the same time
 * and measure in turns. */
struct owner {
    _Atomic uint32_t turn; /* odd: it measures */
    _Atomic uint32_t quit;
    size_t mib;
    double ns;
};

struct context {
    const struct fb_overhead *overhead;
    _Atomic uint32_t *word; /* in the runtime's heap */
    struct owner *owner[2]; /* the small one, the large one */
    pid_t pid[2];
    size_t owners;
    double *sample[FIGURES]; /* [rounds] */
};

/* ---- the tasks ---- */

static int return_one(struct fb_mp_call *call)
{
    const uint64_t one = 1;
    return fb_mp_return(call, &one, sizeof one);
}

static int exit_worker(struct fb_mp_call *call)
{
    (void)call;
    _exit(1);
}

/* Writes its pid to the word that its argument points to, and never returns. */
static int stay(struct fb_mp_call *call)
{
    _Atomic uint32_t *word;
    memcpy(&word, call->argument, sizeof word);
    atomic_store(word, (uint32_t)getpid());
    while (pause() < 0)
        ;
    return 0;
}

/* ---- a killed worker ---- */

static int open_pool(unsigned workers, struct fb_mp_pool **ret_pool)
{
    struct fb_error error;
    return fb_mp_pool_open(&(struct fb_mp_pool_options){ .workers = workers }, ret_pool, &error);
}

/* From killing a worker until the wait for its task returns. */
static int measure_deaths(struct fb_mp_pool *pool, _Atomic uint32_t *word, double *ret_ns)
{
    struct fb_mp_future *future;
    uint64_t sum_ns = 0;
    for (int i = 0; i < DEATHS; i++) {
        atomic_store(word, 0);
        int result = fb_mp_submit(pool, stay, &word, sizeof word, NULL, &future);
        if (result < 0)
            return result;
        while (atomic_load(word) == 0)
            fb_mp_sleep(word, 0, fb_mp_deadline(FB_MP_MILLISECOND));
        uint64_t start_ns = fb_now_ns();
        kill((pid_t)atomic_load(word), SIGKILL);
        result = fb_mp_future_result(future, PATIENCE_NS, NULL, NULL, NULL);
        sum_ns += fb_now_ns() - start_ns;
        fb_mp_future_free(future);
        if (result != -EOWNERDEAD)
            return result < 0 ? result : -EBADMSG;
    }
    *ret_ns = (double)sum_ns / DEATHS;
    return 0;
}

/* ---- an owner ---- */

static int replace_worker(struct fb_mp_pool *pool)
{
    struct fb_mp_future *last, *next;
    int result = fb_mp_submit(pool, exit_worker, NULL, 0, NULL, &last);
    if (result < 0)
        return result;
    result = fb_mp_submit(pool, return_one, NULL, 0, NULL, &next);
    if (result == 0) {
        result = fb_mp_future_result(next, PATIENCE_NS, NULL, NULL, NULL);
        fb_mp_future_free(next);
    }
    fb_mp_future_free(last);
    return result;
}

/* From a task that ends its worker, the only one, until a new worker has done another task. */
static int measure_replacing(double *ret_ns)
{
    struct fb_mp_pool *pool;
    int result = open_pool(1, &pool);
    if (result < 0)
        return result;
    result = replace_worker(pool); /* warms up */
    uint64_t start_ns = fb_now_ns();
    for (int i = 0; i < DEATHS && result == 0; i++)
        result = replace_worker(pool);
    *ret_ns = (double)(fb_now_ns() - start_ns) / DEATHS;
    fb_mp_pool_close(pool);
    return result;
}

/* False: it took too long, so the other process must have ended. */
static bool wait_while(_Atomic uint32_t *word, uint32_t odd, int64_t patience_ns)
{
    int64_t deadline = fb_mp_deadline(patience_ns);
    uint32_t now;
    while ((now = atomic_load(word)) % 2 == odd)
        if (!fb_mp_sleep(word, now, deadline))
            return false;
    return true;
}

static void pass_on(_Atomic uint32_t *word)
{
    atomic_fetch_add(word, 1);
    fb_mp_wake(word, 1);
}

/* Starts its forkserver before its memory grows. */
static int be_owner(void *context)
{
    struct owner *owner = context;
    struct fb_error error;
    int result = fb_mp_forkserver_start(&error);
    if (result == 0)
        result = fb_forked_peer_grow_parent(owner->mib);
    for (;;) {
        wait_while(&owner->turn, 0, FB_MP_FOREVER);
        if (atomic_load(&owner->quit))
            break;
        owner->ns = 0;
        if (result == 0)
            result = measure_replacing(&owner->ns);
        pass_on(&owner->turn);
    }
    fb_mp_forkserver_stop();
    return result;
}

static int make_owner(struct context *context, size_t mib)
{
    size_t which = context->owners;
    void *memory;
    int result = fb_mp_alloc(sizeof(struct owner), &memory);
    if (result < 0)
        return result;
    context->owner[which] = memory;
    context->owner[which]->mib = mib;
    context->pid[which] = fb_forked_peer_start(be_owner, memory);
    context->owners++;
    return context->pid[which] < 0 ? context->pid[which] : 0;
}

static int make_owners(struct context *context)
{
    int result = make_owner(context, 1);
    if (result < 0)
        return result;
    if (fb_mp_has_memory((size_t)LARGE_MIB << 20 | (size_t)LARGE_MIB << 19))
        return make_owner(context, LARGE_MIB);
    fb_metrics_leave_out(context->overhead->metrics, "a pool's owner of %d MiB: no memory for it",
                         LARGE_MIB);
    return 0;
}

/* An owner that is stuck is killed when this process ends. */
static int end_owners(struct context *context)
{
    int result = 0;
    for (size_t i = 0; i < context->owners; i++) {
        if (context->pid[i] > 0) {
            atomic_store(&context->owner[i]->quit, 1);
            pass_on(&context->owner[i]->turn);
            int ended = fb_forked_peer_join(context->pid[i]);
            result = result < 0 ? result : ended;
        }
        fb_mp_free(context->owner[i]);
    }
    return result;
}

/* ---- rounds ---- */

static int run_round(struct context *context, size_t round)
{
    struct fb_mp_pool *pool;
    int result = open_pool(WORKERS, &pool);
    if (result < 0)
        return result;
    result = measure_deaths(pool, context->word, &context->sample[DEATH][round]);
    fb_mp_pool_close(pool);
    for (size_t i = 0; i < context->owners && result == 0; i++) {
        size_t which = (round + i) % context->owners;
        struct owner *owner = context->owner[which];
        pass_on(&owner->turn);
        if (!wait_while(&owner->turn, 1, PATIENCE_NS))
            return -ETIMEDOUT;
        context->sample[which ? LARGE : SMALL][round] = owner->ns;
        if (owner->ns == 0) /* its exit code has the reason */
            result = -EIO;
    }
    context->sample[GROWTH][round] = context->sample[LARGE][round] / context->sample[SMALL][round];
    return result;
}

static int run_rounds(struct context *context)
{
    size_t rounds = context->overhead->rounds;
    int result = make_owners(context);
    for (size_t round = 0; round < rounds && result == 0; round++) {
        fb_overhead_progress(context->overhead, (double)round / (double)rounds, "a worker's death");
        result = run_round(context, round);
    }
    int ended = end_owners(context);
    return result < 0 ? result : ended;
}

static int add_figures(const struct context *context)
{
    int result = 0;
    for (int i = 0; i < FIGURES && result == 0; i++) {
        const struct fb_metric_samples samples = { .name = figures[i].name,
                                                   .harness = "pool",
                                                   .state = figures[i].state,
                                                   .binding = "unbound",
                                                   .workers = figures[i].workers,
                                                   .ns = context->sample[i],
                                                   .unit = figures[i].unit };
        if (i < LARGE || context->owners == 2)
            result =
                fb_metrics_put(context->overhead->metrics, &samples, context->overhead->rounds);
    }
    return result;
}

int fb_worker_death_measure(const struct fb_overhead *overhead, struct fb_error *error)
{
    struct context context = { .overhead = overhead };
    double *samples = calloc(FIGURES * overhead->rounds, sizeof *samples);
    void *word = NULL;
    int result = fb_mp_alloc(sizeof *context.word, &word);
    if (!samples && result == 0)
        result = -ENOMEM;
    context.word = word;
    for (size_t i = 0; i < FIGURES; i++)
        context.sample[i] = samples + i * overhead->rounds;
    if (result == 0)
        result = run_rounds(&context);
    if (result == 0)
        result = add_figures(&context);
    fb_mp_free(word);
    free(samples);
    return result < 0 ? fb_error_set(error, result, "can't measure what a worker's death costs: %s",
                                     strerror(-result))
                      : 0;
}
