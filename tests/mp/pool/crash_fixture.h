/* Pools whose workers die, and what their tests share. */
#ifndef TEST_CRASH_FIXTURE_H
#define TEST_CRASH_FIXTURE_H

#include "tests/mp/process_fixture.h"
#include "tests/support/support.h"

#include "harness/mp/pool/map.h"

#define LIMIT (LIMIT_MS * FB_MP_MILLISECOND)

/* Ends this process: with an exit code, or with -N by signal N. */
_Noreturn void die(int how);

/* Opens a pool; fails the test when that is refused. */
struct fb_mp_pool *mortal_open(struct fb_mp_pool_options options);
/* Under fork and under spawn, with 1, 2, 7 and MANY_WORKERS. */
typedef void (*mortal_body)(enum fb_mp_method method, unsigned workers);
void mortal_under_all(mortal_body body);
/* Ends it when all its tasks are done, which they must become. */
void mortal_end(struct fb_mp_pool *pool);

/* A task; fails the test when it is refused. */
struct fb_mp_future *handed(struct fb_mp_pool *pool, fb_mp_function function, const void *argument,
                            size_t size, const struct fb_mp_task_options *options);

/* Waits until that many workers have died and as many as there should be are there; false when
 * LIMIT_MS passed. */
bool wait_for_workers(struct fb_mp_pool *pool, uint64_t deaths);

/* The same, until the process is stopped (of which its parent would be told, but that is the
 * helper). */
bool wait_for_stop(pid_t pid);

/* The helper whose child this is, which is a child of ours; 0: there is none. */
pid_t helper_of(pid_t worker);

/* Whether it fails as one does whose worker, if pid says which, died so. Gives it up. */
void check_dead(struct fb_mp_future *future, pid_t pid, int how);

#endif
