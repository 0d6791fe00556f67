/* What is used by all that works with futures: submitting, waiting. */
#ifndef FB_MP_FUTURE_INTERNAL_H
#define FB_MP_FUTURE_INTERNAL_H

#include "harness/mp/pool/future_state.h"

struct pool_order {
    fb_mp_function function; /* as workers know it */
    const void *argument;
    size_t size;
    struct pool_bound *bound; /* the future's to be released; NULL: none */
    int64_t limit_ns, grace_ns;
};

/* As fb_mp_submit. On failure the bound is released too. */
int pool_submit(struct fb_mp_pool *pool, const struct pool_order *order,
                struct fb_mp_future **ret_future);

/* As workers of the pool know it. 0 or -EINVAL. */
int pool_find_function(const struct fb_mp_pool *pool, fb_mp_function function,
                       fb_mp_function *ret_known);

/* Waits until something changed, or deadline. With the mutex held, which it gives up meanwhile. */
bool pool_wait(struct fb_mp_pool *pool, int64_t deadline);

#endif
