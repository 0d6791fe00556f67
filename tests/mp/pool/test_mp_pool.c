/* harness/mp/pool/pool.h: opening, using and ending pools; names and descriptors of workers. */
#include "tests/support/support.h"

#include "tests/support/fork_child.h"
#include "tests/mp/pool/pool_fixture.h"
#include "tests/mp/process_fixture.h"

#include "harness/mp/core/heap.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- tasks ---- */

static int open_pool(struct fb_mp_call *call)
{
    struct fb_mp_pool *pool;
    return fb_mp_pool_open(&(struct fb_mp_pool_options){ .workers = 1 }, &pool, &call->error);
}

static int own_name(struct fb_mp_call *call)
{
    return fb_mp_return(call, fb_mp_self_name(), strlen(fb_mp_self_name()));
}

/* Argument: the index of a descriptor, to which a byte is written, and an index that is too
 * large. */
static int write_to(struct fb_mp_call *call)
{
    size_t number[2];
    memcpy(number, call->argument, sizeof number);
    if (fb_mp_descriptor(number[1]) != -1)
        return -EEXIST;
    return write(fb_mp_descriptor(number[0]), "x", 1) == 1 ? 0 : -errno;
}

static int not_in_the_table(struct fb_mp_call *call)
{
    return fb_mp_return(call, "here", 4);
}

static int run_not_in_the_table(const void *argument, size_t size)
{
    (void)argument, (void)size;
    return 0;
}

static const struct fb_mp_task tasks[] = {
    POOL_PAGE_TASKS, FB_MP_FUNCTION(open_pool), FB_MP_FUNCTION(own_name), FB_MP_FUNCTION(write_to),
    { 0 },
};

/* ---- opening ---- */

static void open_work_close(enum fb_mp_method method, unsigned workers)
{
    struct fb_mp_pool *pool =
        pool_opened((struct fb_mp_pool_options){ .method = method, .workers = workers });
    struct fb_mp_pool_state now = pool_state(pool);
    assert_int_equal(now.workers, workers);
    assert_int_equal(now.alive, workers);
    assert_int_equal(now.pending, 0);
    assert_int_equal(now.running, 0);
    assert_int_equal(now.deaths, 0);
    assert_brings(submitted(pool, echo, "hello", 5), "hello", 5);
    fb_mp_pool_close(pool);
}

static void pools_open_work_and_close(void **state)
{
    (void)state;
    under_all(open_work_close, MANY_WORKERS);
    fb_mp_pool_close(NULL);
}

static void a_pool_has_a_worker_for_each_cpu(void **state)
{
    (void)state;
    cpu_set_t all, one;
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    CPU_ZERO(&one);
    for (int cpu = 0; CPU_COUNT(&one) == 0; cpu++)
        if (CPU_ISSET(cpu, &all))
            CPU_SET(cpu, &one);
    const cpu_set_t *sets[] = { &one, &all };
    for (size_t i = 0; i < 2; i++)
        for (size_t m = 0; m < METHODS; m++) {
            assert_int_equal(sched_setaffinity(0, sizeof *sets[i], sets[i]), 0);
            struct fb_mp_pool *pool =
                pool_opened((struct fb_mp_pool_options){ .method = methods[m] });
            assert_int_equal(pool_state(pool).workers, CPU_COUNT(sets[i]));
            assert_int_equal(pool_state(pool).alive, CPU_COUNT(sets[i]));
            fb_mp_pool_close(pool);
        }
}

static void assert_refused(struct fb_mp_pool_options options, int code)
{
    struct fb_mp_pool *pool = (struct fb_mp_pool *)&options, *before = pool;
    struct fb_error error = { 0 };
    assert_int_equal(fb_mp_pool_open(&options, &pool, &error), code);
    assert_int_equal(error.code, code);
    assert_true(strlen(error.text) > 10);
    assert_ptr_equal(pool, before);
}

