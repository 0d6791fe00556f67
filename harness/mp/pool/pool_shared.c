/* The memory that a pool's owner and its workers share. */
#include "harness/mp/pool/pool_shared.h"

#include "harness/mp/core/heap.h"
#include "harness/mp/core/mutex.h"

#include <string.h>
#include <sys/eventfd.h>

static uint64_t records_for(unsigned workers)
{
    uint64_t records = POOL_RECORDS;
    while (records < POOL_RECORDS_MAX && records < 4 * (uint64_t)workers)
        records *= 2;
    return records;
}

void pool_free_shared(struct pool_shared *shared)
{
    if (!shared)
        return;
    for (unsigned i = 0; i < FB_MP_POOL_WORKERS / POOL_BLOCK; i++)
        fb_mp_free(shared->block[i]);
    fb_mp_free(shared->argument);
    task_ring_free(&shared->ring);
    fb_mp_free(shared);
}

static int make_block(struct pool_worker **ret_block)
{
    struct pool_worker *block;
    int result = fb_mp_alloc(POOL_BLOCK * sizeof *block, (void **)&block);
    if (result < 0)
        return result;
    for (unsigned i = 0; i < POOL_BLOCK; i++)
        fb_mp_mutex_init(&block[i].alive, PTHREAD_MUTEX_NORMAL);
    *ret_block = block;
    return 0;
}

int pool_make_slots(struct pool_shared *shared, unsigned workers)
{
    int result = 0;
    for (unsigned i = 0; i * POOL_BLOCK < workers && result == 0; i++)
        if (!shared->block[i])
            result = make_block(&shared->block[i]);
    return result;
}

int pool_make_shared(const struct fb_mp_pool_options *options, unsigned workers,
                     struct pool_shared **ret_shared)
{
    struct pool_shared *shared;
    int result = fb_mp_alloc(sizeof *shared, (void **)&shared);
    if (result < 0)
        return result;
    *ret_shared = shared;
    shared->method = options->method;
    shared->tasks_per_worker = options->tasks_per_worker;
    shared->idle_ns = options->idle_ns;
    shared->argument_size = options->size;
    atomic_store(&shared->refill_at, UINT64_MAX);
    result = task_ring_make(&shared->ring, records_for(workers));
    if (result == 0)
        result = pool_make_slots(shared, workers);
    if (result == 0 && options->size)
        result = fb_mp_alloc(options->size, &shared->argument);
    if (result == 0 && options->size)
        memcpy(shared->argument, options->argument, options->size);
    return result;
}

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

void pool_notify_service(int eventfd)
{
    eventfd_write(eventfd, 1);
}
