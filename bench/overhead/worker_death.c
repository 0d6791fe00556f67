/* What it costs the runtime's pool to lose a worker, and what that has to do with its owner's size. */
#include "bench/overhead/overhead.h"
#include "bench/overhead/forked_peer.h"

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

/* A pool's owner, which is a process of its own: both sizes are there at the same time and take
 * turns. In the runtime's heap. */
struct owner {
    _Atomic uint32_t turn; /* odd: it is to measure */
    _Atomic uint32_t quit;
    size_t mib;
    double ns;
};

struct field {
    const struct fb_overhead *overhead;
    _Atomic uint32_t *word; /* in the runtime's heap */
    struct owner *owner[2]; /* small and large */
    pid_t pid[2];
    size_t owners;
    double *sample[FIGURES]; /* [rounds] */
};

/* ---- what workers do ---- */

static int give_one(struct fb_mp_call *call)
{
    const uint64_t one = 1;
    return fb_mp_return(call, &one, sizeof one);
}

static int leave(struct fb_mp_call *call)
{
    (void)call;
    _exit(1);
}

/* Says who it is in the word that its argument points to, and stays. */
static int stay(struct fb_mp_call *call)
{
    _Atomic uint32_t *word;
    memcpy(&word, call->argument, sizeof word);
    atomic_store(word, (uint32_t)getpid());
    while (pause() < 0)
        ;
    return 0;
}

/* ---- a death ---- */

static int open_pool(unsigned workers, struct fb_mp_pool **ret_pool)
{
    struct fb_error error;
    return fb_mp_pool_open(&(struct fb_mp_pool_options){ .workers = workers }, ret_pool, &error);
}

/* From its death until who waits for its task knows. */
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

static int lose_and_go_on(struct fb_mp_pool *pool)
{
    struct fb_mp_future *last, *next;
    int result = fb_mp_submit(pool, leave, NULL, 0, NULL, &last);
    if (result < 0)
        return result;
    result = fb_mp_submit(pool, give_one, NULL, 0, NULL, &next);
    if (result == 0) {
        result = fb_mp_future_result(next, PATIENCE_NS, NULL, NULL, NULL);
        fb_mp_future_free(next);
    }
    fb_mp_future_free(last);
    return result;
}

/* From a task that ends its worker until a new worker, the only one, has done another. */
static int measure_replacing(double *ret_ns)
{
    struct fb_mp_pool *pool;
    int result = open_pool(1, &pool);
    if (result < 0)
        return result;
    result = lose_and_go_on(pool); /* the first one finds everything cold */
    uint64_t start_ns = fb_now_ns();
    for (int i = 0; i < DEATHS && result == 0; i++)
        result = lose_and_go_on(pool);
    *ret_ns = (double)(fb_now_ns() - start_ns) / DEATHS;
    fb_mp_pool_close(pool);
    return result;
}

/* False: it took too long, so whoever was to change it is dead. */
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

/* Its helper is there before it grows. */
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

static int make_owner(struct field *field, size_t mib)
{
    size_t which = field->owners;
    void *memory;
    int result = fb_mp_alloc(sizeof(struct owner), &memory);
    if (result < 0)
        return result;
    field->owner[which] = memory;
    field->owner[which]->mib = mib;
    field->pid[which] = fb_forked_peer_start(be_owner, memory);
    field->owners++;
    return field->pid[which] < 0 ? field->pid[which] : 0;
}

static int make_owners(struct field *field)
{
    int result = make_owner(field, 1);
    if (result < 0)
        return result;
    if (fb_mp_has_memory((size_t)LARGE_MIB << 20 | (size_t)LARGE_MIB << 19))
        return make_owner(field, LARGE_MIB);
    fb_metrics_leave_out(field->overhead->metrics, "a pool's owner of %d MiB: no memory for it",
                         LARGE_MIB);
    return 0;
}

/* One that is stuck is killed by our own end. */
static int end_owners(struct field *field)
{
    int result = 0;
    for (size_t i = 0; i < field->owners; i++) {
        if (field->pid[i] > 0) {
            atomic_store(&field->owner[i]->quit, 1);
            pass_on(&field->owner[i]->turn);
            int ended = fb_forked_peer_join(field->pid[i]);
            result = result < 0 ? result : ended;
        }
        fb_mp_free(field->owner[i]);
    }
    return result;
}

/* ---- rounds ---- */

static int run_round(struct field *field, size_t round)
{
    struct fb_mp_pool *pool;
    int result = open_pool(WORKERS, &pool);
    if (result < 0)
        return result;
    result = measure_deaths(pool, field->word, &field->sample[DEATH][round]);
    fb_mp_pool_close(pool);
    for (size_t i = 0; i < field->owners && result == 0; i++) {
        size_t which = (round + i) % field->owners;
        struct owner *owner = field->owner[which];
        pass_on(&owner->turn);
        if (!wait_while(&owner->turn, 1, PATIENCE_NS))
            return -ETIMEDOUT;
        field->sample[which ? LARGE : SMALL][round] = owner->ns;
        if (owner->ns == 0) /* its end says why */
            result = -EIO;
    }
    field->sample[GROWTH][round] = field->sample[LARGE][round] / field->sample[SMALL][round];
    return result;
}

static int run_rounds(struct field *field)
{
    size_t rounds = field->overhead->rounds;
    int result = make_owners(field);
    for (size_t round = 0; round < rounds && result == 0; round++) {
        fb_overhead_progress(field->overhead, (double)round / (double)rounds, "a worker's death");
        result = run_round(field, round);
    }
    int ended = end_owners(field);
    return result < 0 ? result : ended;
}

static int add_figures(const struct field *field)
{
    int result = 0;
    for (int i = 0; i < FIGURES && result == 0; i++) {
        const struct fb_metric_samples samples = { .name = figures[i].name,
                                                   .harness = "pool",
                                                   .state = figures[i].state,
                                                   .binding = "unbound",
                                                   .workers = figures[i].workers,
                                                   .ns = field->sample[i],
                                                   .unit = figures[i].unit };
        if (i < LARGE || field->owners == 2)
            result = fb_metrics_put(field->overhead->metrics, &samples, field->overhead->rounds);
    }
    return result;
}

int fb_worker_death_measure(const struct fb_overhead *overhead, struct fb_error *error)
{
    struct field field = { .overhead = overhead };
    double *samples = calloc(FIGURES * overhead->rounds, sizeof *samples);
    void *word = NULL;
    int result = fb_mp_alloc(sizeof *field.word, &word);
    if (!samples && result == 0)
        result = -ENOMEM;
    field.word = word;
    for (size_t i = 0; i < FIGURES; i++)
        field.sample[i] = samples + i * overhead->rounds;
    if (result == 0)
        result = run_rounds(&field);
    if (result == 0)
        result = add_figures(&field);
    fb_mp_free(word);
    free(samples);
    return result < 0 ? fb_error_set(error, result, "can't measure what a worker's death costs: %s",
                                     strerror(-result))
                      : 0;
}
