/* harness/mp/pool/task.h, future.h: arguments, results and errors of tasks; states and
 * cancelling. */
#include "tests/support/support.h"

#include "tests/mp/pool/pool_fixture.h"
#include "tests/mp/process_fixture.h"

#include "harness/mp/core/heap.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define LARGE 5000000u
#define TERABYTE ((size_t)1 << 40)
#define LONG_TEXT                                                                                  \
    "it was the best of times, it was the worst of times, it was the age of wisdom, it was the "   \
    "age of foolishness, it was the epoch of belief, it was the epoch of incredulity"

/* ---- tasks ---- */

static int return_twice(struct fb_mp_call *call)
{
    size_t size[2];
    memcpy(size, call->argument, sizeof size);
    for (size_t i = 0; i < 2; i++) {
        char *room = fb_mp_return_room(call, size[i]);
        if (!room)
            return call->error.code;
        memset(room, 'a' + (int)i, size[i]);
    }
    return 0;
}

/* The result is the argument followed by the bound. */
static int join_bound(struct fb_mp_call *call)
{
    if (call->index != 0 || call->count != 1 || (uintptr_t)call->argument % _Alignof(max_align_t))
        return -EDOM;
    char *room = fb_mp_return_room(call, call->size + call->bound_size);
    if (!room)
        return call->error.code;
    memcpy(room, call->argument, call->size);
    if (call->bound_size)
        memcpy(room + call->size, call->bound, call->bound_size);
    return 0;
}

/* Fails with its argument as the text, if there is one, after it has set a result, which is
 * dropped. */
static int fail_with(struct fb_mp_call *call)
{
    int result = fb_mp_return(call, "nothing", 7);
    if (result < 0 || call->size == 0)
        return result < 0 ? result : -EXDEV;
    return fb_error_set(&call->error, -EXDEV, "%.*s", (int)call->size,
                        (const char *)call->argument);
}

static int return_terabyte(struct fb_mp_call *call)
{
    return fb_mp_return_room(call, TERABYTE) ? 0 : call->error.code;
}

static int return_less(struct fb_mp_call *call)
{
    if (fb_mp_return_room(call, TERABYTE) || fb_mp_return(call, "", TERABYTE) != -EMSGSIZE)
        return -EDOM;
    return fb_mp_return(call, "less", 4);
}

static int shield_from_sigterm(struct fb_mp_call *call)
{
    signal(SIGTERM, SIG_IGN);
    return run_for_ever(call);
}

static int count_up(struct fb_mp_call *call)
{
    atomic_fetch_add(&pool_page_of(call)->turn, 1);
    return 0;
}

static const struct fb_mp_task tasks[] = {
    POOL_PAGE_TASKS,
    FB_MP_FUNCTION(return_twice),
    FB_MP_FUNCTION(join_bound),
    FB_MP_FUNCTION(fail_with),
    FB_MP_FUNCTION(return_terabyte),
    FB_MP_FUNCTION(return_less),
    FB_MP_FUNCTION(shield_from_sigterm),
    FB_MP_FUNCTION(count_up),
    { 0 },
};

static struct fb_mp_pool *pool_of(enum fb_mp_method method, unsigned workers)
{
    return pool_opened((struct fb_mp_pool_options){ .method = method, .workers = workers });
}

/* ---- bytes ---- */

static const size_t sizes[] = { 0, 1, 15, 16, 17, 39, 40, 41, 100000, LARGE };
#define SIZES (sizeof sizes / sizeof *sizes)

static void echo_all(enum fb_mp_method method, unsigned workers)
{
    struct fb_mp_future *future[SIZES];
    unsigned char *bytes = malloc(LARGE);
    struct fb_mp_pool *pool = pool_of(method, workers);
    for (size_t i = 0; i < LARGE; i++)
        bytes[i] = (unsigned char)(i * 7 + i / 251);
    for (size_t i = 0; i < SIZES; i++)
        future[i] = submitted(pool, echo, bytes, sizes[i]);
    for (size_t i = SIZES; i-- > 0;)
        assert_brings(future[i], bytes, sizes[i]);
    fb_mp_pool_close(pool);
    free(bytes);
}

static void arguments_and_results_have_any_size(void **state)
{
    (void)state;
    under_all(echo_all, MANY_WORKERS);
}

static void replace_results(enum fb_mp_method method, unsigned workers)
{
    static char bytes[100000];
    struct fb_mp_pool *pool = pool_of(method, workers);
    memset(bytes, 'b', sizeof bytes);
    for (size_t i = 0; i < SIZES - 1; i++)
        for (size_t k = 0; k < SIZES - 1; k++) {
            const size_t both[] = { sizes[i], sizes[k] };
            assert_brings(submitted(pool, return_twice, both, sizeof both), bytes, sizes[k]);
        }
    fb_mp_pool_close(pool);
}