static void wrong_options_are_refused(void **state)
{
    (void)state;
    static const int fds[FB_MP_FDS];
    for (size_t m = 0; m < METHODS; m++) {
        assert_refused((struct fb_mp_pool_options){ .method = methods[m], .workers = 1025 },
                       -EINVAL);
        assert_refused(
            (struct fb_mp_pool_options){
                .method = methods[m], .workers = 1, .fd = fds, .fds = FB_MP_FDS },
            -EINVAL);
    }
    assert_refused((struct fb_mp_pool_options){ .method = 7, .workers = 1 }, -EINVAL);
    assert_refused((struct fb_mp_pool_options){ .method = FB_MP_SPAWN,
                                                .workers = 1,
                                                .initializer = run_not_in_the_table },
                   -ENOENT);
}

static int submit_in_a_fork(void *context)
{
    struct fb_mp_future *future;
    return fb_mp_submit(context, echo, "", 0, NULL, &future) == -EINVAL ? 0 : 1;
}

static void wrong_tasks_are_refused(void **state)
{
    (void)state;
    struct fb_mp_future *future;
    for (size_t m = 0; m < METHODS; m++) {
        struct fb_mp_pool *pool =
            pool_opened((struct fb_mp_pool_options){ .method = methods[m], .workers = 1 });
        assert_int_equal(fb_mp_submit(pool, NULL, "", 0, NULL, &future), -EINVAL);
        assert_int_equal(fb_mp_submit(pool, echo, NULL, 1, NULL, &future), -EINVAL);
        assert_fails(submitted(pool, open_pool, NULL, 0), -EPERM, "worker");
        if (methods[m] == FB_MP_SPAWN)
            assert_int_equal(fb_mp_submit(pool, not_in_the_table, "", 0, NULL, &future), -EINVAL);
        else
            assert_brings(submitted(pool, not_in_the_table, NULL, 0), "here", 4);
        assert_int_equal(forked_end(forked_run(submit_in_a_fork, pool)), 0);
        assert_brings(submitted(pool, echo, "on", 2), "on", 2);
        fb_mp_pool_close(pool);
    }
}

static void a_scoped_pool_is_closed_at_the_end_of_its_scope(void **state)
{
    (void)state;
    struct fb_mp_future *future[2];
    for (size_t m = 0; m < METHODS; m++) {
        {
            FB_MP_POOL_SCOPED(pool) = NULL;
            FB_MP_POOL_SCOPED(none) = NULL;
            assert_null(none);
            pool = pool_opened((struct fb_mp_pool_options){ .method = methods[m], .workers = 1 });
            future[0] = submitted_page(pool, run_for_ever);
            future[1] = submitted_page(pool, run_for_ever);
        }
        for (size_t i = 0; i < 2; i++) {
            assert_int_equal(fb_mp_future_state(future[i]), FB_MP_CANCELLED);
            assert_fails(future[i], -ECANCELED, "");
        }
    }
}

/* ---- ending ---- */

static void shut_down_and_join(enum fb_mp_method method, unsigned workers)
{
    struct fb_mp_future *future[20], *more;
    struct fb_mp_pool *pool =
        pool_opened((struct fb_mp_pool_options){ .method = method, .workers = workers });
    for (size_t i = 0; i < 20; i++)
        future[i] = submitted_page(pool, wait_at_gate);
    assert_int_equal(fb_mp_pool_join(pool, LIMIT_NS), -EINVAL);
    fb_mp_pool_shutdown(pool, false);
    assert_int_equal(fb_mp_submit(pool, echo, NULL, 0, NULL, &more), -ESHUTDOWN);
    assert_int_equal(fb_mp_pool_join(pool, 0), -ETIMEDOUT);
    assert_int_equal(fb_mp_pool_join(pool, 10 * FB_MP_MILLISECOND), -ETIMEDOUT);
    fb_mp_event_set(pool_page->gate);
    assert_int_equal(fb_mp_pool_join(pool, LIMIT_NS), 0);
    assert_int_equal(atomic_load(&pool_page->ended), 20); /* all were done */
    assert_int_equal(pool_state(pool).alive, 0);
    assert_int_equal(pool_state(pool).deaths, 0);
    assert_int_equal(fb_mp_pool_join(pool, 0), 0);
    for (size_t i = 0; i < 20; i++)
        assert_true(number_from(future[i]) < 20);
    fb_mp_pool_close(pool);
}

