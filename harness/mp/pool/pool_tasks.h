/* The owner's side of tasks: their records, their results, and tasks whose worker was killed. All
 * functions are called with the pool's mutex held. */
#ifndef FB_MP_POOL_TASKS_H
#define FB_MP_POOL_TASKS_H

#include "harness/mp/pool/future_state.h"

/* Allocates the owner's lists of records. 0 or -ENOMEM. */
int pool_make_records(struct fb_mp_pool *pool);

/* Gives records to pending futures while there are free records, and wakes workers. */
void pool_refill(struct fb_mp_pool *pool);

/* Collects the results of completed tasks. Returns whether there were any. */
bool pool_collect(struct fb_mp_pool *pool);

/* The future's task is over: it gives up its record and argument and becomes done or cancelled. */
void pool_finish(struct fb_mp_future *future, enum fb_mp_future_state state);

/* The same with this error. Of a map, items that were done keep their results. */
void pool_fail(struct fb_mp_future *future, enum fb_mp_future_state state,
               const struct fb_error *error);

/* Fails all tasks that have not been completed. */
void pool_fail_all(struct fb_mp_pool *pool, enum fb_mp_future_state state,
                   const struct fb_error *error);

/* Takes a task back before it begins. False: a worker has claimed it. */
bool pool_withdraw(struct fb_mp_future *future);

/* ---- for pool_recovery.c ---- */

struct task_record *pool_record_of(const struct fb_mp_future *future);

/* Puts the future's record at the end of the ring. */
void pool_make_ready(struct fb_mp_future *future);

/* Frees the future's record. */
void pool_release_record(struct fb_mp_future *future);

/* Copies the error that the task's function returned, unless the future already has one. */
void pool_note_error(struct fb_mp_future *future);

/* Takes the result of a completed task from its record. */
void pool_take_result(struct fb_mp_pool *pool, uint32_t number);

/* Takes the results on a worker's list, oldest first. Returns whether there were any. */
bool pool_take_results(struct fb_mp_pool *pool, unsigned worker);

/* ---- pool_recovery.c ---- */

/* After the end of a worker: collects what it had completed; the task that it had claimed is run
 * again or fails. Returns whether it had claimed one. */
bool pool_recover_from_death(struct fb_mp_pool *pool, const struct fb_mp_worker_end *end);

#endif