static void a_later_result_replaces_an_earlier_one(void **state)
{
    (void)state;
    under_all(replace_results, MANY_WORKERS);
}

static void bind(enum fb_mp_method method, unsigned workers)
{
    char bound[] = "bound";
    struct fb_mp_future *future[2];
    struct fb_mp_pool *pool = pool_of(method, workers);
    const struct fb_mp_task_options options = { .bound = bound, .bound_size = 5 };
    assert_int_equal(fb_mp_submit(pool, join_bound, "free ", 5, &options, &future[0]), 0);
    assert_int_equal(fb_mp_submit(pool, join_bound, "a longer one is ", 16, &options, &future[1]),
                     0);
    memset(bound, 'x', sizeof bound); /* it is copied */
    assert_brings(future[0], "free bound", 10);
    assert_brings(future[1], "a longer one is bound", 21);
    assert_brings(submitted(pool, join_bound, "nothing", 7), "nothing", 7);
    fb_mp_pool_close(pool);
}

static void a_task_gets_its_bound_bytes(void **state)
{
    (void)state;
    under_all(bind, MANY_WORKERS);
}

/* ---- failures ---- */

static void fail_all(enum fb_mp_method method, unsigned workers)
{
    struct fb_error error;
    struct fb_mp_pool *pool = pool_of(method, workers);
    assert_fails(submitted(pool, fail_with, "too short", 9), -EXDEV, "too short");
    struct fb_mp_future *future = submitted(pool, fail_with, LONG_TEXT, strlen(LONG_TEXT));
    assert_int_equal(fb_mp_future_result(future, LIMIT_NS, NULL, NULL, &error), -EXDEV);
    assert_string_equal(error.text, LONG_TEXT);
    assert_int_equal(fb_mp_future_result(future, 0, NULL, NULL, NULL), -EXDEV);
    assert_int_equal(fb_mp_future_state(future), FB_MP_DONE);
    fb_mp_future_free(future);
    assert_fails(submitted(pool, fail_with, NULL, 0), -EXDEV, strerror(EXDEV));
    assert_fails(submitted(pool, return_terabyte, NULL, 0), -EMSGSIZE, "1099511627776");
    assert_brings(submitted(pool, return_less, NULL, 0), "less", 4);
    assert_int_equal(pool_state(pool).deaths, 0);
    fb_mp_pool_close(pool);
}

static void errors_are_returned(void **state)
{
    (void)state;
    under_all(fail_all, MANY_WORKERS);
}

/* ---- states ---- */

static void pass_through_states(enum fb_mp_method method, unsigned workers)
{
    struct fb_mp_future *running[200], *pending;
    struct fb_error error;
    struct fb_mp_pool *pool = pool_of(method, workers);
    for (unsigned i = 0; i < workers; i++)
        running[i] = submitted_page(pool, wait_at_gate);
    assert_true(wait_for(&pool_page->begun, workers));
    pending = submitted(pool, echo, "x", 1);
    assert_int_equal(fb_mp_future_state(running[0]), FB_MP_RUNNING);
    assert_int_equal(fb_mp_future_state(pending), FB_MP_PENDING);
    assert_int_equal(fb_mp_future_wait(pending, 0), -ETIMEDOUT);
    assert_int_equal(fb_mp_future_wait(running[0], FB_MP_MILLISECOND), -ETIMEDOUT);
    assert_int_equal(fb_mp_future_result(pending, FB_MP_MILLISECOND, NULL, NULL, &error),
                     -ETIMEDOUT);
    assert_true(error.code == -ETIMEDOUT && *error.text);
    assert_false(fb_mp_future_is_done(pending));
    assert_int_equal(fb_mp_future_cancel(running[0], false), -EBUSY);
    fb_mp_event_set(pool_page->gate);
    assert_int_equal(fb_mp_future_wait(pending, LIMIT_NS), 0);
    assert_int_equal(fb_mp_future_state(pending), FB_MP_DONE);
    assert_true(fb_mp_future_is_done(pending));
    assert_int_equal(fb_mp_future_cancel(pending, true), -EALREADY);
    for (unsigned i = 0; i < workers; i++)
        assert_true(number_from(running[i]) < workers);
    fb_mp_pool_close(pool);
    assert_int_equal(fb_mp_future_cancel(pending, false), -EALREADY);
    assert_brings(pending, "x", 1); /* a future stays valid after its pool is closed */
}

