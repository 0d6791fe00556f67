/* A pool of worker processes, and what is handed to them: functions with bytes for an argument,
 * whose results come back as bytes. The meaning is that of Python's multiprocessing.Pool and
 * concurrent.futures.ProcessPoolExecutor, which are one thing here; but no call waits for a worker
 * that died. Its task is run again, as often as the pool allows, or fails with how it ended; a new
 * worker takes its place, and all others go on.
 *
 * A pool belongs to the process that opened it, and may be used by any of its threads; in others that
 * were forked since, nothing can be done with it (-EINVAL). A worker takes one of its descriptors. */
#ifndef FB_MP_POOL_H
#define FB_MP_POOL_H

#include "harness/mp/pool/future.h"
#include "harness/mp/process/forkserver.h"
#include "harness/mp/process/process.h"

struct fb_mp_pool;

#define FB_MP_POOL_WORKERS 1024 /* at most */

/* FB_MP_FORK: workers are copies of the helper, a small process that is forked from this one when
 * it is first needed, or by fb_mp_forkserver_start: they know what this process knew then,
 * and what is in shared memory. FB_MP_SPAWN: they are fresh images, as with processes. */
struct fb_mp_pool_options {
    enum fb_mp_method method;
    unsigned workers; /* 0: as many as CPUs that this process may use, by affinity and by quota */
    /* Called in each worker before its first task, with a copy of size bytes at argument. If it
     * returns something else than 0, or ends the worker, then the pool is broken. May be NULL. */
    fb_mp_run initializer;
    const void *argument;
    size_t size;
    uint64_t tasks_per_worker; /* after so many it is replaced by a new one; 0: never */
    unsigned retries;          /* how often a task whose worker died is run again */
    int64_t idle_ns;           /* who has nothing to do for so long ends until needed; 0: nobody */
    const int *fd;             /* fds descriptors that workers get (fb_mp_descriptor(0), …) */
    size_t fds;                /* up to FB_MP_FDS - 1 */
    const char *name;          /* NULL: "Pool"; workers are "Pool-1", … */
};

/* Opens a pool and makes its workers. 0 and *ret_pool (end with fb_mp_pool_close), or a negative
 * errno with *error:
 * -EINVAL   too many workers or descriptors, no such method
 * -EPERM    this is a worker of a pool itself
 * -ENOSYS, -ENOENT   it is to spawn in a program whose main does not begin with fb_mp_main
 * -EAGAIN, -EMFILE, -ENOMEM, -ENOSPC   there is no room for it */
int fb_mp_pool_open(const struct fb_mp_pool_options *options, struct fb_mp_pool **ret_pool,
                    struct fb_error *error);

/* ---- tasks ---- */

struct fb_mp_task_options {
    const void *bound; /* bound_size bytes, copied, that the function gets beside its argument */
    size_t bound_size;
    int64_t
        limit_ns; /* counted from its start; then it is ended, and fails with -ETIMEDOUT; 0: none */
    int64_t grace_ns; /* between SIGTERM and SIGKILL then; 0: a second */
};

/* Hands over one task: function, with a copy of size bytes at argument. Never waits. options may be
 * NULL. 0 and *ret_future (end with fb_mp_future_free), or a negative errno: -EINVAL it is a
 * function that can't be spawned, -ESHUTDOWN the pool takes no more, -ENOMEM, -ENOSPC, or what broke
 * the pool. */
int fb_mp_submit(struct fb_mp_pool *pool, fb_mp_function function, const void *argument,
                 size_t size, const struct fb_mp_task_options *options,
                 struct fb_mp_future **ret_future);

/* ---- ending ---- */

/* Takes no more tasks. cancel: those that have not begun are cancelled. */
void fb_mp_pool_shutdown(struct fb_mp_pool *pool, bool cancel);

/* Waits until all tasks are done and all workers have ended, after shutdown. 0, -ETIMEDOUT, or
 * -EINVAL: it was not shut down. */
int fb_mp_pool_join(struct fb_mp_pool *pool, int64_t timeout_ns);

/* Kills the workers; tasks that were not done are cancelled. The pool is only good for close. */
void fb_mp_pool_terminate(struct fb_mp_pool *pool);

/* Terminates it, unless it was joined, and frees it; futures outlive it. NULL is accepted. */
void fb_mp_pool_close(struct fb_mp_pool *pool);

/* A pool that is closed at the end of its scope: FB_MP_POOL_SCOPED(pool) = NULL; */
#define FB_MP_POOL_SCOPED(name)                                                                    \
    __attribute__((cleanup(fb_mp_pool_close_scoped))) struct fb_mp_pool *name
static inline void fb_mp_pool_close_scoped(struct fb_mp_pool **pool)
{
    fb_mp_pool_close(*pool);
}

/* ---- workers ---- */

/* How many workers it is to have from now on, 1 … FB_MP_POOL_WORKERS; those that are too many end
 * after the task they are at. 0, -EINVAL or -ESHUTDOWN. */
int fb_mp_pool_resize(struct fb_mp_pool *pool, unsigned workers);

struct fb_mp_pool_state {
    unsigned workers; /* that it is to have */
    unsigned alive;   /* that it has */
    size_t pending;   /* tasks that no worker has begun */
    size_t running;
    uint64_t deaths; /* workers that ended unasked */
};
void fb_mp_pool_state(struct fb_mp_pool *pool, struct fb_mp_pool_state *ret_state);

#endif
