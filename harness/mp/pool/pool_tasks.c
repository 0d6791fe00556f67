/* The owner's side of tasks: records for them, and what became of them. All with the mutex held. */
#include "harness/mp/core/heap.h"
#include "harness/mp/pool/pool_internal.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* ---- queues of futures ---- */

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

/* ---- records ---- */

static struct pool_record *record_of(const struct fb_mp_future *future)
{
    return &future->pool->shared->record[future->record - 1];
}

/* Whether the ring has room for one more. What workers have not passed because it was withdrawn is
 * passed here. */
static bool has_room(struct fb_mp_pool *pool)
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
static void make_ready(struct fb_mp_future *future)
{
    struct fb_mp_pool *pool = future->pool;
    struct pool_shared *shared = pool->shared;
    uint64_t position = pool->tail++;
    future->tries++;
    atomic_store_explicit(&record_of(future)->word, pool_word(position, TASK_READY, 0),
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
    struct pool_record *record = record_of(future);
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

static void take_record(struct fb_mp_future *future)
{
    struct fb_mp_pool *pool = future->pool;
    struct pool_record *record = record_of(future);
    fb_mp_free_at(&record->reply_memory);
    atomic_store(&record->word, pool_word(0, TASK_NONE, 0));
    pool->of_record[future->record - 1] = NULL;
    pool->free_record[pool->free_records++] = future->record - 1;
    future->record = 0;
}

void pool_refill(struct fb_mp_pool *pool)
{
    while (pool->pending.first && pool->free_records && has_room(pool)) {
        struct fb_mp_future *future = pool_pop(&pool->pending);
        pool->pendings--;
        give_record(future);
        make_ready(future);
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
    _Atomic uint64_t *word = &record_of(future)->word;
    uint64_t ready = atomic_load(word);
    if (pool_state_of(ready) != TASK_READY ||
        !atomic_compare_exchange_strong(word, &ready, pool_word(0, TASK_NONE, 0)))
        return false;
    take_record(future);
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

void pool_changed(struct fb_mp_pool *pool)
{
    if (pool->sleeper && pool->shared)
        fb_mp_eventcount_notify(&pool->shared->done, 1);
    pthread_cond_broadcast(&pool->changed);
}

void pool_finish(struct fb_mp_future *future, enum fb_mp_future_state state)
{
    struct fb_mp_pool *pool = future->pool;
    if (future->record)
        take_record(future);
    free_argument(future);
    future->state = state;
    future->serial = ++pool->serial;
    pool_note_done(future);
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

/* What its function failed with, unless something did before. */
static void note_error(struct fb_mp_future *future)
{
    const struct pool_record *record = record_of(future);
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
static void take_done(struct fb_mp_pool *pool, uint32_t number)
{
    struct fb_mp_future *future = pool->of_record[number];
    struct pool_record *record = &pool->shared->record[number];
    if (!future)
        return;
    note_error(future);
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
static bool take_list(struct fb_mp_pool *pool, unsigned index)
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
        take_done(pool, each - 1);
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
            any |= take_list(pool, word * 64 + (unsigned)__builtin_ctzll(bits));
    }
    if (any && pool->pending.first)
        pool_refill(pool);
    return any;
}

/* ---- deaths ---- */

/* What a map's task was at is lost with that error; the task is what comes behind it now. Whether
 * there is anything. */
static bool lose_items(struct fb_mp_future *future, const struct fb_error *error)
{
    struct pool_bound *bound = future->bound;
    uint64_t range[2], at = atomic_load(&record_of(future)->at);
    memcpy(range, future->inline_argument, sizeof range);
    uint64_t left = range[1] - at, lost = bound->whole ? bound->chunk : 1;
    lost = lost < left ? lost : left;
    if (lost && !future->error.code) {
        future->error = *error;
        future->index = at;
    }
    for (uint64_t i = at; i < at + lost && bound->codes; i++)
        bound->codes[i] = error->code;
    if (lost && bound->results)
        memset(bound->results + at * bound->result_size, 0, lost * bound->result_size);
    range[0] = at + lost;
    memcpy(future->inline_argument, range, sizeof range);
    future->given = true;
    return range[0] < range[1];
}

/* Hands it to another worker. */
static void run_again(struct fb_mp_future *future)
{
    struct pool_record *record = record_of(future);
    fb_mp_free_at(&record->reply_memory);
    record->reply_size = 0;
    record->code = 0;
    if (future->size <= POOL_ARGUMENT)
        memcpy(record->argument, future->inline_argument, POOL_ARGUMENT);
    if (future->bound && future->bound->is_map)
        memcpy(&record->at, future->inline_argument, sizeof record->at);
    if (has_room(future->pool)) {
        make_ready(future);
        return;
    }
    take_record(future); /* before all others, when there is room */
    future->next = future->pool->pending.first;
    future->pool->pending.first = future;
    if (!future->next)
        future->pool->pending.last = future;
    future->pool->pendings++;
}

/* Of a map, runs again what was not done, and counts tries of the item that it was at. */
static bool try_again(struct fb_mp_future *future)
{
    if (future->bound && future->bound->is_map) {
        uint64_t range[2], at = atomic_load(&record_of(future)->at);
        memcpy(range, future->inline_argument, sizeof range);
        if (at == range[1])
            return false;
        if (at != range[0])
            future->tries = 1;
        range[0] = at;
        memcpy(future->inline_argument, range, sizeof range);
    }
    if (future->tries > future->pool->retries)
        return false;
    run_again(future);
    return true;
}

/* A task whose worker died with it. */
static void end_task(struct fb_mp_future *future, const struct fb_mp_worker_end *end, bool revoked)
{
    struct fb_error error;
    char how[100];
    if (future->bound && future->bound->is_map) /* of an item that was done */
        note_error(future);
    if (future->must_end) {
        fb_error_set(&error, -ECANCELED, "it was cancelled while it ran");
        pool_fail(future, FB_MP_CANCELLED, &error);
        return;
    }
    if (revoked)
        fb_error_set(&error, -ETIMEDOUT, "it ran for longer than %.3g s, which was its limit",
                     (double)future->limit_ns / 1e9);
    else if (try_again(future))
        return;
    else {
        fb_mp_worker_end_describe(end, how, sizeof how);
        fb_error_set(&error, -EOWNERDEAD, "its %s", how);
    }
    if (!future->bound || !future->bound->is_map) {
        future->error = error;
        pool_finish(future, FB_MP_DONE);
    } else if (lose_items(future, &error)) {
        future->tries = 0;
        run_again(future);
    } else
        pool_finish(future, FB_MP_DONE);
}

bool pool_recover_from_death(struct fb_mp_pool *pool, const struct fb_mp_worker_end *end)
{
    struct pool_shared *shared = pool->shared;
    bool at_work = false;
    take_list(pool, end->index);
    for (uint32_t number = 0; number < shared->records; number++) {
        uint64_t word = atomic_load(&shared->record[number].word);
        if (!pool->of_record[number] || pool_worker_of(word) != end->index)
            continue;
        unsigned state = pool_state_of(word);
        if (state == TASK_DONE) /* it died before that came on its list */
            take_done(pool, number);
        if (state != TASK_CLAIMED && state != TASK_REVOKED)
            continue;
        at_work = true;
        end_task(pool->of_record[number], end, state == TASK_REVOKED);
    }
    atomic_store(&pool_worker(shared, end->index)->begin_ns, 0);
    return at_work;
}

void pool_fail(struct fb_mp_future *future, enum fb_mp_future_state state,
               const struct fb_error *error)
{
    const struct pool_bound *bound = future->bound;
    if (bound && bound->is_map && bound->codes) { /* what was done before keeps its result */
        uint64_t range[2];
        memcpy(range, future->inline_argument, sizeof range);
        if (future->record)
            range[0] = atomic_load(&record_of(future)->at);
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
        take_list(pool, i); /* also of who died before he could say that he has one */
    for (uint32_t number = 0; number < pool->shared->records; number++) {
        struct fb_mp_future *future = pool->of_record[number];
        if (future)
            pool_fail(future, state, error);
    }
}