static void futures_pass_through_states(void **state)
{
    (void)state;
    under_all(pass_through_states, MANY_WORKERS);
}

static void cancel_tasks(enum fb_mp_method method, unsigned workers)
{
    struct fb_mp_future *running[200], *pending[1000];
    struct fb_mp_pool *pool = pool_of(method, workers);
    for (unsigned i = 0; i < workers; i++)
        running[i] = submitted_page(pool, run_for_ever);
    assert_true(wait_for(&pool_page->begun, workers));
    for (size_t i = 0; i < 1000; i++) /* more than there are records */
        pending[i] = submitted(pool, echo, "x", 1);
    for (size_t i = 0; i < 999; i++) {
        size_t at = i * 7 % 999; /* in a mixed order */
        assert_int_equal(fb_mp_future_cancel(pending[at], false), 0);
        assert_int_equal(fb_mp_future_state(pending[at]), FB_MP_CANCELLED);
        assert_int_equal(fb_mp_future_cancel(pending[at], false), -EALREADY);
        assert_fails(pending[at], -ECANCELED, "cancelled");
    }
    assert_int_equal(pool_state(pool).pending, 1);
    for (unsigned i = 0; i < workers; i++) {
        assert_int_equal(fb_mp_future_cancel(running[i], true), 0);
        assert_int_equal(fb_mp_future_wait(running[i], LIMIT_NS), 0);
        assert_int_equal(fb_mp_future_state(running[i]), FB_MP_CANCELLED);
        assert_fails(running[i], -ECANCELED, "while it ran");
    }
    assert_brings(pending[999], "x", 1);
    wait_for_alive(pool, workers);
    fb_mp_pool_close(pool);
}

static void unfinished_tasks_can_be_cancelled(void **state)
{
    (void)state;
    under_all(cancel_tasks, MANY_WORKERS);
    pool_page_clear();
    struct fb_mp_pool *pool = pool_of(FB_MP_FORK, 1);
    struct fb_mp_future *shielded = submitted_page(pool, shield_from_sigterm);
    assert_true(wait_for(&pool_page->begun, 1));
    assert_int_equal(fb_mp_future_cancel(shielded, true), 0);
    assert_fails(shielded, -ECANCELED, "while it ran"); /* after a second, by SIGKILL */
    fb_mp_pool_close(pool);
}

/* Tasks after the cancelled ones are run although no thread calls the pool. */
static void run_unattended(enum fb_mp_method method, unsigned workers)
{
    struct fb_mp_future *first[200], *pending[5000], *counted[10];
    struct fb_mp_pool *pool = pool_of(method, workers);
    for (unsigned i = 0; i < workers; i++)
        first[i] = submitted_page(pool, wait_at_gate);
    assert_true(wait_for(&pool_page->begun, workers));
    for (size_t i = 0; i < 5000; i++)
        pending[i] = submitted(pool, echo, "x", 1);
    for (size_t i = 0; i < 10; i++)
        counted[i] = submitted_page(pool, count_up);
    for (size_t i = 0; i < 5000; i++)
        assert_int_equal(fb_mp_future_cancel(pending[i], false), 0);
    fb_mp_event_set(pool_page->gate);
    assert_true(wait_for(&pool_page->turn, 10));
    for (size_t i = 0; i < 5000; i++)
        fb_mp_future_free(pending[i]);
    for (size_t i = 0; i < 10; i++)
        assert_brings(counted[i], NULL, 0);
    for (unsigned i = 0; i < workers; i++)
        assert_true(number_from(first[i]) < workers);
    fb_mp_pool_close(pool);
}

static void tasks_are_run_although_no_thread_waits(void **state)
{
    (void)state;
    under_all(run_unattended, MANY_WORKERS);
}

int main(int argc, char **argv)
{
    fb_mp_main(argc, argv, tasks);
    fb_mp_heap_make(); /* its descriptor stays open as long as the program runs */
    const struct CMUnitTest tests[] = {
        WITH_POOL_PAGE(arguments_and_results_have_any_size),
        WITH_POOL_PAGE(a_later_result_replaces_an_earlier_one),
        WITH_POOL_PAGE(a_task_gets_its_bound_bytes),
        WITH_POOL_PAGE(errors_are_returned),
        WITH_POOL_PAGE(futures_pass_through_states),
        WITH_POOL_PAGE(unfinished_tasks_can_be_cancelled),
        WITH_POOL_PAGE(tasks_are_run_although_no_thread_waits),
    };
    return RUN_TESTS(tests);
}
