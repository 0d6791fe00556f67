/* A worker is a thread under an emulated CPython GIL: it computes only while it holds the lock. */
#include "lock.h"
#include "threads.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_INTERVAL_NS 1000u

struct user {
    struct fb_yield yield; /* first: the kernel hands back its address */
    struct fb_lock_user lock;
};

struct fb_pool {
    struct fb_threads threads;
    struct fb_lock lock;
    struct user *user;
};

static struct fb_lock_user *lock_of(struct fb_yield *yield)
{
    return &((struct user *)yield)->lock;
}

static void release(struct fb_yield *yield)
{
    fb_lock_drop(lock_of(yield));
}

static void acquire(struct fb_yield *yield)
{
    fb_lock_take(lock_of(yield));
}

static bool safepoint(struct fb_yield *yield)
{
    fb_lock_drop(lock_of(yield));
    fb_lock_take(lock_of(yield));
    return false;
}

static struct fb_yield *yield_of(void *context, unsigned index)
{
    struct fb_pool *pool = context;
    struct user *user = &pool->user[index];
    user->yield = (struct fb_yield){ &pool->lock.drop_request, safepoint, release, acquire };
    user->lock = (struct fb_lock_user){ .lock = &pool->lock, .number = index };
    return &user->yield;
}

static int open_pool(const struct fb_setting *setting, struct fb_pool **ret_pool,
                     struct fb_error *error)
{
    struct fb_pool *pool = calloc(1, sizeof *pool);
    struct user *user = calloc(setting->workers, sizeof *user);
    int result = -ENOMEM;
    if (!pool || !user) {
        fb_error_set(error, result, "out of memory");
        goto fail;
    }
    pool->user = user;
    uint64_t interval_ns = setting->switch_interval_ns;
    result = fb_lock_init(&pool->lock,
                          interval_ns > LEAST_INTERVAL_NS ? interval_ns : LEAST_INTERVAL_NS);
    if (result < 0) {
        fb_error_set(error, result, "can't make the lock: %s", strerror(-result));
        goto fail;
    }
    result = fb_threads_open(&pool->threads, setting, yield_of, pool, error);
    if (result < 0) {
        fb_lock_destroy(&pool->lock);
        goto fail;
    }
    *ret_pool = pool;
    return 0;
fail:
    free(pool);
    free(user);
    return result;
}

static int run(struct fb_pool *pool, const struct fb_job *job, struct fb_report *report,
               struct fb_error *error)
{
    struct fb_team *team = pool->threads.caller.team;
    pool->lock.last_holder = 0; /* the first to take it takes it from nobody */
    for (unsigned i = 0; i < team->workers; i++) {
        struct fb_lock_user *user = &pool->user[i].lock;
        user->switches = user->waits = user->held_ns = 0;
    }
    int result = fb_caller_run(&pool->threads.caller, job, report, error);
    for (unsigned i = 0; i < team->workers && report; i++) {
        const struct fb_lock_user *user = &pool->user[i].lock;
        team->report[i].lock_switches = user->switches;
        team->report[i].lock_waits = user->waits;
        team->report[i].lock_held_ns = user->held_ns;
    }
    return result;
}

static void close_pool(struct fb_pool *pool)
{
    if (!pool)
        return;
    fb_threads_close(&pool->threads);
    fb_lock_destroy(&pool->lock);
    free(pool->user);
    free(pool);
}

const struct fb_harness fb_harness_gil = {
    .name = "gil",
    .summary = "threads under an emulated CPython GIL",
    .native = true,
    .base = "single",
    .open = open_pool,
    .run = run,
    .close = close_pool,
};
