/* A pool of worker processes. Tasks are functions whose arguments and results are bytes. A pool has
 * the meaning of both multiprocessing.Pool and concurrent.futures.ProcessPoolExecutor in Python,
 * but no call waits for a worker that was killed: its task is run again, as often as the pool
 * allows, or fails with an error that says how the worker ended; a new worker replaces it, and the
 * others go on.
 *
 * A pool belongs to the process that opened it, and may be used by any thread of it. A process
 * that was forked from it afterwards cannot use the pool (-EINVAL). Each worker takes one
 * descriptor of the owner. */
#ifndef FB_MP_POOL_H
#define FB_MP_POOL_H

#include "harness/mp/pool/future.h"
#include "harness/mp/process/forkserver.h"
#include "harness/mp/process/process.h"

struct fb_mp_pool;

#define FB_MP_POOL_WORKERS 1024 /* at most */

/* FB_MP_FORK: workers are forked from the forkserver, a small process that is forked from this one
 * when it is first needed, or by fb_mp_forkserver_start. They have the memory of this process as it
 * was then, and shared memory. FB_MP_SPAWN: workers execute the program anew, as spawned processes
 * do (process.h). */
struct fb_mp_pool_options {
    enum fb_mp_method method;
    unsigned workers; /* 0: the number of CPUs that this process may use (affinity, quota) */
    /* Called in each worker before its first task, with a copy of size bytes at argument. If it
     * does not return 0, or ends the worker, the pool is broken; if the worker is killed by
     * SIGKILL, only the third time in a row. May be NULL. */
    fb_mp_run initializer;
    const void *argument;
    size_t size;
    uint64_t tasks_per_worker; /* after this many the worker is replaced; 0: never */
    unsigned retries;          /* how often a task is run again after its worker was killed */
    int64_t idle_ns;  /* workers without a task for this long end until they are needed; 0: never */
    const int *fd;    /* [fds] descriptors that workers get (fb_mp_descriptor(0), …) */
    size_t fds;       /* up to FB_MP_FDS - 1 */
    const char *name; /* NULL: "Pool"; workers are named "Pool-1", … */
};

/* Opens a pool and makes its workers. 0 and *ret_pool (free it with fb_mp_pool_close), or a
 * negative errno with *error:
 * -EINVAL   too many workers or descriptors, or no such method
 * -EPERM    this process is a worker of a pool
 * -ENOSYS   a spawning pool in a program whose main does not begin with fb_mp_main
 * -ENOENT   the initializer of a spawning pool is not in the table of fb_mp_main
 * -EAGAIN, -EMFILE, -ENOMEM, -ENOSPC   not enough resources */
int fb_mp_pool_open(const struct fb_mp_pool_options *options, struct fb_mp_pool **ret_pool,
                    struct fb_error *error);

/* ---- tasks ---- */

struct fb_mp_task_options {
    const void *bound; /* bound_size bytes, copied: call->bound of the function */
    size_t bound_size;
    /* How long the task may run. After this its worker is terminated by SIGTERM, and after grace_ns
     * by SIGKILL, and the task fails with -ETIMEDOUT. 0: no limit. */
    int64_t limit_ns;
    int64_t grace_ns; /* 0: one second */
};

/* Submits a task: a call of function with a copy of size bytes at argument. Never waits. options
 * may be NULL. 0 and *ret_future (free it with fb_mp_future_free), or a negative errno: -EINVAL:
 * the pool spawns and the function is not in the table of fb_mp_main, -ESHUTDOWN: the pool was
 * shut down, -ENOMEM, -ENOSPC, or the error that broke the pool. */
int fb_mp_submit(struct fb_mp_pool *pool, fb_mp_function function, const void *argument,
                 size_t size, const struct fb_mp_task_options *options,
                 struct fb_mp_future **ret_future);

/* ---- ending ---- */

/* The pool accepts no more tasks. cancel: tasks that have not begun are cancelled. */
void fb_mp_pool_shutdown(struct fb_mp_pool *pool, bool cancel);

/* After fb_mp_pool_shutdown: waits until all tasks are done and all workers have ended. 0,
 * -ETIMEDOUT, or -EINVAL: the pool was not shut down. */
int fb_mp_pool_join(struct fb_mp_pool *pool, int64_t timeout_ns);

/* Kills all workers and cancels all unfinished tasks. After this the pool can only be closed. */
void fb_mp_pool_terminate(struct fb_mp_pool *pool);

/* Terminates the pool, unless it was joined, and frees it. Futures stay valid. NULL is accepted. */
void fb_mp_pool_close(struct fb_mp_pool *pool);

/* Declares a pool that is closed at the end of its scope: FB_MP_POOL_SCOPED(pool) = NULL; */
#define FB_MP_POOL_SCOPED(name)                                                                    \
    __attribute__((cleanup(fb_mp_pool_close_scoped))) struct fb_mp_pool *name
static inline void fb_mp_pool_close_scoped(struct fb_mp_pool **pool)
{
    fb_mp_pool_close(*pool);
}

/* ---- workers ---- */

/* Sets the number of workers, 1 … FB_MP_POOL_WORKERS. Surplus workers end after their current
 * task. 0, -EINVAL or -ESHUTDOWN. */
int fb_mp_pool_resize(struct fb_mp_pool *pool, unsigned workers);

struct fb_mp_pool_state {
    unsigned workers; /* the number that was asked for */
    unsigned alive;   /* the number that exists */
    size_t pending;   /* tasks that no worker has begun */
    size_t running;
    uint64_t deaths; /* workers that ended by themselves or were killed */
};
void fb_mp_pool_state(struct fb_mp_pool *pool, struct fb_mp_pool_state *ret_state);

#endif
