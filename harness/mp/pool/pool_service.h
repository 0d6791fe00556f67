/* The owner's service thread, and the ends of workers, which it handles. */
#ifndef FB_MP_POOL_SERVICE_H
#define FB_MP_POOL_SERVICE_H

#include "harness/mp/pool/future_state.h"

/* What the thread runs. The argument is the pool. */
void *pool_service_main(void *pool);

/* Waits until the process requested for this worker slot no longer exists, for 5 s at most; then it
 * logs an error. A process that begins only now leaves at once. For workers that have ended, or
 * whose forkserver ended before it reported their pid. */
void pool_wait_until_gone(struct pool_worker *worker);

/* With the mutex held: handles workers that have ended, and makes new ones. */
void pool_handle_worker_events(struct fb_mp_pool *pool);

#endif
