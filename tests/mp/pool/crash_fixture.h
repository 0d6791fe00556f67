/* Pools whose workers are killed or end themselves, and what their tests share. */
#ifndef TEST_CRASH_FIXTURE_H
#define TEST_CRASH_FIXTURE_H

#include "tests/mp/process_fixture.h"
#include "tests/support/support.h"

#include "harness/mp/pool/map.h"

/* Ends this process: with exit code how, or if how is negative, by signal -how. */
_Noreturn void end_self(int how);

/* Opens a pool; fails the test when that is refused. */
struct fb_mp_pool *crash_pool_open(struct fb_mp_pool_options options);
/* The same with one worker, which is stopped before its first task: it claims none, so a test can
 * claim and complete them in its place. */
struct fb_mp_pool *crash_pool_open_stopped(struct fb_mp_pool_options options);
/* Waits until all tasks are done and all workers have ended, and closes the pool. */
void crash_pool_end(struct fb_mp_pool *pool);
/* Runs body for pools that fork and that spawn, with 1, 2, 7 and MANY_WORKERS workers. */
typedef void (*crash_body)(enum fb_mp_method method, unsigned workers);
void crash_under_all(crash_body body);

/* Submits a task; fails the test when it is refused. */
struct fb_mp_future *crash_submit(struct fb_mp_pool *pool, fb_mp_function function,
                                  const void *argument, size_t size,
                                  const struct fb_mp_task_options *options);

/* Waits until at least this many workers have died and the pool has all its workers again. False:
 * LIMIT_MS passed. */
bool wait_for_workers(struct fb_mp_pool *pool, uint64_t deaths);

/* Waits until the process is stopped, by polling: a worker's parent is the forkserver. False:
 * LIMIT_MS passed. */
bool wait_for_stop(pid_t pid);

/* The forkserver that is this worker's parent and this process's child; 0: there is none. */
pid_t forkserver_of(pid_t worker);

/* Checks that the task failed because its worker ended like this; pid 0: whichever worker. Frees
 * the future. */
void assert_worker_died(struct fb_mp_future *future, pid_t pid, int how);

#endif
