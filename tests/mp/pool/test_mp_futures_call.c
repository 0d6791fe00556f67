/* harness/mp/pool/future.h: callbacks. */
#include "tests/support/support.h"

#include "tests/mp/pool/pool_fixture.h"

#include "harness/mp/core/heap.h"

#include <errno.h>

static const struct fb_mp_task tasks[] = { POOL_PAGE_TASKS, { 0 } };

struct note {
    _Atomic uint32_t calls;
    uint32_t number[20];
    struct fb_mp_pool *pool;
    struct fb_mp_future *later;
};

struct noter {
    struct note *note;
    uint32_t number;
};

static void note(struct fb_mp_future *future, void *context)
{
    struct noter *noter = context;
    struct note *on = noter->note;
    uint32_t at = atomic_load(&on->calls);
    on->number[at] = fb_mp_future_is_done(future) ? noter->number : 1000;
    if (noter->number == 2) { /* a callback may use futures and pools */
        fb_mp_future_cancel(future, true);
        if (fb_mp_submit(on->pool, echo, "later", 5, NULL, &on->later) < 0)
            on->number[at] = 1001;
    }
    atomic_store(&on->calls, at + 1);
}

static void call_back(enum fb_mp_method method, unsigned workers)
{
    struct note seen = { .calls = 0 };
    struct noter noter[10];
    struct fb_mp_pool *pool = seen.pool =
        pool_opened((struct fb_mp_pool_options){ .method = method, .workers = workers });
    struct fb_mp_future *future = submitted_page(pool, wait_at_gate);
    for (uint32_t i = 0; i < 10; i++)
        noter[i] = (struct noter){ &seen, i };
    for (uint32_t i = 0; i < 7; i++) {
        assert_int_equal(fb_mp_future_call(future, note, &noter[i]), 0);
        if (i == 3)
            assert_true(
                wait_for(&pool_page->begun, 1)); /* the others are added while the task runs */
    }
    assert_int_equal(atomic_load(&seen.calls), 0);
    fb_mp_event_set(pool_page->gate);
    assert_true(wait_for(&seen.calls, 7)); /* although no thread waits for the future */
    for (uint32_t i = 7; i < 10; i++) {
        assert_int_equal(fb_mp_future_call(future, note, &noter[i]), 0);
        assert_true(wait_for(&seen.calls, i + 1));
    }
    for (uint32_t i = 0; i < 10; i++)
        assert_int_equal(seen.number[i], i);
    assert_brings(seen.later, "later", 5);
    assert_int_equal(number_from(future), 0);
    fb_mp_pool_close(pool);
}

/* Callbacks of a future that is cancelled, one whose handle was freed, and one that is
 * unfinished when its pool is closed. */
static void call_back_at_the_end(enum fb_mp_method method, unsigned workers)
{
    struct note seen = { .calls = 0 };
    struct noter noter[3] = { { &seen, 0 }, { &seen, 1 }, { &seen, 3 } };
    struct fb_mp_pool *pool =
        pool_opened((struct fb_mp_pool_options){ .method = method, .workers = workers });
    struct fb_mp_future *future[202], *left = submitted(pool, echo, "x", 1);
    assert_int_equal(fb_mp_future_call(left, note, &noter[0]), 0);
    fb_mp_future_free(left);
    assert_true(wait_for(&seen.calls, 1));
    for (unsigned i = 0; i < workers + 2; i++)
        future[i] = submitted_page(pool, run_for_ever);
    assert_true(wait_for(&pool_page->begun, workers));
    assert_int_equal(fb_mp_future_call(future[workers], note, &noter[1]), 0);
    assert_int_equal(fb_mp_future_call(future[workers + 1], note, &noter[2]), 0);
    assert_int_equal(fb_mp_future_cancel(future[workers], false), 0);
    assert_true(wait_for(&seen.calls, 2));
    fb_mp_pool_close(pool);
    assert_int_equal(atomic_load(&seen.calls), 3);
    assert_int_equal(seen.number[0], 0);
    assert_int_equal(seen.number[1], 1);
    assert_int_equal(seen.number[2], 3);
    for (unsigned i = 0; i < workers + 2; i++)
        assert_fails(future[i], -ECANCELED, "");
}

static void callbacks_are_called_in_order(void **state)
{
    (void)state;
    under_all(call_back, MANY_WORKERS);
    under_all(call_back_at_the_end, MANY_WORKERS);
}

int main(int argc, char **argv)
{
    fb_mp_main(argc, argv, tasks);
    fb_mp_heap_make(); /* its descriptor stays open as long as the program runs */
    const struct CMUnitTest tests[] = { WITH_POOL_PAGE(callbacks_are_called_in_order) };
    return RUN_TESTS(tests);
}
