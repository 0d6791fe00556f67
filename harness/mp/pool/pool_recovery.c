/* What becomes of tasks whose worker has died. All with the mutex held. */
#include "harness/mp/core/heap.h"
#include "harness/mp/pool/pool_tasks.h"

#include <errno.h>
#include <string.h>

/* What a map's task was at is lost with that error; the task is what comes behind it now. Whether
 * there is anything. */
static bool lose_items(struct fb_mp_future *future, const struct fb_error *error)
{
    struct pool_bound *bound = future->bound;
    uint64_t range[2], at = atomic_load(&pool_record_of(future)->at);
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
    struct pool_record *record = pool_record_of(future);
    fb_mp_free_at(&record->reply_memory);
    record->reply_size = 0;
    record->code = 0;
    if (future->size <= POOL_ARGUMENT)
        memcpy(record->argument, future->inline_argument, POOL_ARGUMENT);
    if (future->bound && future->bound->is_map)
        memcpy(&record->at, future->inline_argument, sizeof record->at);
    if (pool_has_room(future->pool)) {
        pool_make_ready(future);
        return;
    }
    pool_take_record(future); /* before all others, when there is room */
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
        uint64_t range[2], at = atomic_load(&pool_record_of(future)->at);
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
        pool_note_error(future);
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
    pool_take_list(pool, end->index);
    for (uint32_t number = 0; number < shared->records; number++) {
        uint64_t word = atomic_load(&shared->record[number].word);
        if (!pool->of_record[number] || pool_worker_of(word) != end->index)
            continue;
        unsigned state = pool_state_of(word);
        if (state == TASK_DONE) /* it died before that came on its list */
            pool_take_done(pool, number);
        if (state != TASK_CLAIMED && state != TASK_REVOKED)
            continue;
        at_work = true;
        end_task(pool->of_record[number], end, state == TASK_REVOKED);
    }
    atomic_store(&pool_worker(shared, end->index)->begin_ns, 0);
    return at_work;
}