static void cancel_and_join(enum fb_mp_method method, unsigned workers)
{
    struct fb_mp_future *future[700]; /* more than there are records */
    size_t done = 0;
    struct fb_mp_pool *pool =
        pool_opened((struct fb_mp_pool_options){ .method = method, .workers = workers });
    for (size_t i = 0; i < 700; i++)
        future[i] = submitted_page(pool, wait_at_gate);
    assert_true(wait_for(&pool_page->begun, workers));
    fb_mp_pool_shutdown(pool, true);
    assert_int_equal(pool_state(pool).pending, 0);
    assert_int_equal(pool_state(pool).running, workers);
    fb_mp_event_set(pool_page->gate);
    assert_int_equal(fb_mp_pool_join(pool, LIMIT_NS), 0);
    assert_int_equal(atomic_load(&pool_page->begun), workers);
    for (size_t i = 0; i < 700; i++) {
        bool cancelled = fb_mp_future_state(future[i]) == FB_MP_CANCELLED;
        done += !cancelled;
        if (cancelled)
            assert_fails(future[i], -ECANCELED, "cancelled");
        else
            assert_true(number_from(future[i]) < workers);
    }
    assert_int_equal(done, workers);
    fb_mp_pool_close(pool);
}

static void pools_shut_down_and_are_joined(void **state)
{
    (void)state;
    under_all(shut_down_and_join, MANY_WORKERS);
    under_all(cancel_and_join, MANY_WORKERS);
}

#define LONG_TASKS 10000
#define TERMINATE_MS 1000 /* the only duration that is promised; it takes a hundredth of that */

static void terminate_at_work(enum fb_mp_method method, unsigned workers)
{
    static struct fb_mp_future *future[LONG_TASKS];
    struct fb_mp_future *more;
    struct fb_mp_pool *pool =
        pool_opened((struct fb_mp_pool_options){ .method = method, .workers = workers });
    for (size_t i = 0; i < LONG_TASKS; i++)
        future[i] = submitted_page(pool, run_for_ever);
    assert_true(wait_for(&pool_page->begun, workers));
    uint64_t begin = clock_ms();
    fb_mp_pool_terminate(pool);
    uint64_t took = clock_ms() - begin;
    print_message("%u workers, %d tasks: terminated in %u ms\n", workers, LONG_TASKS,
                  (unsigned)took);
    assert_true(took <= TERMINATE_MS);
    for (size_t i = 0; i < LONG_TASKS; i++)
        assert_int_equal(fb_mp_future_state(future[i]), FB_MP_CANCELLED);
    assert_int_equal(fb_mp_submit(pool, echo, NULL, 0, NULL, &more), -ESHUTDOWN);
    fb_mp_pool_close(pool);
    assert_int_equal(atomic_load(&pool_page->begun), workers);
    for (size_t i = 0; i < LONG_TASKS; i++)
        assert_fails(future[i], -ECANCELED, "terminated"); /* futures stay valid after close */
}

static void pools_terminate_at_once(void **state)
{
    (void)state;
    under_all(terminate_at_work, MANY_WORKERS);
}

/* Workers are killed while they claim and complete tasks. */
static void terminate_while_busy(enum fb_mp_method method, unsigned workers)
{
    struct fb_mp_future *future[1000];
    struct fb_mp_pool *pool =
        pool_opened((struct fb_mp_pool_options){ .method = method, .workers = workers });
    for (int i = 0; i < 1000; i++)
        future[i] = submitted(pool, echo, &i, sizeof i);
    if (workers % 2)
        assert_int_equal(fb_mp_future_wait(future[300], LIMIT_NS), 0);
    fb_mp_pool_terminate(pool);
    fb_mp_pool_close(pool);
    for (int i = 0; i < 1000; i++) {
        if (fb_mp_future_state(future[i]) == FB_MP_DONE)
            assert_brings(future[i], &i, sizeof i);
        else
            assert_fails(future[i], -ECANCELED, "");
    }
}

static void pools_terminate_while_busy(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++)
        under_all(terminate_while_busy, i == 0 ? MANY_WORKERS : 0);
}

