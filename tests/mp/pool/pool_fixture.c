#include "tests/support/support.h"

#include "tests/mp/pool/pool_fixture.h"
#include "tests/mp/process_fixture.h"

#include "harness/mp/core/heap.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

struct pool_page *pool_page;
static size_t used;

/* ---- the shared page ---- */

int pool_page_make(void **state)
{
    (void)state;
    void *memory;
    used = fb_mp_heap_used();
    assert_int_equal(fb_mp_alloc(sizeof *pool_page, &memory), 0);
    pool_page = memory;
    assert_int_equal(fb_mp_event_make(&pool_page->gate), 0);
    return 0;
}

int pool_page_free(void **state)
{
    (void)state;
    fb_mp_event_free(pool_page->gate);
    fb_mp_free(pool_page);
    assert_int_equal(fb_mp_heap_used(), used);
    return 0;
}

void pool_page_clear(void)
{
    fb_mp_event_clear(pool_page->gate);
    atomic_store(&pool_page->begun, 0);
    atomic_store(&pool_page->ended, 0);
    atomic_store(&pool_page->turn, 0);
}

/* ---- pools ---- */

void under_all(pool_body body, unsigned many)
{
    const unsigned workers[] = { 1, 2, 7, many };
    for (size_t m = 0; m < METHODS; m++)
        for (size_t i = 0; i < 4; i++) {
            if (workers[i] == 0)
                continue;
            pool_page_clear();
            body(methods[m], workers[i]);
        }
}

struct fb_mp_pool *pool_opened(struct fb_mp_pool_options options)
{
    struct fb_mp_pool *pool = NULL;
    struct fb_error error = { 0 };
    if (fb_mp_pool_open(&options, &pool, &error) < 0)
        fail_msg("%s", error.text);
    return pool;
}

struct fb_mp_pool_state pool_state(struct fb_mp_pool *pool)
{
    struct fb_mp_pool_state now;
    fb_mp_pool_state(pool, &now);
    return now;
}

void wait_for_alive(struct fb_mp_pool *pool, unsigned alive)
{
    uint64_t limit = clock_ms() + LIMIT_MS;
    while (pool_state(pool).alive != alive) {
        assert_true(clock_ms() < limit);
        sched_yield();
    }
}

struct fb_mp_future *submitted(struct fb_mp_pool *pool, fb_mp_function function,
                               const void *argument, size_t size)
{
    struct fb_mp_future *future = NULL;
    assert_int_equal(fb_mp_submit(pool, function, argument, size, NULL, &future), 0);
    return future;
}

struct fb_mp_future *submitted_page(struct fb_mp_pool *pool, fb_mp_function function)
{
    return submitted(pool, function, &pool_page, sizeof pool_page);
}

void assert_brings(struct fb_mp_future *future, const void *bytes, size_t size)
{
    const void *got = NULL;
    size_t got_size = SIZE_MAX;
    struct fb_error error = { 0 };
    if (fb_mp_future_result(future, LIMIT_NS, &got, &got_size, &error) < 0)
        fail_msg("%d: %s", error.code, error.text);
    assert_int_equal(got_size, size);
    if (size && memcmp(got, bytes, size) != 0)
        fail_msg("wrong bytes in a result of %zu", size);
    fb_mp_future_free(future);
}

void assert_fails(struct fb_mp_future *future, int code, const char *words)
{
    struct fb_error error = { 0 };
    assert_int_equal(fb_mp_future_result(future, LIMIT_NS, NULL, NULL, &error), code);
    assert_int_equal(error.code, code);
    if (!strstr(error.text, words))
        fail_msg("\"%s\" does not contain \"%s\"", error.text, words);
    assert_true(fb_mp_future_is_done(future));
    fb_mp_future_free(future);
}

uint32_t number_from(struct fb_mp_future *future)
{
    const void *bytes = NULL;
    size_t size = 0;
    uint32_t number;
    struct fb_error error = { 0 };
    if (fb_mp_future_result(future, LIMIT_NS, &bytes, &size, &error) < 0)
        fail_msg("%d: %s", error.code, error.text);
    assert_int_equal(size, sizeof number);
    memcpy(&number, bytes, sizeof number);
    fb_mp_future_free(future);
    return number;
}

/* ---- tasks ---- */

struct pool_page *pool_page_of(const struct fb_mp_call *call)
{
    struct pool_page *found;
    memcpy(&found, call->argument, sizeof found);
    return found;
}

int wait_at_gate(struct fb_mp_call *call)
{
    struct pool_page *found = pool_page_of(call);
    uint32_t before = atomic_fetch_add(&found->begun, 1);
    int result = fb_mp_event_wait(found->gate, LIMIT_NS);
    atomic_fetch_add(&found->ended, 1);
    return result < 0 ? result : fb_mp_return(call, &before, sizeof before);
}

int run_for_ever(struct fb_mp_call *call)
{
    atomic_fetch_add(&pool_page_of(call)->begun, 1);
    for (;;)
        pause();
    return 0;
}

int return_pid(struct fb_mp_call *call)
{
    uint32_t pid = (uint32_t)getpid();
    return fb_mp_return(call, &pid, sizeof pid);
}

int echo(struct fb_mp_call *call)
{
    return fb_mp_return(call, call->argument, call->size);
}
