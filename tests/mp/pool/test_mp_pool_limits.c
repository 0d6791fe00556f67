/* harness/mp/pool/pool.h: tasks with a time limit, and tasks that are cancelled while they run. */
#include "tests/mp/pool/crash_fixture.h"

#include "harness/mp/core/heap.h"
#include "harness/mp/core/sleep.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define COUNT 50u
#define SHORT (20 * FB_MP_MILLISECOND)
#define NEVER (1000 * LIMIT_NS)

/* ---- tasks ---- */

struct page {
    _Atomic uint32_t begun, open, calls;
    _Atomic pid_t pid;
};
static struct page *page;

static struct page *page_of(const struct fb_mp_call *call)
{
    struct page *given;
    memcpy(&given, call->argument, sizeof given);
    return given;
}

static void begin(struct page *given)
{
    atomic_store(&given->pid, getpid());
    atomic_fetch_add(&given->begun, 1);
}

static int ignore_sigterm(struct fb_mp_call *call)
{
    signal(SIGTERM, SIG_IGN);
    begin(page_of(call));
    for (;;)
        pause();
    return 0;
}

static int run_for_ever(struct fb_mp_call *call)
{
    begin(page_of(call));
    for (;;)
        pause();
    return 0;
}

static int stay(struct fb_mp_call *call)
{
    struct page *given = page_of(call);
    begin(given);
    while (atomic_load(&given->open) == 0)
        fb_mp_sleep(&given->open, 0, FB_MP_FOREVER);
    return fb_mp_return(call, "alive", 5);
}

static int be_quick(struct fb_mp_call *call)
{
    begin(page_of(call));
    return fb_mp_return(call, "alive", 5);
}

static const struct fb_mp_task tasks[] = { FB_MP_FUNCTION(ignore_sigterm),
                                           FB_MP_FUNCTION(run_for_ever),
                                           FB_MP_FUNCTION(stay),
                                           FB_MP_FUNCTION(be_quick),
                                           { 0 } };

/* ---- */

static struct fb_mp_pool *pool_of(enum fb_mp_method method, unsigned workers)
{
    memset(page, 0, sizeof *page);
    return crash_pool_open((struct fb_mp_pool_options){ .method = method, .workers = workers });
}

static struct fb_mp_future *submit(struct fb_mp_pool *pool, fb_mp_function function,
                                   int64_t limit_ns, int64_t grace_ns)
{
    const struct fb_mp_task_options options = { .limit_ns = limit_ns, .grace_ns = grace_ns };
    return crash_submit(pool, function, &page, sizeof page, &options);
}

static void check_alive(struct fb_mp_future *future)
{
    const void *bytes;
    size_t size;
    assert_int_equal(fb_mp_future_result(future, LIMIT_NS, &bytes, &size, NULL), 0);
    assert_int_equal(size, 5);
    assert_memory_equal(bytes, "alive", 5);
    fb_mp_future_free(future);
}

static void check_timed_out(struct fb_mp_future *future, const char *limit)
{
    struct fb_error error = { 0 };
    assert_int_equal(fb_mp_future_wait(future, LIMIT_NS), 0);
    assert_int_equal(fb_mp_future_result(future, 0, NULL, NULL, &error), -ETIMEDOUT);
    assert_int_equal(error.code, -ETIMEDOUT);
    if (!strstr(error.text, limit))
        fail_msg("the error does not contain \"%s\": %s", limit, error.text);
    assert_int_equal(fb_mp_future_state(future), FB_MP_DONE);
    fb_mp_future_free(future);
}

static void open_page(void)
{
    atomic_store(&page->open, 1);
    fb_mp_wake(&page->open, INT32_MAX);
}

static void a_task_that_ignores_sigterm_is_killed(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++) {
        struct fb_mp_pool *pool = pool_of(methods[m], 1);
        struct fb_mp_future *stubborn = submit(pool, ignore_sigterm, SHORT, SHORT);
        struct fb_mp_future *next = submit(pool, be_quick, 0, 0);
        int64_t begin_ns = fb_mp_now();
        check_timed_out(stubborn, "0.02 s");
        assert_true(fb_mp_now() - begin_ns >= 2 * SHORT - FB_MP_MILLISECOND);
        check_alive(next);
        crash_pool_end(pool);
    }
}

