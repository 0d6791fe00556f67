/* harness/mp/pool/pool.h: initializers, and workers that are replaced, idle, added or removed. */
#include "tests/support/support.h"

#include "tests/mp/pool/pool_fixture.h"
#include "tests/mp/process_fixture.h"

#include "harness/mp/core/heap.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- tasks and initializers ---- */

static uint32_t initialized; /* number of calls in this process */

struct greeting {
    struct pool_page *pool_page;
    char text[100];
};

static int initialize(const void *argument, size_t size)
{
    const struct greeting *greeting = argument;
    if (size != sizeof *greeting || strcmp(greeting->text, "to all of you") != 0)
        return 1;
    atomic_fetch_add(&greeting->pool_page->turn, 1);
    initialized++;
    return 0;
}

static int at_gate_initialized(struct fb_mp_call *call)
{
    struct pool_page *found = pool_page_of(call);
    uint32_t before = initialized;
    atomic_fetch_add(&found->begun, 1);
    int result = fb_mp_event_wait(found->gate, LIMIT_NS);
    return result < 0 ? result : fb_mp_return(call, &before, sizeof before);
}

static int return_three(const void *argument, size_t size)
{
    (void)argument, (void)size;
    return 3;
}

static int exit_with_four(const void *argument, size_t size)
{
    (void)argument, (void)size;
    _exit(4);
}

static int exit_with_zero(const void *argument, size_t size)
{
    (void)argument, (void)size;
    _exit(0);
}

static int be_killed(const void *argument, size_t size)
{
    (void)argument, (void)size;
    return raise(SIGKILL);
}

/* The first `killed` of each `of` workers in a row are killed while they begin. */
struct bad_starts {
    struct pool_page *page;
    uint32_t killed, of;
};

static int be_killed_at_times(const void *argument, size_t size)
{
    const struct bad_starts *starts = argument;
    (void)size;
    uint32_t before = atomic_fetch_add(&starts->page->turn, 1);
    return before % starts->of < starts->killed ? raise(SIGKILL) : 0;
}

static const struct fb_mp_task tasks[] = {
    POOL_PAGE_TASKS,
    FB_MP_RUN(initialize),
    FB_MP_RUN(return_three),
    FB_MP_RUN(exit_with_four),
    FB_MP_RUN(exit_with_zero),
    FB_MP_RUN(be_killed),
    FB_MP_RUN(be_killed_at_times),
    FB_MP_FUNCTION(at_gate_initialized),
    { 0 },
};

/* ---- initializers ---- */

static void initialize_each(enum fb_mp_method method, unsigned workers)
{
    struct fb_mp_future *future[200];
    struct greeting greeting = { pool_page, "to all of you" };
    struct fb_mp_pool *pool = pool_opened((struct fb_mp_pool_options){ .method = method,
                                                                       .workers = workers,
                                                                       .initializer = initialize,
                                                                       .argument = &greeting,
                                                                       .size = sizeof greeting });
    memset(&greeting, 0, sizeof greeting); /* workers have a copy */
    for (unsigned i = 0; i < workers; i++)
        future[i] = submitted_page(pool, at_gate_initialized);
    assert_true(wait_for(&pool_page->begun, workers)); /* each worker runs one */
    fb_mp_event_set(pool_page->gate);
    for (unsigned i = 0; i < workers; i++)
        assert_int_equal(number_from(future[i]), 1);
    assert_int_equal(atomic_load(&pool_page->turn), workers);
    fb_mp_pool_close(pool);
}

static void initializers_run_before_tasks(void **state)
{
    (void)state;
    under_all(initialize_each, MANY_WORKERS);
}

static void break_by(enum fb_mp_method method, unsigned workers, fb_mp_run initializer,
                     const char *words)
{
    struct fb_mp_future *future[20];
    size_t count = 0;
    struct fb_mp_pool *pool = pool_opened((struct fb_mp_pool_options){
        .method = method, .workers = workers, .initializer = initializer });
    int result = 0;
    for (; count < 20; count++)
        if ((result = fb_mp_submit(pool, echo, "x", 1, NULL, &future[count])) < 0)
            break;
    for (size_t i = 0; i < count; i++) {
        struct fb_error error = { 0 };
        int code = fb_mp_future_result(future[i], LIMIT_NS, NULL, NULL, &error);
        assert_true(fb_mp_future_is_done(future[i])); /* not a timeout */
        assert_true(code < 0 && (result == 0 || code == result));
        if (!strstr(error.text, words))
            fail_msg("\"%s\" does not contain \"%s\"", error.text, words);
        result = code;
        fb_mp_future_free(future[i]);
    }
    assert_true(result < 0);
    assert_int_not_equal(result, -ESHUTDOWN);
    assert_int_equal(fb_mp_submit(pool, echo, "x", 1, NULL, &future[0]), result);
    fb_mp_pool_shutdown(pool, false);
    assert_int_equal(fb_mp_pool_join(pool, LIMIT_NS), 0);
    fb_mp_pool_close(pool);
}

