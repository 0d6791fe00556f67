/* harness/mp/pool*.c: what only happens when records run out, orders fail, or a pool ends in the
 * middle of something. */
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

static struct desk {
    _Atomic uint32_t count, open, pid;
} * desk;

static int count_one(struct fb_mp_call *call)
{
    (void)call;
    atomic_fetch_add(&desk->count, 1);
    return 0;
}

/* Stays until it is open. */
static int stay(struct fb_mp_call *call)
{
    (void)call;
    atomic_store(&desk->pid, (uint32_t)getpid());
    return !wait_for(&desk->open, 1);
}

/* Item 3 dies, item 4 stays. */
static int work_on(struct fb_mp_call *call)
{
    uint32_t item;
    memcpy(&item, call->argument, sizeof item);
    if (item == 3)
        raise(SIGKILL);
    if (item == 4)
        stay(call);
    return fb_mp_return(call, &item, sizeof item);
}

static void clear_desk(void)
{
    atomic_store(&desk->count, 0);
    atomic_store(&desk->open, 0);
    atomic_store(&desk->pid, 0);
}

/* ---- records ---- */

static void nobody_has_to_wait_for_a_future(void **state)
{
    (void)state;
    static struct fb_mp_future *future[MORE_THAN_RECORDS];
    struct fb_mp_pool *pool = crash_pool_open((struct fb_mp_pool_options){ .workers = 2 });
    clear_desk();
    for (uint32_t i = 0; i < MORE_THAN_RECORDS; i++) {
        future[i] = crash_submit(pool, count_one, NULL, 0, NULL);
        assert_true(wait_for(&desk->count, i + 1));
    }
    for (uint32_t i = 0; i < MORE_THAN_RECORDS; i++)
        fb_mp_future_free(future[i]);
    crash_pool_end(pool);
}

static void one_that_runs_again_finds_the_ring_full(void **state)
{
    (void)state;
    static struct fb_mp_future *future[POOL_RECORDS];
    struct fb_mp_pool *pool =
        crash_pool_open((struct fb_mp_pool_options){ .workers = 1, .retries = 1 });
    clear_desk();
    struct fb_mp_future *first = crash_submit(pool, stay, NULL, 0, NULL);
    assert_true(wait_for(&desk->pid, 1));
    for (size_t i = 0; i < POOL_RECORDS - 1; i++)
        future[i] = crash_submit(pool, count_one, NULL, 0, NULL);
    assert_int_equal(fb_mp_future_cancel(future[1], false), 0);
    future[POOL_RECORDS - 1] = crash_submit(pool, count_one, NULL, 0, NULL);
    kill((pid_t)atomic_load(&desk->pid), SIGKILL);
    atomic_store(&desk->open, 1);
    assert_int_equal(fb_mp_future_result(first, LIMIT, NULL, NULL, NULL), 0);
    for (size_t i = 0; i < POOL_RECORDS; i++) {
        assert_int_equal(fb_mp_future_result(future[i], LIMIT, NULL, NULL, NULL),
                         i == 1 ? -ECANCELED : 0);
        fb_mp_future_free(future[i]);
    }
    assert_int_equal(atomic_load(&desk->count), POOL_RECORDS - 1);
    fb_mp_future_free(first);
    crash_pool_end(pool);
}

/* ---- orders ---- */

static int sit(const void *argument, size_t size)
{
    (void)argument, (void)size;
    while (pause() < 0)
        ;
    return 0;
}

static void an_order_that_fails_closes_nothing(void **state)
{
    (void)state;
    struct fb_mp_supervisor *crew;
    struct fb_error error;
    struct rlimit before, none;
    const struct fb_mp_supervisor_options options = {
        .workers = 1, .run = sit, .shared = desk, .name = "sitter"
    };
    assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0);
    assert_int_equal(fb_mp_supervisor_open(&options, &crew, &error), 0);
    assert_int_equal(fb_mp_supervisor_wait(crew, &error), 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){ .rlim_cur = 0, .rlim_max = before.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int result = fb_mp_supervisor_make(crew, 5);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(result, -EMFILE);
    fb_mp_supervisor_close(crew, 0);
    assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0);
}