/* On all workers at once. SIGKILL would only come after the time limit of the test. */
static void exceed_limits(enum fb_mp_method method, unsigned workers)
{
    struct fb_mp_future *future[200];
    struct fb_mp_pool *pool = pool_of(method, workers);
    for (unsigned i = 0; i < workers; i++)
        future[i] = submit(pool, run_for_ever, SHORT, NEVER);
    for (unsigned i = 0; i < workers; i++)
        check_timed_out(future[i], "0.02 s");
    check_alive(submit(pool, be_quick, 0, 0));
    crash_pool_end(pool);
}

static void sigterm_comes_first(void **state)
{
    (void)state;
    crash_under_all(exceed_limits);
}

static void a_hundred_tasks_in_a_row_are_terminated(void **state)
{
    (void)state;
    static const unsigned counts[METHODS] = { 100, 20 };
    for (size_t m = 0; m < METHODS; m++) {
        struct fb_mp_pool *pool = pool_of(methods[m], 2);
        struct fb_mp_future *future[100];
        size_t used = fb_mp_heap_used();
        for (unsigned i = 0; i < counts[m]; i++)
            future[i] = submit(pool, i % 2 ? ignore_sigterm : run_for_ever, 2 * FB_MP_MILLISECOND,
                               FB_MP_MILLISECOND);
        struct fb_mp_future *last = submit(pool, be_quick, LIMIT_NS, 0);
        for (unsigned i = 0; i < counts[m]; i++)
            check_timed_out(future[i], "0.002 s");
        check_alive(last);
        assert_true(wait_for_workers(pool, 0));
        assert_int_equal(fb_mp_heap_used(), used);
        crash_pool_end(pool);
    }
}

static void a_task_within_its_limit_succeeds(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++) {
        struct fb_mp_pool *pool = pool_of(methods[m], 2);
        for (unsigned i = 0; i < COUNT; i++)
            check_alive(submit(pool, be_quick, LIMIT_NS, 0));
        struct fb_mp_future *future = submit(pool, stay, LIMIT_NS, 0);
        assert_true(wait_for(&page->begun, COUNT + 1));
        open_page();
        check_alive(future);
        struct fb_mp_pool_state now;
        fb_mp_pool_state(pool, &now);
        assert_int_equal(now.deaths, 0);
        crash_pool_end(pool);
    }
}

/* The tasks are submitted long before a worker begins them. */
static void limits_count_from_the_start(void **state)
{
    (void)state;
    const int64_t limit = FB_MP_SECOND / 2;
    struct fb_mp_pool *pool[METHODS];
    struct fb_mp_future *first[METHODS], *future[METHODS][COUNT];
    for (size_t m = 0; m < METHODS; m++) {
        pool[m] = pool_of(methods[m], 1);
        first[m] = submit(pool[m], stay, 0, 0);
        for (unsigned i = 0; i < COUNT; i++)
            future[m][i] = submit(pool[m], be_quick, limit, 0);
    }
    for (int64_t end = fb_mp_now() + limit + limit / 5; fb_mp_now() < end;)
        sched_yield();
    open_page();
    for (size_t m = 0; m < METHODS; m++) {
        check_alive(first[m]);
        for (unsigned i = 0; i < COUNT; i++)
            check_alive(future[m][i]);
        crash_pool_end(pool[m]);
    }
}

/* ---- cancelling ---- */

static void count_call(struct fb_mp_future *future, void *context)
{
    (void)future;
    atomic_fetch_add(&((struct page *)context)->calls, 1);
}

static void check_cancelled(struct fb_mp_future *future)
{
    struct fb_error error = { 0 };
    assert_int_equal(fb_mp_future_wait(future, LIMIT_NS), 0);
    assert_int_equal(fb_mp_future_state(future), FB_MP_CANCELLED);
    assert_int_equal(fb_mp_future_result(future, 0, NULL, NULL, &error), -ECANCELED);
    assert_int_equal(error.code, -ECANCELED);
    assert_int_equal(fb_mp_future_cancel(future, true), -EALREADY);
    assert_int_equal(fb_mp_future_state(future), FB_MP_CANCELLED);
}

