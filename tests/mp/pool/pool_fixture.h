/* Pools for tests, and a page in shared memory that a test and the workers of its pools use. */
#ifndef TEST_POOL_FIXTURE_H
#define TEST_POOL_FIXTURE_H

#include "harness/mp/pool/map.h"
#include "harness/mp/sync/sync.h"

struct pool_page {
    struct fb_mp_event *gate; /* clear at first */
    _Atomic uint32_t begun, ended, turn;
};
extern struct pool_page *pool_page;

/* Set-up and teardown of a test: allocate and free the page. Fails the test if memory of the
 * heap is left. */
int pool_page_make(void **state);
int pool_page_free(void **state);
#define WITH_POOL_PAGE(test) cmocka_unit_test_setup_teardown(test, pool_page_make, pool_page_free)

/* Clears the gate and sets the counters to 0. */
void pool_page_clear(void);

/* Runs body for pools that fork and that spawn, with 1, 2 and 7 workers, and with `many` if that
 * is not 0. */
typedef void (*pool_body)(enum fb_mp_method method, unsigned workers);
void under_all(pool_body body, unsigned many);

/* Opens a pool; fails the test when that is refused. */
struct fb_mp_pool *pool_opened(struct fb_mp_pool_options options);
struct fb_mp_pool_state pool_state(struct fb_mp_pool *pool);
/* Waits until the pool has exactly this many workers. */
void wait_for_alive(struct fb_mp_pool *pool, unsigned alive);

/* Submits a task; fails the test when that is refused. */
struct fb_mp_future *submitted(struct fb_mp_pool *pool, fb_mp_function function,
                               const void *argument, size_t size);
/* The same with the page's address as the argument, for the functions below. */
struct fb_mp_future *submitted_page(struct fb_mp_pool *pool, fb_mp_function function);

/* Checks that the result is these bytes, and frees the future. */
void assert_brings(struct fb_mp_future *future, const void *bytes, size_t size);
/* Checks that the error has this code and a text that contains these words, and frees the
 * future. */
void assert_fails(struct fb_mp_future *future, int code, const char *words);
/* Returns the result, a uint32_t, and frees the future. */
uint32_t number_from(struct fb_mp_future *future);

/* ---- tasks; their argument begins with the page's address ---- */

/* The address in the argument. */
struct pool_page *pool_page_of(const struct fb_mp_call *call);

/* Waits until the gate is set. The result is how many tasks had begun to wait before. */
int wait_at_gate(struct fb_mp_call *call);
/* Never returns. */
int run_for_ever(struct fb_mp_call *call);
/* The result is the worker's pid. */
int return_pid(struct fb_mp_call *call);
/* The result is the argument. */
int echo(struct fb_mp_call *call);

#define POOL_PAGE_TASKS                                                                            \
    FB_MP_FUNCTION(wait_at_gate), FB_MP_FUNCTION(run_for_ever), FB_MP_FUNCTION(return_pid),        \
        FB_MP_FUNCTION(echo)

#endif
