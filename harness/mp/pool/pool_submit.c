/* Handing over tasks. */
#include "harness/mp/core/heap.h"
#include "harness/mp/pool/future_internal.h"
#include "harness/mp/pool/pool_tasks.h"
#include "harness/mp/process/registry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
