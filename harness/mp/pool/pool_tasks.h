/* The owner's side of tasks. All with the mutex held. */
#ifndef FB_MP_POOL_TASKS_H
#define FB_MP_POOL_TASKS_H

#include "harness/mp/pool/future_state.h"

/* The owner's lists of records. 0 or -ENOMEM. */
int pool_make_local(struct fb_mp_pool *pool);

/* Gives records to pending ones as long as there are any, and wakes workers. */
void pool_refill(struct fb_mp_pool *pool);

/* Takes what workers have done. Whether there was anything. */
bool pool_collect(struct fb_mp_pool *pool);

/* A future becomes done, or cancelled. */
void pool_finish(struct fb_mp_future *future, enum fb_mp_future_state state);

/* The same, with that error: of a map's task for what was not done yet. */
void pool_fail(struct fb_mp_future *future, enum fb_mp_future_state state,
               const struct fb_error *error);

/* Fails all that were not done. */
void pool_fail_all(struct fb_mp_pool *pool, enum fb_mp_future_state state,
                   const struct fb_error *error);

/* Takes its record away unless a worker has it. */
bool pool_withdraw(struct fb_mp_future *future);

/* ---- for pool_recovery.c ---- */

struct pool_record *pool_record_of(const struct fb_mp_future *future);
bool pool_has_room(struct fb_mp_pool *pool);
void pool_make_ready(struct fb_mp_future *future);
void pool_take_record(struct fb_mp_future *future);
void pool_note_error(struct fb_mp_future *future);
void pool_take_done(struct fb_mp_pool *pool, uint32_t number);
bool pool_take_list(struct fb_mp_pool *pool, unsigned index);

/* ---- pool_recovery.c ---- */

/* Takes what this worker, which is dead, had done and was at. Whether it was at something. */
bool pool_recover_from_death(struct fb_mp_pool *pool, const struct fb_mp_worker_end *end);

#endif
