/* What becomes of tasks whose worker has ended before it completed them. */
#include "harness/mp/pool/pool_tasks.h"

#include "harness/mp/core/heap.h"

#include <errno.h>
#include <string.h>

/* The items of a map's task that its worker was working on fail with this error, and the task is
 * reduced to the items after them. Returns whether there are any. */
static bool fail_current_items(struct fb_mp_future *future, const struct fb_error *error)
{
    struct pool_bound *bound = future->bound;
    uint64_t range[2], at = atomic_load(&pool_record_of(future)->at_item);
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
    future->has_item_codes = true;
    return range[0] < range[1];
}

static void run_again(struct fb_mp_future *future)
{
    struct fb_mp_pool *pool = future->pool;
    struct task_record *record = pool_record_of(future);
    fb_mp_free_at(&record->reply_memory);
    record->reply_size = 0;
    record->code = 0;
    if (future->size <= TASK_ARGUMENT)
        memcpy(record->argument, future->inline_argument, TASK_ARGUMENT);
    if (future->bound && future->bound->is_map)
        memcpy(&record->at_item, future->inline_argument, sizeof record->at_item);
    if (task_ring_has_room(&pool->shared->ring, pool->tail)) {
        pool_make_ready(future);
        return;
    }
    pool_release_record(future); /* it is the first of the pending ones when there is room */
    future->next = pool->pending.first;
    pool->pending.first = future;
    if (!future->next)
        pool->pending.last = future;
    pool->pending_count++;
}

/* Runs the task again unless it has had all its tries. Of a map, the items that were not done: the
 * tries are those of the item that the worker was working on. */
static bool try_again(struct fb_mp_future *future)
{
    if (future->bound && future->bound->is_map) {
        uint64_t range[2], at = atomic_load(&pool_record_of(future)->at_item);
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

/* For a task that its worker had claimed and not completed. */
static void recover_task(struct fb_mp_future *future, const struct fb_mp_worker_end *end,
                         bool revoked)
{
    struct fb_error error;
    char how[100];
    bool is_map = future->bound && future->bound->is_map;
    if (is_map) /* an item that was done may have failed */
        pool_note_error(future);
    if (future->must_cancel) {
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
    if (!is_map) {
        future->error = error;
        pool_finish(future, FB_MP_DONE);
    } else if (fail_current_items(future, &error)) {
        future->tries = 0;
        run_again(future);
    } else
        pool_finish(future, FB_MP_DONE);
}

bool pool_recover_from_death(struct fb_mp_pool *pool, const struct fb_mp_worker_end *end)
{
    struct pool_shared *shared = pool->shared;
    bool had_claimed = false;
    pool_take_results(pool, end->index);
    for (uint32_t number = 0; number < shared->ring.records; number++) {
        uint64_t word = task_read(&shared->ring.record[number]);
        if (!pool->of_record[number] || task_worker_of(word) != end->index)
            continue;
        enum task_state state = task_state_of(word);
        if (state == TASK_DONE) /* the worker ended before it put this on its list */
            pool_take_result(pool, number);
        if (state != TASK_CLAIMED && state != TASK_REVOKED)
            continue;
        had_claimed = true;
        recover_task(pool->of_record[number], end, state == TASK_REVOKED);
    }
    atomic_store(&pool_worker(shared, end->index)->begin_ns, 0);
    return had_claimed;
}
