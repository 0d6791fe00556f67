/* A future: waiting for its result, its state, cancelling it, callbacks. */
#include "harness/mp/pool/future.h"

#include "harness/mp/pool/future_internal.h"
#include "harness/mp/pool/pool_tasks.h"

#include <errno.h>
#include <stdlib.h>

/* ---- waiting ---- */

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
        uint64_t word = task_read(pool_record_of(future));
        state = task_state_of(word) == TASK_READY ? FB_MP_PENDING : FB_MP_RUNNING;
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
            pool->limited += !future->must_cancel && !future->limit_ns;
            future->must_cancel = true;
            pool_notify_service(pool->notify_fd);
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
    /* While earlier callbacks of a done future are being called, it is added after them. */
    if (!done || future->callback) {
        for (link = &future->callback; *link; link = &(*link)->next)
            ;
        *link = callback;
        if (!done && future->record) {
            struct task_record *record = pool_record_of(future);
            atomic_fetch_or(&record->flags, TASK_HAS_CALLBACK);
            if (task_state_of(task_read(record)) == TASK_DONE)
                pool_notify_service(pool->notify_fd);
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