/* ---- names and descriptors ---- */

static void workers_have_names(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++) {
        struct fb_mp_pool *pool =
            pool_opened((struct fb_mp_pool_options){ .method = methods[m], .workers = 1 });
        assert_brings(submitted(pool, own_name, NULL, 0), "Pool-1", 6);
        fb_mp_pool_close(pool);
        pool = pool_opened(
            (struct fb_mp_pool_options){ .method = methods[m], .workers = 1, .name = "Band" });
        assert_brings(submitted(pool, own_name, NULL, 0), "Band-1", 6);
        fb_mp_pool_close(pool);
    }
}

static void workers_get_descriptors(void **state)
{
    (void)state;
    int end[2], fd[FB_MP_FDS - 1];
    char got;
    assert_int_equal(pipe2(end, O_CLOEXEC), 0);
    for (size_t i = 0; i < FB_MP_FDS - 1; i++)
        fd[i] = end[0];
    fd[0] = fd[FB_MP_FDS - 2] = end[1];
    for (size_t m = 0; m < METHODS; m++) {
        struct fb_mp_pool *pool = pool_opened((struct fb_mp_pool_options){
            .method = methods[m], .workers = 2, .fd = fd, .fds = FB_MP_FDS - 1 });
        const size_t number[2][2] = { { 0, FB_MP_FDS }, { FB_MP_FDS - 2, FB_MP_FDS } };
        for (size_t i = 0; i < 2; i++) {
            assert_brings(submitted(pool, write_to, number[i], sizeof number[i]), NULL, 0);
            assert_int_equal(read(end[0], &got, 1), 1);
        }
        fb_mp_pool_close(pool);
    }
    close(end[0]);
    close(end[1]);
}

/* A process that was forked from the owner has the pool's memory, but cannot change the pool. */
static int misuse(struct fb_mp_pool *pool)
{
    struct fb_mp_future *future;
    struct fb_mp_map *map;
    uint32_t item = 1;
    bool refused = fb_mp_submit(pool, echo, "x", 1, NULL, &future) == -EINVAL &&
                   fb_mp_map_async(pool, echo, &item, 1, sizeof item, &item, sizeof item, NULL,
                                   &map) == -EINVAL &&
                   fb_mp_pool_resize(pool, 1) == -EINVAL;
    fb_mp_pool_shutdown(pool, true);
    refused &= fb_mp_pool_join(pool, 0) == -EINVAL;
    fb_mp_pool_terminate(pool);
    fb_mp_pool_close(pool);
    return !refused;
}

static void forked_processes_cannot_use_the_pool(void **state)
{
    (void)state;
    struct fb_mp_pool *pool = pool_opened((struct fb_mp_pool_options){ .workers = 3 });
    struct fb_mp_future *before = submitted_page(pool, wait_at_gate);
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(misuse(pool));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    fb_mp_event_set(pool_page->gate);
    number_from(before);
    assert_brings(submitted(pool, echo, "x", 1), "x", 1);
    assert_int_equal(pool_state(pool).deaths, 0);
    fb_mp_pool_close(pool);
}

int main(int argc, char **argv)
{
    fb_mp_main(argc, argv, tasks);
    fb_mp_heap_make(); /* its descriptor stays open as long as the program runs */
    const struct CMUnitTest tests[] = {
        WITH_POOL_PAGE(pools_open_work_and_close),
        WITH_POOL_PAGE(a_pool_has_a_worker_for_each_cpu),
        WITH_POOL_PAGE(wrong_options_are_refused),
        WITH_POOL_PAGE(wrong_tasks_are_refused),
        WITH_POOL_PAGE(a_scoped_pool_is_closed_at_the_end_of_its_scope),
        WITH_POOL_PAGE(pools_shut_down_and_are_joined),
        WITH_POOL_PAGE(pools_terminate_at_once),
        WITH_POOL_PAGE(pools_terminate_while_busy),
        WITH_POOL_PAGE(workers_have_names),
        WITH_POOL_PAGE(workers_get_descriptors),
        WITH_POOL_PAGE(forked_processes_cannot_use_the_pool),
    };
    return RUN_TESTS(tests);
}
