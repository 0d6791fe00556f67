/* The service thread. */
#ifndef FB_MP_POOL_SERVICE_H
#define FB_MP_POOL_SERVICE_H

#include "harness/mp/pool/future_state.h"

void *pool_serve(void *pool);

/* Waits until whoever was ordered for that line, and has ended or was lost, is gone for sure. */
void pool_wait_until_gone(struct pool_worker *worker);

/* With the mutex held: takes note of workers that have ended, and makes new ones. */
void pool_handle_worker_events(struct fb_mp_pool *pool);

#endif