static void break_in_each_way(enum fb_mp_method method, unsigned workers)
{
    for (int i = 0; i < 5; i++) {
        break_by(method, workers, return_three, "returned 3");
        break_by(method, workers, exit_with_four, "code 4");
        break_by(method, workers, exit_with_zero, "code 0");
        break_by(method, workers, be_killed, "signal 9");
    }
}

static void initializers_that_fail_break_the_pool(void **state)
{
    (void)state;
    under_all(break_in_each_way, 0);
    for (size_t m = 0; m < METHODS; m++) {
        break_by(methods[m], MANY_WORKERS, return_three, "returned 3");
        break_by(methods[m], MANY_WORKERS, be_killed, "signal 9");
    }
}

static struct fb_mp_pool *open_with_bad_starts(enum fb_mp_method method, uint32_t killed,
                                               uint32_t of)
{
    const struct bad_starts starts = { pool_page, killed, of };
    pool_page_clear();
    return pool_opened((struct fb_mp_pool_options){ .method = method,
                                                    .workers = 1,
                                                    .initializer = be_killed_at_times,
                                                    .argument = &starts,
                                                    .size = sizeof starts,
                                                    .retries = 1000 });
}

static void three_failed_starts_in_a_row_break_the_pool(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++) {
        struct fb_mp_pool *pool = open_with_bad_starts(methods[m], 1, 1);
        struct fb_mp_future *future;
        if (fb_mp_submit(pool, echo, "x", 1, NULL, &future) == 0)
            assert_fails(future, -EOWNERDEAD, "signal 9");
        fb_mp_pool_close(pool);
        assert_int_equal(atomic_load(&pool_page->turn), 3);
    }
}

static void two_failed_starts_in_a_row_are_survived(void **state)
{
    (void)state;
    enum { ROUNDS = 3 };
    for (size_t m = 0; m < METHODS; m++) {
        struct fb_mp_pool *pool = open_with_bad_starts(methods[m], 2, 3);
        for (uint32_t i = 1; i <= ROUNDS; i++) {
            pid_t pid = (pid_t)number_from(submitted(pool, return_pid, NULL, 0));
            assert_int_equal(atomic_load(&pool_page->turn), 3 * i);
            if (i < ROUNDS) /* after one good start the next two may fail again */
                assert_int_equal(kill(pid, SIGKILL), 0);
        }
        assert_int_equal(pool_state(pool).deaths, 3 * ROUNDS - 1);
        fb_mp_pool_close(pool);
    }
}

/* ---- workers that come and go ---- */