/* ---- in the middle of an imap ---- */

static int next_number(void *context, void *item)
{
    uint32_t *next = context;
    memcpy(item, next, sizeof *next);
    return ++*next <= 20;
}

static void what_a_pool_that_ends_left_is_told(void **state)
{
    (void)state;
    const struct fb_mp_imap_options options = { .map.chunk = 10 };
    struct fb_mp_pool *pool = crash_pool_open((struct fb_mp_pool_options){ .workers = 1 });
    struct fb_mp_imap *imap;
    uint32_t next = 0;
    clear_desk();
    assert_int_equal(
        fb_mp_imap(pool, work_on, next_number, &next, sizeof next, sizeof next, &options, &imap),
        0);
    assert_true(wait_for(&desk->pid, 1));
    fb_mp_pool_terminate(pool);
    for (uint32_t i = 0; i < 20; i++) {
        const void *bytes = NULL;
        size_t index;
        int result = fb_mp_imap_next(imap, LIMIT, &bytes, &index, NULL);
        if (i < 10)
            assert_int_equal(result, i < 3 ? 0 : i == 3 ? -EOWNERDEAD : -ECANCELED);
        else /* what runs again usually comes behind the second chunk, which is done then */
            assert_true(result == 0 || result == -ECANCELED);
        assert_int_equal(index, i);
        if (result == 0)
            assert_memory_equal(bytes, &i, sizeof i);
    }
    assert_int_equal(fb_mp_imap_next(imap, LIMIT, NULL, NULL, NULL), -ENODATA);
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

static void what_a_pool_took_is_given_after_its_shutdown(void **state)
{
    (void)state;
    const struct fb_mp_imap_options options = { .ahead = 4 };
    struct fb_mp_pool *pool = crash_pool_open((struct fb_mp_pool_options){ .workers = 2 });
    struct fb_mp_imap *imap;
    uint32_t next = 0, given = 0, refused = 0;
    int result;
    assert_int_equal(
        fb_mp_imap(pool, work_on, endless, &next, sizeof next, sizeof next, &options, &imap), 0);
    fb_mp_pool_shutdown(pool, false);
    while ((result = fb_mp_imap_next(imap, LIMIT, NULL, NULL, NULL)) != -ENODATA) {
        assert_true(result == 0 || result == -ESHUTDOWN);
        given += result == 0;
        refused += result != 0;
    }
    assert_int_equal(given, 4);
    assert_int_equal(refused, 1);
    fb_mp_imap_free(imap);
    fb_mp_pool_close(pool);
}

/* ---- limits ---- */

static void a_limit_of_for_ever_is_none(void **state)
{
    (void)state;
    const struct fb_mp_task_options options = { .limit_ns = FB_MP_FOREVER,
                                                .grace_ns = FB_MP_FOREVER };
    struct fb_mp_pool *pool = crash_pool_open((struct fb_mp_pool_options){ .workers = 1 });
    clear_desk();
    struct fb_mp_future *future = crash_submit(pool, stay, NULL, 0, &options);
    assert_true(wait_for(&desk->pid, 1));
    for (int i = 0; i < 3; i++) /* which the service thread looks at it for */
        fb_mp_future_free(crash_submit(pool, count_one, NULL, 0, &options));
    atomic_store(&desk->open, 1);
    assert_int_equal(fb_mp_future_result(future, LIMIT, NULL, NULL, NULL), 0);
    fb_mp_future_free(future);
    crash_pool_end(pool);
}

int main(void)
{
    void *memory;
    if (fb_mp_alloc(sizeof *desk, &memory) != 0)
        return 1;
    desk = memory;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_has_to_wait_for_a_future),
        cmocka_unit_test(one_that_runs_again_finds_the_ring_full),
        cmocka_unit_test(an_order_that_fails_closes_nothing),
        cmocka_unit_test(what_a_pool_that_ends_left_is_told),
        cmocka_unit_test(what_a_pool_took_is_given_after_its_shutdown),
        cmocka_unit_test(a_limit_of_for_ever_is_none),
    };
    return RUN_TESTS(tests);
}
