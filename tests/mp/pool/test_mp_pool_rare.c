/* harness/mp/pool: rare cases: no free record, workers that cannot be made, pools that end
 * during an imap, endless limits. */
#include "tests/mp/pool/crash_fixture.h"

#include "harness/mp/process/supervisor.h"
#include "harness/mp/core/heap.h"
#include "harness/mp/pool/pool_tasks.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define MORE_THAN_RECORDS (2 * POOL_RECORDS)

static struct page {
    _Atomic uint32_t count, open, pid;
} * page;

static int count_one(struct fb_mp_call *call)
{
    (void)call;
    atomic_fetch_add(&page->count, 1);
    return 0;
}

/* Runs until the page is open. */
static int stay(struct fb_mp_call *call)
{
    (void)call;
    atomic_store(&page->pid, (uint32_t)getpid());
    return !wait_for(&page->open, 1);
}

/* Item 3 kills its worker, item 4 runs until the page is open. */
static int return_item(struct fb_mp_call *call)
{
    uint32_t item;
    memcpy(&item, call->argument, sizeof item);
    if (item == 3)
        raise(SIGKILL);
    if (item == 4)
        stay(call);
    return fb_mp_return(call, &item, sizeof item);
}

static void clear_page(void)
{
    atomic_store(&page->count, 0);
    atomic_store(&page->open, 0);
    atomic_store(&page->pid, 0);
}

/* ---- records ---- */

static void tasks_run_although_no_thread_waits(void **state)
{
    (void)state;
    static struct fb_mp_future *future[MORE_THAN_RECORDS];
    struct fb_mp_pool *pool = crash_pool_open((struct fb_mp_pool_options){ .workers = 2 });
    clear_page();
    for (uint32_t i = 0; i < MORE_THAN_RECORDS; i++) {
        future[i] = crash_submit(pool, count_one, NULL, 0, NULL);
        assert_true(wait_for(&page->count, i + 1));
    }
    for (uint32_t i = 0; i < MORE_THAN_RECORDS; i++)
        fb_mp_future_free(future[i]);
    crash_pool_end(pool);
}

static void a_task_is_run_again_although_the_ring_is_full(void **state)
{
    (void)state;
    static struct fb_mp_future *future[POOL_RECORDS];
    struct fb_mp_pool *pool =
        crash_pool_open((struct fb_mp_pool_options){ .workers = 1, .retries = 1 });
    clear_page();
    struct fb_mp_future *first = crash_submit(pool, stay, NULL, 0, NULL);
    assert_true(wait_for(&page->pid, 1));
    for (size_t i = 0; i < POOL_RECORDS - 1; i++)
        future[i] = crash_submit(pool, count_one, NULL, 0, NULL);
    assert_int_equal(fb_mp_future_cancel(future[1], false), 0);
    future[POOL_RECORDS - 1] = crash_submit(pool, count_one, NULL, 0, NULL);
    kill((pid_t)atomic_load(&page->pid), SIGKILL);
    atomic_store(&page->open, 1);
    assert_int_equal(fb_mp_future_result(first, LIMIT_NS, NULL, NULL, NULL), 0);
    for (size_t i = 0; i < POOL_RECORDS; i++) {
        assert_int_equal(fb_mp_future_result(future[i], LIMIT_NS, NULL, NULL, NULL),
                         i == 1 ? -ECANCELED : 0);
        fb_mp_future_free(future[i]);
    }
    assert_int_equal(atomic_load(&page->count), POOL_RECORDS - 1);
    fb_mp_future_free(first);
    crash_pool_end(pool);
}

/* ---- requests to the supervisor ---- */

static int pause_for_ever(const void *argument, size_t size)
{
    (void)argument, (void)size;
    while (pause() < 0)
        ;
    return 0;
}

static void a_request_that_fails_closes_no_descriptor(void **state)
{
    (void)state;
    struct fb_mp_supervisor *supervisor;
    struct fb_error error;
    struct rlimit before, none;
    const struct fb_mp_supervisor_options options = {
        .workers = 1, .run = pause_for_ever, .shared = page, .name = "pausing"
    };
    assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0);
    assert_int_equal(fb_mp_supervisor_open(&options, &supervisor, &error), 0);
    assert_int_equal(fb_mp_supervisor_wait(supervisor, &error), 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){ .rlim_cur = 0, .rlim_max = before.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int result = fb_mp_supervisor_make(supervisor, 5);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(result, -EMFILE);
    fb_mp_supervisor_close(supervisor, 0);
    assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0);
}

