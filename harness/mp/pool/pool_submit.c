/* Submitting tasks. */
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
    uintptr_t index = 0;
    int result = function && pool->owner == getpid() ? 0 : -EINVAL;
    *ret_known = function;
    if (result == 0 && pool->method == FB_MP_SPAWN) {
        result = fb_mp_registry_index_of_function(function, &index);
        *ret_known = (fb_mp_function)index;
    }
    return result < 0 ? -EINVAL : 0;
}

static int make_future(struct fb_mp_pool *pool, const struct pool_request *request,
                       struct fb_mp_future **ret_future)
{
    struct fb_mp_future *future = calloc(1, sizeof *future);
    if (!future)
        return -ENOMEM;
    future->argument = future->inline_argument;
    int result =
        request->size > TASK_ARGUMENT ? fb_mp_alloc_at(request->size, &future->argument) : 0;
    if (result < 0) {
        free(future);
        return result;
    }
    if (request->size)
        memcpy(future->argument, request->argument, request->size);
    future->size = request->size;
    future->pool = pool;
    future->function = request->function;
    future->bound = request->bound;
    if (request->bound && request->bound->is_map)
        memcpy(&future->index, request->argument, sizeof future->index); /* of the first item */
    future->limit_ns = request->limit_ns;
    future->grace_ns = request->grace_ns;
    future->references = 2;
    *ret_future = future;
    return 0;
}

/* Makes the future pending. With the mutex held. */
static int add_pending(struct fb_mp_pool *pool, struct fb_mp_future *future)
{
    if (pool->broken.code)
        return pool->broken.code;
    if (pool->shut_down)
        return -ESHUTDOWN;
    pool->references++;
    pool->unfinished++;
    pool->limited += future->limit_ns != 0;
    pool_push(&pool->pending, future);
    pool->pending_count++;
    if (!pool->free_records)
        pool_collect(pool);
    pool_refill(pool);
    if (pool->alive < pool->workers && pool->alive < pool->unfinished)
        pool_notify_service(pool->notify_fd); /* to make more workers */
    return 0;
}

int pool_submit(struct fb_mp_pool *pool, const struct pool_request *request,
                struct fb_mp_future **ret_future)
{
    struct fb_mp_future *future = NULL;
    int result = make_future(pool, request, &future);
    pthread_mutex_lock(&pool->mutex);
    if (result == 0)
        result = add_pending(pool, future);
    if (result < 0)
        pool_bound_release(request->bound);
    pthread_mutex_unlock(&pool->mutex);
    if (result == 0) {
        *ret_future = future;
        return 0;
    }
    if (future && future->size > TASK_ARGUMENT)
        fb_mp_free(future->argument);
    free(future);
    return result;
}

int fb_mp_submit(struct fb_mp_pool *pool, fb_mp_function function, const void *argument,
                 size_t size, const struct fb_mp_task_options *options,
                 struct fb_mp_future **ret_future)
{
    static const struct fb_mp_task_options none = { 0 };
    const struct fb_mp_task_options *chosen = options ? options : &none;
    struct pool_request request = { .argument = argument,
                                    .size = size,
                                    .limit_ns = chosen->limit_ns,
                                    .grace_ns = chosen->grace_ns };
    if ((size && !argument) || size > UINT32_MAX)
        return -EINVAL;
    int result = pool_find_function(pool, function, &request.function);
    if (result == 0 && chosen->bound_size)
        result = pool_bound_make(chosen->bound, chosen->bound_size, &request.bound);
    return result < 0 ? result : pool_submit(pool, &request, ret_future);
}
