/* Futures that become done, and what is freed after the last one who needs it. */
#include "harness/mp/core/heap.h"
#include "harness/mp/pool/future_state.h"

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

void pool_changed(struct fb_mp_pool *pool)
{
    if (pool->sleeper && pool->shared)
        fb_mp_eventcount_notify(&pool->shared->done, 1);
    pthread_cond_broadcast(&pool->changed);
}

static void note_done(struct fb_mp_future *future)
{
    for (struct pool_link *link = future->link; link; link = link->next) {
        struct fb_mp_completion *of = link->of;
        link->later = NULL;
        *(of->last ? &of->last->later : &of->first) = link;
        of->last = link;
        of->done++;
        of->failed |= future->error.code != 0;
    }
    future->link = NULL;
}

void pool_set_done(struct fb_mp_future *future, enum fb_mp_future_state state)
{
    struct fb_mp_pool *pool = future->pool;
    future->state = state;
    future->serial = ++pool->serial;
    note_done(future);
    pool->unfinished--;
    pool->limited -= future->limit_ns != 0 || future->must_end;
    if (future->callback) { /* the service thread takes over the pool's reference */
        pool_push(&pool->called, future);
        pool_notify_service(pool->tell);
    }
    pool_changed(pool);
    if (!future->callback)
        future_release(future);
}

void future_release(struct fb_mp_future *future)
{
    if (--future->references > 0)
        return;
    if (future->bytes && future->bytes != future->inline_bytes)
        fb_mp_free(future->bytes);
    future->pool->references--; /* never the last one here: its caller has the pool */
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
