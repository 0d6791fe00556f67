/* Pools in tests, and a desk in shared memory at which their workers tell and are told. */
#ifndef TEST_POOL_FIXTURE_H
#define TEST_POOL_FIXTURE_H

#include "harness/mp/pool/map.h"
#include "harness/mp/sync/sync.h"

#define LIMIT (LIMIT_MS * FB_MP_MILLISECOND)

struct pool_page {
    struct fb_mp_event *gate; /* shut at first */
    _Atomic uint32_t begun, ended, turn;
};
extern struct pool_page *pool_page;

/* Set-up and teardown of a test: a shared page; after it no memory of the heap is left. */
int pool_page_make(void **state);
int pool_page_free(void **state);
#define WITH_POOL_PAGE(test) cmocka_unit_test_setup_teardown(test, pool_page_make, pool_page_free)

/* Shuts the gate again and sets the numbers to 0. */
void pool_page_clear(void);

/* Under fork and under spawn, with 1, 2 and 7 workers, and with `many` if that is not 0. */
typedef void (*pool_body)(enum fb_mp_method method, unsigned workers);
void under_all(pool_body body, unsigned many);

/* Opens a pool; fails the test when that is refused. */
struct fb_mp_pool *pool_opened(struct fb_mp_pool_options options);
struct fb_mp_pool_state pool_state(struct fb_mp_pool *pool);
/* Until it has that many workers. */
void wait_for_alive(struct fb_mp_pool *pool, unsigned alive);

/* Hands over a task; fails the test when that is refused. */
struct fb_mp_future *submitted(struct fb_mp_pool *pool, fb_mp_function function,
                               const void *argument, size_t size);
/* One whose argument is the shared page, of the functions below. */
struct fb_mp_future *submitted_page(struct fb_mp_pool *pool, fb_mp_function function);

/* Waits for the future, which must bring these bytes, and frees it. */
void assert_brings(struct fb_mp_future *future, const void *bytes, size_t size);
/* … fail with that code and a text that contains these words, and frees it. */
void assert_fails(struct fb_mp_future *future, int code, const char *words);
/* Waits for a number and frees the future. */
uint32_t number_from(struct fb_mp_future *future);

/* ---- what workers do; the argument begins with the shared page's address ---- */

struct pool_page *pool_page_of(const struct fb_mp_call *call);

/* Waits until the gate is open; gives how many came before it. */
int wait_at_gate(struct fb_mp_call *call);
/* Never ends by itself. */
int run_for_ever(struct fb_mp_call *call);
/* Gives its pid. */
int return_pid(struct fb_mp_call *call);
/* Gives its argument. */
int echo(struct fb_mp_call *call);

#define POOL_PAGE_TASKS                                                                            \
    FB_MP_FUNCTION(wait_at_gate), FB_MP_FUNCTION(run_for_ever), FB_MP_FUNCTION(return_pid),        \
        FB_MP_FUNCTION(echo)

#endif
