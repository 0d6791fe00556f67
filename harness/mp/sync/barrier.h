/* A place where processes (or threads) wait until all of them have come. */
#ifndef FB_MP_BARRIER_H
#define FB_MP_BARRIER_H

#include "harness/mp/core/deadline.h"

#include <stdbool.h>

struct fb_mp_barrier;

/* parties: how many have to come, at least 1. 0 and *ret_barrier in shared memory, -EINVAL, or a
 * negative errno from fb_mp_alloc. Freed when nobody uses it any more; NULL is accepted. */
int fb_mp_barrier_make(unsigned parties, struct fb_mp_barrier **ret_barrier);
void fb_mp_barrier_free(struct fb_mp_barrier *barrier);

/* Waits for all parties. 0 and *ret_index (may be NULL), another one for each, 0 … parties - 1; or, for all who
 * wait and who come later, until it is reset: -ECANCELED: it is broken, since a wait's time was
 * over (for whom it was: -ETIMEDOUT), somebody aborted it or died inside this call, or of the
 * processes that have come here before so many have ended that the others would wait for ever. */
int fb_mp_barrier_wait(struct fb_mp_barrier *barrier, int64_t timeout_ns, unsigned *ret_index);

/* Breaks it. */
void fb_mp_barrier_abort(struct fb_mp_barrier *barrier);

/* Makes it as new; who waits gets -ECANCELED. */
void fb_mp_barrier_reset(struct fb_mp_barrier *barrier);

bool fb_mp_barrier_is_broken(const struct fb_mp_barrier *barrier);
unsigned fb_mp_barrier_waiting(const struct fb_mp_barrier *barrier);

#endif
