/* A barrier: processes or threads wait until all parties have arrived. */
#ifndef FB_MP_BARRIER_H
#define FB_MP_BARRIER_H

#include "harness/mp/core/deadline.h"

#include <stdbool.h>

struct fb_mp_barrier;

/* parties: the number of threads that have to arrive, at least 1. 0 and *ret_barrier in shared
 * memory, -EINVAL, or a negative errno from fb_mp_alloc. */
int fb_mp_barrier_make(unsigned parties, struct fb_mp_barrier **ret_barrier);
/* Nobody may use the barrier any more. NULL is accepted. */
void fb_mp_barrier_free(struct fb_mp_barrier *barrier);

/* Waits for all parties. 0 and *ret_index (may be NULL), a different one for each party, 0 …
 * parties - 1. -ETIMEDOUT: this wait timed out, which breaks the barrier. -ECANCELED: the barrier
 * is broken, for all who wait and for all later calls until it is reset. It breaks when a wait
 * times out, when it is aborted, when a process dies inside this call, and when so many of the
 * processes that have used it have ended that the others would wait for ever. */
int fb_mp_barrier_wait(struct fb_mp_barrier *barrier, int64_t timeout_ns, unsigned *ret_index);

/* Breaks the barrier. */
void fb_mp_barrier_abort(struct fb_mp_barrier *barrier);

/* Brings the barrier back to its first state; current waiters return -ECANCELED. */
void fb_mp_barrier_reset(struct fb_mp_barrier *barrier);

bool fb_mp_barrier_is_broken(const struct fb_mp_barrier *barrier);
unsigned fb_mp_barrier_waiting(const struct fb_mp_barrier *barrier);

#endif
