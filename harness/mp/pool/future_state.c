#include "harness/mp/pool/future_state.h"

#include "harness/mp/core/heap.h"

#include <stdlib.h>

void pool_push(struct pool_queue *queue, struct fb_mp_future *future)
{
    future->next = NULL;
    *(queue->last ? &queue->last->next : &queue->first) = future;
    queue->last = future;
}

struct fb_mp_future *pool_pop(struct pool_queue *queue)
{
    struct fb_mp_future *future = queue->first;
    if (future && !(queue->first = future->next))
        queue->last = NULL;
    return future;
}

void pool_notify_waiters(struct fb_mp_pool *pool)
{
    if (pool->has_sleeper && pool->shared)
        fb_mp_eventcount_notify(&pool->shared->tasks_done, 1);
    pthread_cond_broadcast(&pool->changed);
}

void pool_link_done(struct pool_link *link)
{
    struct fb_mp_completion *completion = link->completion;
    link->later = NULL;
    *(completion->last ? &completion->last->later : &completion->first) = link;
    completion->last = link;
    completion->done++;
    completion->failed |= completion->future[link->index]->error.code != 0;
}

void pool_set_done(struct fb_mp_future *future, enum fb_mp_future_state state)
{
    struct fb_mp_pool *pool = future->pool;
    future->state = state;
    future->serial = ++pool->serial;
    for (struct pool_link *link = future->link; link; link = link->next)
        pool_link_done(link);
    future->link = NULL;
    pool->unfinished--;
    pool->limited -= future->limit_ns != 0 || future->must_cancel;
    if (future->callback) { /* the service thread takes over the pool's reference */
        pool_push(&pool->callbacks_due, future);
        pool_notify_service(pool->notify_fd);
    }
    pool_notify_waiters(pool);
    if (!future->callback)
        future_release(future);
}

void future_release(struct fb_mp_future *future)
{
    if (--future->references > 0)
        return;
    if (future->bytes && future->bytes != future->inline_bytes)
        fb_mp_free(future->bytes);
    future->pool->references--; /* not the last one, as the caller has one */
    free(future);
}

void pool_release(struct fb_mp_pool *pool)
{
    bool last = --pool->references == 0;
    pthread_mutex_unlock(&pool->mutex);
    if (!last)
        return;
    pthread_mutex_destroy(&pool->mutex);
    pthread_cond_destroy(&pool->changed);
    free(pool);
}