static int compare(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

static void replace_workers(enum fb_mp_method method, unsigned workers)
{
    struct fb_mp_future *future[60];
    uint32_t pid[60];
    struct fb_mp_pool *pool = pool_opened(
        (struct fb_mp_pool_options){ .method = method, .workers = workers, .tasks_per_worker = 3 });
    for (size_t i = 0; i < 60; i++)
        future[i] = submitted(pool, return_pid, NULL, 0);
    for (size_t i = 0; i < 60; i++)
        pid[i] = number_from(future[i]);
    qsort(pid, 60, sizeof pid[0], compare);
    for (size_t i = 3; i < 60; i++)
        assert_int_not_equal(pid[i], pid[i - 3]); /* no worker ran more than three */
    assert_int_equal(pool_state(pool).deaths, 0);
    fb_mp_pool_close(pool);
}

static void workers_are_replaced_after_tasks_per_worker(void **state)
{
    (void)state;
    under_all(replace_workers, MANY_WORKERS);
}

static void let_idle_workers_end(enum fb_mp_method method, unsigned workers)
{
    struct fb_mp_future *future[200];
    struct fb_mp_pool *pool = pool_opened((struct fb_mp_pool_options){
        .method = method, .workers = workers, .idle_ns = FB_MP_MILLISECOND });
    for (int round = 0; round < 2; round++) {
        wait_for_alive(pool, 0);
        pool_page_clear();
        for (unsigned i = 0; i < workers; i++)
            future[i] = submitted_page(pool, wait_at_gate);
        assert_true(wait_for(&pool_page->begun, workers)); /* as many as there are tasks */
        assert_int_equal(pool_state(pool).alive, workers);
        fb_mp_event_set(pool_page->gate);
        for (unsigned i = 0; i < workers; i++)
            assert_true(number_from(future[i]) < workers);
    }
    assert_int_equal(pool_state(pool).deaths, 0);
    fb_mp_pool_close(pool);
}

static void idle_workers_end_until_they_are_needed(void **state)
{
    (void)state;
    under_all(let_idle_workers_end, MANY_WORKERS);
}

static void resize(enum fb_mp_method method, unsigned workers)
{
    unsigned more = workers + 5, count = more + 28;
    struct fb_mp_future *future[240];
    struct fb_mp_pool *pool =
        pool_opened((struct fb_mp_pool_options){ .method = method, .workers = workers });
    for (size_t i = 0; i < count; i++)
        future[i] = submitted_page(pool, wait_at_gate);
    assert_true(wait_for(&pool_page->begun, workers));
    assert_int_equal(pool_state(pool).running, workers);
    assert_int_equal(pool_state(pool).pending, count - workers);
    assert_int_equal(fb_mp_pool_resize(pool, more), 0);
    assert_true(wait_for(&pool_page->begun, more));
    assert_int_equal(pool_state(pool).workers, more);
    assert_int_equal(pool_state(pool).alive, more);
    assert_int_equal(fb_mp_pool_resize(pool, 1), 0);
    assert_int_equal(pool_state(pool).workers, 1);
    assert_int_equal(pool_state(pool).running, more); /* running tasks go on */
    fb_mp_event_set(pool_page->gate);
    for (size_t i = 0; i < count; i++)
        assert_true(number_from(future[i]) < count);
    wait_for_alive(pool, 1);
    assert_int_equal(fb_mp_pool_resize(pool, more), 0); /* and back */
    wait_for_alive(pool, more);
    assert_brings(submitted(pool, echo, "more", 4), "more", 4);
    assert_int_equal(pool_state(pool).deaths, 0);
    assert_int_equal(fb_mp_pool_resize(pool, 0), -EINVAL);
    assert_int_equal(fb_mp_pool_resize(pool, 1025), -EINVAL);
    fb_mp_pool_shutdown(pool, false);
    assert_int_equal(fb_mp_pool_resize(pool, 2), -ESHUTDOWN);
    fb_mp_pool_close(pool);
}

static void pools_grow_and_shrink(void **state)
{
    (void)state;
    under_all(resize, MANY_WORKERS);
    for (size_t m = 0; m < METHODS; m++) {
        struct fb_mp_pool *pool =
            pool_opened((struct fb_mp_pool_options){ .method = methods[m], .workers = 1 });
        for (int i = 0; i < 2; i++) {
            assert_int_equal(fb_mp_pool_resize(pool, MANY_WORKERS),
                             0); /* more than the first block of slots */
            wait_for_alive(pool, MANY_WORKERS);
            assert_int_equal(fb_mp_pool_resize(pool, 1), 0);
            wait_for_alive(pool, 1);
        }
        assert_brings(submitted(pool, echo, "one", 3), "one", 3);
        fb_mp_pool_close(pool);
    }
}

int main(int argc, char **argv)
{
    fb_mp_main(argc, argv, tasks);
    fb_mp_heap_make(); /* its descriptor stays open as long as the program runs */
    const struct CMUnitTest tests[] = {
        WITH_POOL_PAGE(initializers_run_before_tasks),
        WITH_POOL_PAGE(initializers_that_fail_break_the_pool),
        WITH_POOL_PAGE(three_failed_starts_in_a_row_break_the_pool),
        WITH_POOL_PAGE(two_failed_starts_in_a_row_are_survived),
        WITH_POOL_PAGE(workers_are_replaced_after_tasks_per_worker),
        WITH_POOL_PAGE(idle_workers_end_until_they_are_needed),
        WITH_POOL_PAGE(pools_grow_and_shrink),
    };
    return RUN_TESTS(tests);
}
