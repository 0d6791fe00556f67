#include "harness/mp/pool/future.h"

#include "harness/mp/core/heap.h"
#include "harness/mp/pool/pool_internal.h"
#include "harness/mp/process/registry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SPINS_A_LOOK 32

/* ---- what tasks have in common ---- */

int pool_bound_make(const void *bytes, size_t size, struct pool_bound **ret_bound)
{
    void *memory;
    int result = fb_mp_alloc(sizeof(struct pool_bound) + size, &memory);
    if (result < 0)
        return result;
    struct pool_bound *bound = memory;
    bound->references = 1;
    bound->size = size;
    if (size)
        memcpy(bound->bytes, bytes, size);
    *ret_bound = bound;
    return 0;
}

void pool_bound_release(struct pool_bound *bound)
{
    if (!bound || --bound->references > 0)
        return;
    fb_mp_free(bound->own_items);
    fb_mp_free(bound->own_results);
    fb_mp_free(bound);
}

/* ---- handing over ---- */

int pool_find_function(const struct fb_mp_pool *pool, fb_mp_function function,
                       fb_mp_function *ret_known)
{
    uintptr_t place = 0;
    int result = function && pool->owner == getpid() ? 0 : -EINVAL;
    *ret_known = function;
    if (result == 0 && pool->method == FB_MP_SPAWN) {
        result = fb_mp_registry_place_of_function(function, &place);
        *ret_known = (fb_mp_function)place;
    }
    return result < 0 ? -EINVAL : 0;
}

static int make_future(struct fb_mp_pool *pool, const struct pool_order *order,
                       struct fb_mp_future **ret_future)
{
    struct fb_mp_future *future = calloc(1, sizeof *future);
    if (!future)
        return -ENOMEM;
    future->argument = future->inline_argument;
    int result = order->size > POOL_ARGUMENT ? fb_mp_alloc_at(order->size, &future->argument) : 0;
    if (result < 0) {
        free(future);
        return result;
    }
    if (order->size)
        memcpy(future->argument, order->argument, order->size);
    future->size = order->size;
    future->pool = pool;
    future->function = order->function;
    future->bound = order->bound;
    if (order->bound && order->bound->is_map)
        memcpy(&future->index, order->argument, sizeof future->index); /* the first item's */
    future->limit_ns = order->limit_ns;
    future->grace_ns = order->grace_ns;
    future->references = 2;
    *ret_future = future;
    return 0;
}

/* With the mutex held. */
static int hand_over(struct fb_mp_pool *pool, struct fb_mp_future *future)
{
    if (pool->broken.code)
        return pool->broken.code;
    if (pool->shut)
        return -ESHUTDOWN;
    pool->references++;
    pool->unfinished++;
    pool->limited += future->limit_ns != 0;
    pool_push(&pool->pending, future);
    pool->pendings++;
    if (!pool->free_records)
        pool_collect(pool);
    pool_refill(pool);
    if (pool->alive < pool->workers && pool->alive < pool->unfinished)
        pool_notify_service(pool->tell); /* who may make more */
    return 0;
}

int pool_submit(struct fb_mp_pool *pool, const struct pool_order *order,
                struct fb_mp_future **ret_future)
{
    struct fb_mp_future *future = NULL;
    int result = make_future(pool, order, &future);
    pthread_mutex_lock(&pool->mutex);
    if (result == 0)
        result = hand_over(pool, future);
    if (result < 0)
        pool_bound_release(order->bound);
    pthread_mutex_unlock(&pool->mutex);
    if (result == 0) {
        *ret_future = future;
        return 0;
    }
    if (future && future->size > POOL_ARGUMENT)
        fb_mp_free(future->argument);
    free(future);
    return result;
}

int fb_mp_submit(struct fb_mp_pool *pool, fb_mp_function function, const void *argument,
                 size_t size, const struct fb_mp_task_options *options,
                 struct fb_mp_future **ret_future)
{
    static const struct fb_mp_task_options usual = { 0 };
    const struct fb_mp_task_options *chosen = options ? options : &usual;
    struct pool_order order = { .argument = argument,
                                .size = size,
                                .limit_ns = chosen->limit_ns,
                                .grace_ns = chosen->grace_ns };
    if ((size && !argument) || size > UINT32_MAX)
        return -EINVAL;
    int result = pool_find_function(pool, function, &order.function);
    if (result == 0 && chosen->bound_size)
        result = pool_bound_make(chosen->bound, chosen->bound_size, &order.bound);
    return result < 0 ? result : pool_submit(pool, &order, ret_future);
}

/* ---- waiting ---- */

/* Until a worker has done something, or for a little while. Without the mutex. */
static void spin(const struct pool_shared *shared, int64_t deadline)
{
    int64_t spin_ns = atomic_load_explicit(&shared->spin_ns, memory_order_relaxed);
    int64_t end = spin_ns ? fb_mp_now() + spin_ns : 0;
    for (int64_t now = 0; now < end && now < deadline; now = fb_mp_now())
        for (int i = 0; i < SPINS_A_LOOK; i++) {
            for (unsigned word = 0; word < FB_MP_POOL_WORKERS / 64 && shared->block[word]; word++)
                if (atomic_load_explicit(&shared->has_done[word], memory_order_relaxed))
                    return;
            fb_mp_relax();
        }
}

