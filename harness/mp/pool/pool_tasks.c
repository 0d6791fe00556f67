/* The owner's side of tasks: records for them, and what became of them. All with the mutex held. */
#include "harness/mp/core/heap.h"
#include "harness/mp/pool/pool_tasks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- records ---- */

int pool_make_local(struct fb_mp_pool *pool)
{
    uint64_t records = pool->shared->records;
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

struct pool_record *pool_record_of(const struct fb_mp_future *future)
{
    return &future->pool->shared->record[future->record - 1];
}

/* Whether the ring has room for one more. What workers have not passed because it was withdrawn is
 * passed here. */
bool pool_has_room(struct fb_mp_pool *pool)
{
    struct pool_shared *shared = pool->shared;
    uint64_t head;
    while (pool->tail - (head = atomic_load(&shared->head)) >= shared->records) {
        uint64_t entry = atomic_load(&shared->ring[head & (shared->records - 1)]);
        if (atomic_load(&shared->record[entry & 0xffff].word) == pool_word(head, TASK_READY, 0))
            return false;
        atomic_compare_exchange_strong(&shared->head, &head, head + 1);
    }
    return true;
}

/* Puts the future's record at the end of the ring. */
void pool_make_ready(struct fb_mp_future *future)
{
    struct fb_mp_pool *pool = future->pool;
    struct pool_shared *shared = pool->shared;
    uint64_t position = pool->tail++;
    future->tries++;
    atomic_store_explicit(&pool_record_of(future)->word, pool_word(position, TASK_READY, 0),
                          memory_order_release);
    atomic_store(&shared->ring[position & (shared->records - 1)],
                 (position + 1) << 16 | (future->record - 1));
    fb_mp_eventcount_notify(&shared->items, 1);
}

static void give_record(struct fb_mp_future *future)
{
    struct fb_mp_pool *pool = future->pool;
    uint32_t number = pool->free_record[--pool->free_records];
    pool->of_record[number] = future;
    future->record = number + 1;
    struct pool_record *record = pool_record_of(future);
    record->function = future->function;
    record->bound = future->bound;
    record->size = (uint32_t)future->size;
    record->index = future->index;
    record->reply_size = 0;
    record->reply_memory = NULL;
    record->code = 0;
    record->memory = NULL;
    if (future->size > POOL_ARGUMENT)
        record->memory = future->argument;
    else
        memcpy(record->argument, future->inline_argument, POOL_ARGUMENT);
    if (future->bound && future->bound->is_map) /* where it begins */
        memcpy(&record->at, future->inline_argument, sizeof record->at);
    atomic_store_explicit(&record->flags,
                          (future->callback ? RECORD_TELLS : 0u) |
                              (future->limit_ns ? RECORD_LIMITED : 0u),
                          memory_order_relaxed);
}

void pool_take_record(struct fb_mp_future *future)
{
    struct fb_mp_pool *pool = future->pool;
    struct pool_record *record = pool_record_of(future);
    fb_mp_free_at(&record->reply_memory);
    atomic_store(&record->word, pool_word(0, TASK_NONE, 0));
    pool->of_record[future->record - 1] = NULL;
    pool->free_record[pool->free_records++] = future->record - 1;
    future->record = 0;
}

void pool_refill(struct fb_mp_pool *pool)
{
    while (pool->pending.first && pool->free_records && pool_has_room(pool)) {
        struct fb_mp_future *future = pool_pop(&pool->pending);
        pool->pendings--;
        give_record(future);
        pool_make_ready(future);
    }
    if (!pool->pending.first || pool->over)
        return;
    uint64_t at = pool->tail - pool->shared->records / 2;
    atomic_store(&pool->shared->refill_at, at);
    if (atomic_load(&pool->shared->head) > at) /* nobody may come by there any more */
        pool_notify_service(pool->tell);
}

bool pool_withdraw(struct fb_mp_future *future)
{
    struct fb_mp_pool *pool = future->pool;
    if (!future->record) { /* it is among the pending */
        struct fb_mp_future **link = &pool->pending.first, *before = NULL;
        for (; *link && *link != future; link = &(*link)->next)
            before = *link;
        if (!*link)
            return false;
        *link = future->next;
        if (pool->pending.last == future)
            pool->pending.last = before;
        pool->pendings--;
        return true;
    }
    _Atomic uint64_t *word = &pool_record_of(future)->word;
    uint64_t ready = atomic_load(word);
    if (pool_state_of(ready) != TASK_READY ||
        !atomic_compare_exchange_strong(word, &ready, pool_word(0, TASK_NONE, 0)))
        return false;
    pool_take_record(future);
    return true;
}

/* ---- ends of tasks ---- */

static void free_argument(struct fb_mp_future *future)
{
    if (future->size > POOL_ARGUMENT)
        fb_mp_free(future->argument);
    future->argument = NULL;
    future->size = 0;
    pool_bound_release(future->bound);
    future->bound = NULL;
}

void pool_finish(struct fb_mp_future *future, enum fb_mp_future_state state)
{
    if (future->record)
        pool_take_record(future);
    free_argument(future);
    pool_set_done(future, state);
}

/* What its function failed with, unless something did before. */
void pool_note_error(struct fb_mp_future *future)
{
    const struct pool_record *record = pool_record_of(future);
    int code = record->code;
    size_t size = record->reply_size;
    const char *text = size > POOL_REPLY ? record->reply_memory : record->reply;
    if (code >= 0 || future->error.code)
        return;
    size = size < FB_ERROR_TEXT ? size : FB_ERROR_TEXT - 1;
    if (size > 0)
        fb_error_set(&future->error, code, "%.*s", (int)size, text);
    else
        fb_error_set(&future->error, code, "%s", strerror(-code));
    future->index = record->index;
}

/* What a worker has given. */
void pool_take_done(struct fb_mp_pool *pool, uint32_t number)
{
    struct fb_mp_future *future = pool->of_record[number];
    struct pool_record *record = &pool->shared->record[number];
    if (!future)
        return;
    pool_note_error(future);
    future->bytes = record->reply_size > POOL_REPLY ? record->reply_memory : future->inline_bytes;
    future->bytes_size = record->reply_size;
    future->given = true;
    if (record->reply_size > POOL_REPLY)
        record->reply_memory = NULL; /* the future's from now on */
    else
        memcpy(future->inline_bytes, record->reply, record->reply_size);
    pool_finish(future, FB_MP_DONE);
}

/* Takes the list of what a worker has done, first things first. */
bool pool_take_list(struct fb_mp_pool *pool, unsigned index)
{
    struct pool_record *records = pool->shared->record;
    uint32_t last = atomic_exchange(&pool_worker(pool->shared, index)->done, 0), first = 0;
    while (last) {
        uint32_t earlier = records[last - 1].next;
        records[last - 1].next = first;
        first = last;
        last = earlier;
    }
    for (uint32_t later, each = first; each; each = later) {
        later = records[each - 1].next;
        pool_take_done(pool, each - 1);
    }
    return first != 0;
}

bool pool_collect(struct fb_mp_pool *pool)
{
    struct pool_shared *shared = pool->shared;
    bool any = false;
    if (!shared) /* it was closed */
        return false;
    for (unsigned word = 0; word < FB_MP_POOL_WORKERS / 64 && shared->block[word]; word++) {
        if (atomic_load(&shared->has_done[word]) == 0)
            continue;
        uint64_t bits = atomic_exchange(&shared->has_done[word], 0);
        for (; bits; bits &= bits - 1)
            any |= pool_take_list(pool, word * 64 + (unsigned)__builtin_ctzll(bits));
    }
    if (any && pool->pending.first)
        pool_refill(pool);
    return any;
}

void pool_fail(struct fb_mp_future *future, enum fb_mp_future_state state,
               const struct fb_error *error)
{
    const struct pool_bound *bound = future->bound;
    if (bound && bound->is_map && bound->codes) { /* what was done before keeps its result */
        uint64_t range[2];
        memcpy(range, future->inline_argument, sizeof range);
        if (future->record)
            range[0] = atomic_load(&pool_record_of(future)->at);
        for (uint64_t i = range[0]; i < range[1]; i++)
            bound->codes[i] = error->code;
        future->given = true;
    }
    if (!future->error.code)
        future->error = *error;
    pool_finish(future, state);
}

void pool_fail_all(struct fb_mp_pool *pool, enum fb_mp_future_state state,
                   const struct fb_error *error)
{
    for (struct fb_mp_future *future; (future = pool_pop(&pool->pending)) != NULL;) {
        pool->pendings--;
        pool_fail(future, state, error);
    }
    for (unsigned i = 0; i < FB_MP_POOL_WORKERS && pool->shared->block[i / POOL_BLOCK]; i++)
        pool_take_list(pool, i); /* also of who died before he could say that he has one */
    for (uint32_t number = 0; number < pool->shared->records; number++) {
        struct fb_mp_future *future = pool->of_record[number];
        if (future)
            pool_fail(future, state, error);
    }
}