static void a_running_task_is_cancelled(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++)
        for (int stubborn = 0; stubborn < 2; stubborn++) {
            struct fb_mp_pool *pool = pool_of(methods[m], 2);
            struct fb_mp_future *other = submit(pool, stay, 0, 0);
            struct fb_mp_future *future = submit(pool, stubborn ? ignore_sigterm : run_for_ever,
                                                 stubborn ? LIMIT_NS : 0, SHORT);
            struct fb_mp_future *later = submit(pool, be_quick, 0, 0);
            assert_int_equal(fb_mp_future_call(future, count_call, page), 0);
            assert_true(wait_for(&page->begun, 2));
            assert_int_equal(fb_mp_future_cancel(future, false), -EBUSY);
            assert_int_equal(fb_mp_future_cancel(future, true), 0);
            check_cancelled(future);
            check_alive(later);
            assert_int_equal(fb_mp_future_state(other), FB_MP_RUNNING);
            open_page();
            check_alive(other);
            crash_pool_end(pool);
            assert_int_equal(atomic_load(&page->calls), 1);
            fb_mp_future_free(future);
        }
}

/* The worker has just begun, and others are still being made: perhaps its pid has not been
 * reported yet. It gets SIGTERM, or SIGKILL, nevertheless. */
static void a_task_of_a_new_worker_is_cancelled(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++)
        for (int stubborn = 0; stubborn < 2; stubborn++) {
            struct fb_mp_pool *pool = pool_of(methods[m], 200);
            struct fb_mp_future *future = submit(pool, stubborn ? ignore_sigterm : run_for_ever, 0,
                                                 stubborn ? FB_MP_MILLISECOND : NEVER);
            assert_true(wait_for(&page->begun, 1));
            assert_int_equal(fb_mp_future_cancel(future, true), 0);
            check_cancelled(future);
            fb_mp_future_free(future);
            fb_mp_pool_close(pool);
        }
}

/* It is either cancelled or done, and its callback is called once. */
static void a_task_is_cancelled_while_it_ends(void **state)
{
    (void)state;
    enum { ROUNDS = 500 };
    unsigned cancelled = 0, done = 0, late = 0;
    struct fb_mp_pool *pool = pool_of(FB_MP_FORK, 2);
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct fb_mp_future *future = submit(pool, be_quick, 0, 0);
        assert_int_equal(fb_mp_future_call(future, count_call, page), 0);
        for (unsigned spin = 0; spin < i * 20; spin++)
            fb_mp_relax();
        int result = fb_mp_future_cancel(future, true);
        assert_true(result == 0 || result == -EALREADY);
        assert_int_equal(fb_mp_future_wait(future, LIMIT_NS), 0);
        if (result == 0 && fb_mp_future_state(future) == FB_MP_CANCELLED) {
            cancelled++;
            check_cancelled(future);
            fb_mp_future_free(future);
        } else {
            *(result == 0 ? &done : &late) += 1;
            check_alive(future);
        }
    }
    crash_pool_end(pool);
    print_message("%u cancelled, %u done before that, %u too late\n", cancelled, done, late);
    assert_int_equal(atomic_load(&page->calls), ROUNDS);
}

int main(int argc, char **argv)
{
    void *memory;
    fb_mp_main(argc, argv, tasks);
    if (fb_mp_alloc(sizeof *page, &memory) != 0)
        return 1;
    page = memory;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_task_that_ignores_sigterm_is_killed),
        cmocka_unit_test(sigterm_comes_first),
        cmocka_unit_test(a_hundred_tasks_in_a_row_are_terminated),
        cmocka_unit_test(a_task_within_its_limit_succeeds),
        cmocka_unit_test(limits_count_from_the_start),
        cmocka_unit_test(a_running_task_is_cancelled),
        cmocka_unit_test(a_task_of_a_new_worker_is_cancelled),
        cmocka_unit_test(a_task_is_cancelled_while_it_ends),
    };
    return RUN_TESTS(tests);
}