/* As the one that sleeps by the bell for all. */
static void wait_by_bell(struct fb_mp_pool *pool, int64_t deadline)
{
    struct pool_shared *shared = pool->shared;
    uint64_t before = pool->serial;
    pool->sleeper = true;
    pthread_mutex_unlock(&pool->mutex);
    spin(shared, deadline);
    pthread_mutex_lock(&pool->mutex);
    uint32_t heard = 0;
    bool sleeps = !pool_collect(pool) && pool->serial == before;
    if (sleeps) {
        heard = fb_mp_eventcount_prepare(&shared->done);
        sleeps = !pool_collect(pool) && pool->serial == before;
    }
    if (sleeps) {
        pthread_mutex_unlock(&pool->mutex);
        fb_mp_sleep(&shared->done, heard, deadline);
        pthread_mutex_lock(&pool->mutex);
        pool_collect(pool);
    }
    pool->sleeper = false;
    pthread_cond_broadcast(&pool->changed); /* another one's turn to sleep there */
}

bool pool_wait(struct fb_mp_pool *pool, int64_t deadline)
{
    if (fb_mp_now() >= deadline)
        return false;
    if (pool->sleeper || !pool->shared || pool->over) {
        struct timespec limit = fb_mp_timespec(deadline);
        pthread_cond_timedwait(&pool->changed, &pool->mutex, &limit);
    } else
        wait_by_bell(pool, deadline);
    return true;
}

static bool is_done(const struct fb_mp_future *future)
{
    return future->state == FB_MP_DONE || future->state == FB_MP_CANCELLED;
}

/* With the mutex held. */
static bool wait_for(struct fb_mp_future *future, int64_t timeout_ns)
{
    struct fb_mp_pool *pool = future->pool;
    if (is_done(future))
        return true;
    pool_collect(pool);
    if (is_done(future) || timeout_ns <= 0)
        return is_done(future);
    int64_t deadline = fb_mp_deadline(timeout_ns);
    while (!is_done(future))
        if (!pool_wait(pool, deadline))
            break;
    return is_done(future);
}

int fb_mp_future_wait(struct fb_mp_future *future, int64_t timeout_ns)
{
    pthread_mutex_lock(&future->pool->mutex);
    bool done = wait_for(future, timeout_ns);
    pthread_mutex_unlock(&future->pool->mutex);
    return done ? 0 : -ETIMEDOUT;
}

int fb_mp_future_result(struct fb_mp_future *future, int64_t timeout_ns, const void **ret_bytes,
                        size_t *ret_size, struct fb_error *error)
{
    if (fb_mp_future_wait(future, timeout_ns) < 0)
        return error ? fb_error_set(error, -ETIMEDOUT, "the task is not done yet") : -ETIMEDOUT;
    if (future->error.code) {
        if (error)
            *error = future->error;
        return future->error.code;
    }
    if (ret_bytes)
        *ret_bytes = future->bytes;
    if (ret_size)
        *ret_size = future->bytes_size;
    return 0;
}

/* ---- states ---- */

enum fb_mp_future_state fb_mp_future_state(struct fb_mp_future *future)
{
    struct fb_mp_pool *pool = future->pool;
    pthread_mutex_lock(&pool->mutex);
    wait_for(future, 0);
    enum fb_mp_future_state state = future->state;
    if (!is_done(future) && future->record) {
        uint64_t word = atomic_load(&pool->shared->record[future->record - 1].word);
        state = pool_state_of(word) == TASK_READY ? FB_MP_PENDING : FB_MP_RUNNING;
    }
    pthread_mutex_unlock(&pool->mutex);
    return state;
}

bool fb_mp_future_is_done(struct fb_mp_future *future)
{
    return fb_mp_future_wait(future, 0) == 0;
}

int fb_mp_future_cancel(struct fb_mp_future *future, bool running)
{
    struct fb_mp_pool *pool = future->pool;
    struct fb_error error;
    int result = -EALREADY;
    pthread_mutex_lock(&pool->mutex);
    if (!wait_for(future, 0)) {
        if (pool_withdraw(future)) {
            fb_error_set(&error, -ECANCELED, "it was cancelled before a worker began it");
            pool_fail(future, FB_MP_CANCELLED, &error);
            pool_refill(pool);
            result = 0;
        } else if (running) {
            pool->limited += !future->must_end && !future->limit_ns;
            future->must_end = true;
            pool_notify_service(pool->tell);
            result = 0;
        } else
            result = -EBUSY;
    }
    pthread_mutex_unlock(&pool->mutex);
    return result;
}

/* ---- callbacks ---- */

int fb_mp_future_call(struct fb_mp_future *future, fb_mp_callback call, void *context)
{
    struct fb_mp_pool *pool = future->pool;
    struct pool_callback *callback = malloc(sizeof *callback), **link;
    if (!callback)
        return -ENOMEM;
    *callback = (struct pool_callback){ .call = call, .context = context };
    pthread_mutex_lock(&pool->mutex);
    bool done = wait_for(future, 0);
    /* While earlier ones are being called it comes behind them. */
    if (!done || future->callback) {
        for (link = &future->callback; *link; link = &(*link)->next)
            ;
        *link = callback;
        if (!done && future->record) {
            struct pool_record *record = &pool->shared->record[future->record - 1];
            atomic_fetch_or(&record->flags, RECORD_TELLS);
            if (pool_state_of(atomic_load(&record->word)) == TASK_DONE)
                pool_notify_service(pool->tell);
        }
        pthread_mutex_unlock(&pool->mutex);
        return 0;
    }
    pthread_mutex_unlock(&pool->mutex);
    free(callback);
    call(future, context);
    return 0;
}

/* ---- the end ---- */

void future_release(struct fb_mp_future *future)
{
    if (--future->references > 0)
        return;
    if (future->bytes && future->bytes != future->inline_bytes)
        fb_mp_free(future->bytes);
    future->pool->references--; /* never the last one here: its caller has the pool */
    free(future);
}

void fb_mp_future_free(struct fb_mp_future *future)
{
    if (!future)
        return;
    struct fb_mp_pool *pool = future->pool;
    pthread_mutex_lock(&pool->mutex);
    pool->references++;
    future_release(future);
    pool_release(pool);
}
