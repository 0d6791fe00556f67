/* The owner's side of tasks: records for pending futures, and results from completed records. */
#include "harness/mp/pool/pool_tasks.h"

#include "harness/mp/core/heap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- records ---- */

int pool_make_records(struct fb_mp_pool *pool)
{
    uint64_t records = pool->shared->ring.records;
    pool->of_record = calloc(records, sizeof(struct fb_mp_future *));
    pool->free_record = calloc(records, sizeof *pool->free_record);
    if (!pool->of_record || !pool->free_record)
        return -ENOMEM;
    while (pool->free_records < records) {
        pool->free_record[pool->free_records] = (uint32_t)records - 1 - pool->free_records;
        pool->free_records++;
    }
    return 0;
}

struct task_record *pool_record_of(const struct fb_mp_future *future)
{
    return &future->pool->shared->ring.record[future->record - 1];
}

void pool_make_ready(struct fb_mp_future *future)
{
    struct pool_shared *shared = future->pool->shared;
    future->tries++;
    task_make_ready(&shared->ring, future->pool->tail++, future->record - 1);
    fb_mp_eventcount_notify(&shared->tasks_ready, 1);
}

static void assign_record(struct fb_mp_future *future)
{
    struct fb_mp_pool *pool = future->pool;
    uint32_t number = pool->free_record[--pool->free_records];
    pool->of_record[number] = future;
    future->record = number + 1;
    struct task_record *record = pool_record_of(future);
    record->function = future->function;
    record->bound = future->bound;
    record->size = (uint32_t)future->size;
    record->index = future->index;
    record->reply_size = 0;
    record->reply_memory = NULL;
    record->code = 0;
    record->memory = NULL;
    if (future->size > TASK_ARGUMENT)
        record->memory = future->argument;
    else
        memcpy(record->argument, future->inline_argument, TASK_ARGUMENT);
    if (future->bound && future->bound->is_map) /* the first item */
        memcpy(&record->at_item, future->inline_argument, sizeof record->at_item);
    atomic_store_explicit(&record->flags,
                          (future->callback ? TASK_HAS_CALLBACK : 0u) |
                              (future->limit_ns ? TASK_HAS_LIMIT : 0u),
                          memory_order_relaxed);
}

void pool_release_record(struct fb_mp_future *future)
{
    struct fb_mp_pool *pool = future->pool;
    struct task_record *record = pool_record_of(future);
    fb_mp_free_at(&record->reply_memory);
    task_release(record);
    pool->of_record[future->record - 1] = NULL;
    pool->free_record[pool->free_records++] = future->record - 1;
    future->record = 0;
}

void pool_refill(struct fb_mp_pool *pool)
{
    struct task_ring *ring = &pool->shared->ring;
    while (pool->pending.first && pool->free_records && task_ring_has_room(ring, pool->tail)) {
        struct fb_mp_future *future = pool_pop(&pool->pending);
        pool->pending_count--;
        assign_record(future);
        pool_make_ready(future);
    }
    if (!pool->pending.first || pool->terminated)
        return;
    uint64_t at = pool->tail - ring->records / 2;
    atomic_store(&pool->shared->refill_at, at);
    if (atomic_load(&ring->head) > at) /* perhaps no worker will claim that position any more */
        pool_notify_service(pool->notify_fd);
}

/* Removes a future that has no record from the pending ones. False: it is not among them. */
static bool remove_pending(struct fb_mp_future *future)
{
    struct fb_mp_pool *pool = future->pool;
    struct fb_mp_future **link = &pool->pending.first, *before = NULL;
    for (; *link && *link != future; link = &(*link)->next)
        before = *link;
    if (!*link)
        return false;
    *link = future->next;
    if (pool->pending.last == future)
        pool->pending.last = before;
    pool->pending_count--;
    return true;
}

bool pool_withdraw(struct fb_mp_future *future)
{
    if (!future->record)
        return remove_pending(future);
    if (!task_withdraw(pool_record_of(future)))
        return false;
    pool_release_record(future);
    return true;
}

/* ---- the end of a task ---- */