/* ---- the end of a pool during an imap ---- */

static int next_number(void *context, void *item)
{
    uint32_t *next = context;
    memcpy(item, next, sizeof *next);
    return ++*next <= 20;
}

static void an_imap_reports_items_that_a_terminated_pool_left(void **state)
{
    (void)state;
    const struct fb_mp_imap_options options = { .map.chunk = 10 };
    struct fb_mp_pool *pool = crash_pool_open((struct fb_mp_pool_options){ .workers = 1 });
    struct fb_mp_imap *imap;
    uint32_t next = 0;
    clear_page();
    assert_int_equal(fb_mp_imap(pool, return_item, next_number, &next, sizeof next, sizeof next,
                                &options, &imap),
                     0);
    assert_true(wait_for(&page->pid, 1));
    fb_mp_pool_terminate(pool);
    for (uint32_t i = 0; i < 20; i++) {
        const void *bytes = NULL;
        size_t index;
        int result = fb_mp_imap_next(imap, LIMIT_NS, &bytes, &index, NULL);
        if (i < 10)
            assert_int_equal(result, i < 3 ? 0 : i == 3 ? -EOWNERDEAD : -ECANCELED);
        else /* the first chunk runs again after the second one, which usually is done by then */
            assert_true(result == 0 || result == -ECANCELED);
        assert_int_equal(index, i);
        if (result == 0)
            assert_memory_equal(bytes, &i, sizeof i);
    }
    assert_int_equal(fb_mp_imap_next(imap, LIMIT_NS, NULL, NULL, NULL), -ENODATA);
    fb_mp_imap_free(imap);
    fb_mp_pool_close(pool);
}

static int endless(void *context, void *item)
{
    uint32_t *next = context, number = 100 + *next;
    memcpy(item, &number, sizeof number);
    ++*next;
    return 1;
}

static void an_imap_returns_submitted_items_after_shutdown(void **state)
{
    (void)state;
    const struct fb_mp_imap_options options = { .ahead = 4 };
    struct fb_mp_pool *pool = crash_pool_open((struct fb_mp_pool_options){ .workers = 2 });
    struct fb_mp_imap *imap;
    uint32_t next = 0, returned = 0, refused = 0;
    int result;
    assert_int_equal(
        fb_mp_imap(pool, return_item, endless, &next, sizeof next, sizeof next, &options, &imap),
        0);
    fb_mp_pool_shutdown(pool, false);
    while ((result = fb_mp_imap_next(imap, LIMIT_NS, NULL, NULL, NULL)) != -ENODATA) {
        assert_true(result == 0 || result == -ESHUTDOWN);
        returned += result == 0;
        refused += result != 0;
    }
    assert_int_equal(returned, 4);
    assert_int_equal(refused, 1);
    fb_mp_imap_free(imap);
    fb_mp_pool_close(pool);
}

/* ---- limits ---- */

static void a_limit_of_for_ever_never_ends_a_task(void **state)
{
    (void)state;
    const struct fb_mp_task_options options = { .limit_ns = FB_MP_FOREVER,
                                                .grace_ns = FB_MP_FOREVER };
    struct fb_mp_pool *pool = crash_pool_open((struct fb_mp_pool_options){ .workers = 1 });
    clear_page();
    struct fb_mp_future *future = crash_submit(pool, stay, NULL, 0, &options);
    assert_true(wait_for(&page->pid, 1));
    for (int i = 0; i < 3; i++) /* the service thread checks limits for each */
        fb_mp_future_free(crash_submit(pool, count_one, NULL, 0, &options));
    atomic_store(&page->open, 1);
    assert_int_equal(fb_mp_future_result(future, LIMIT_NS, NULL, NULL, NULL), 0);
    fb_mp_future_free(future);
    crash_pool_end(pool);
}

int main(void)
{
    void *memory;
    if (fb_mp_alloc(sizeof *page, &memory) != 0)
        return 1;
    page = memory;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tasks_run_although_no_thread_waits),
        cmocka_unit_test(a_task_is_run_again_although_the_ring_is_full),
        cmocka_unit_test(a_request_that_fails_closes_no_descriptor),
        cmocka_unit_test(an_imap_reports_items_that_a_terminated_pool_left),
        cmocka_unit_test(an_imap_returns_submitted_items_after_shutdown),
        cmocka_unit_test(a_limit_of_for_ever_never_ends_a_task),
    };
    return RUN_TESTS(tests);
}
