/* For everything that is built on futures: submitting a task and waiting for a change. */
#ifndef FB_MP_FUTURE_INTERNAL_H
#define FB_MP_FUTURE_INTERNAL_H

#include "harness/mp/pool/future_state.h"

/* ---- pool_submit.c ---- */

struct pool_request {
    fb_mp_function function; /* as returned by pool_find_function */
    const void *argument;
    size_t size;
    struct pool_bound *bound; /* the future gets the caller's reference; NULL: none */
    int64_t limit_ns, grace_ns;
};

/* Like fb_mp_submit. On failure the reference to the bound is dropped too. */
int pool_submit(struct fb_mp_pool *pool, const struct pool_request *request,
                struct fb_mp_future **ret_future);

/* The function as the pool's workers identify it: its address, or in a spawning pool its index in
 * the table. 0 or -EINVAL. */
int pool_find_function(const struct fb_mp_pool *pool, fb_mp_function function,
                       fb_mp_function *ret_known);

/* ---- pool_wait.c ---- */

/* Waits until something changes in the pool, or until deadline. Called with the mutex held, which
 * is unlocked meanwhile. May return early. False: the deadline had passed already. */
bool pool_wait(struct fb_mp_pool *pool, int64_t deadline);

#endif