static void free_argument(struct fb_mp_future *future)
{
    if (future->size > TASK_ARGUMENT)
        fb_mp_free(future->argument);
    future->argument = NULL;
    future->size = 0;
    pool_bound_release(future->bound);
    future->bound = NULL;
}

void pool_finish(struct fb_mp_future *future, enum fb_mp_future_state state)
{
    if (future->record)
        pool_release_record(future);
    free_argument(future);
    pool_set_done(future, state);
}

void pool_note_error(struct fb_mp_future *future)
{
    const struct task_record *record = pool_record_of(future);
    int code = record->code;
    size_t size = record->reply_size;
    const char *text = size > TASK_REPLY ? record->reply_memory : record->reply;
    if (code >= 0 || future->error.code)
        return;
    size = size < FB_ERROR_TEXT ? size : FB_ERROR_TEXT - 1;
    if (size > 0)
        fb_error_set(&future->error, code, "%.*s", (int)size, text);
    else
        fb_error_set(&future->error, code, "%s", strerror(-code));
    future->index = record->index;
}

void pool_take_result(struct fb_mp_pool *pool, uint32_t number)
{
    struct fb_mp_future *future = pool->of_record[number];
    struct task_record *record = &pool->shared->ring.record[number];
    if (!future)
        return;
    pool_note_error(future);
    future->bytes = record->reply_size > TASK_REPLY ? record->reply_memory : future->inline_bytes;
    future->bytes_size = record->reply_size;
    future->has_item_codes = true;
    if (record->reply_size > TASK_REPLY)
        record->reply_memory = NULL; /* it belongs to the future from now on */
    else
        memcpy(future->inline_bytes, record->reply, record->reply_size);
    pool_finish(future, FB_MP_DONE);
}

bool pool_take_results(struct fb_mp_pool *pool, unsigned worker)
{
    struct task_ring *ring = &pool->shared->ring;
    uint32_t first = task_take_completed(ring, &pool_worker(pool->shared, worker)->completed);
    for (uint32_t next, each = first; each; each = next) {
        next = ring->record[each - 1].next;
        pool_take_result(pool, each - 1);
    }
    return first != 0;
}

bool pool_collect(struct fb_mp_pool *pool)
{
    struct pool_shared *shared = pool->shared;
    bool any = false;
    if (!shared) /* the pool was closed */
        return false;
    for (unsigned group = 0; group < FB_MP_POOL_WORKERS / 64 && shared->block[group]; group++) {
        uint64_t workers = task_take_workers(&shared->ring, group);
        for (; workers; workers &= workers - 1)
            any |= pool_take_results(pool, group * 64 + (unsigned)__builtin_ctzll(workers));
    }
    if (any && pool->pending.first)
        pool_refill(pool);
    return any;
}

void pool_fail(struct fb_mp_future *future, enum fb_mp_future_state state,
               const struct fb_error *error)
{
    const struct pool_bound *bound = future->bound;
    if (bound && bound->is_map && bound->codes) {
        uint64_t range[2];
        memcpy(range, future->inline_argument, sizeof range);
        if (future->record) /* items that were done keep their results */
            range[0] = atomic_load(&pool_record_of(future)->at_item);
        for (uint64_t i = range[0]; i < range[1]; i++)
            bound->codes[i] = error->code;
        future->has_item_codes = true;
    }
    if (!future->error.code)
        future->error = *error;
    pool_finish(future, state);
}

void pool_fail_all(struct fb_mp_pool *pool, enum fb_mp_future_state state,
                   const struct fb_error *error)
{
    for (struct fb_mp_future *future; (future = pool_pop(&pool->pending)) != NULL;) {
        pool->pending_count--;
        pool_fail(future, state, error);
    }
    /* Also the lists of workers that were killed before they set their bit in has_completed. */
    for (unsigned i = 0; i < FB_MP_POOL_WORKERS && pool->shared->block[i / POOL_BLOCK]; i++)
        pool_take_results(pool, i);
    for (uint32_t number = 0; number < pool->shared->ring.records; number++) {
        struct fb_mp_future *future = pool->of_record[number];
        if (future)
            pool_fail(future, state, error);
    }
}
