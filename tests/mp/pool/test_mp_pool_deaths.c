/* harness/mp/pool/pool.h: workers that are killed or exit. Their tasks fail or are run again, new
 * workers replace them, and all others go on. */
#include "tests/mp/pool/crash_fixture.h"

#include "harness/mp/core/heap.h"
#include "harness/mp/core/sleep.h"

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#define WORKERS 3u
#define LARGE (1u << 20)
#define COUNT 200u

/* ---- tasks ---- */

struct page {
    _Atomic uint32_t tries, begun, open;
    _Atomic pid_t pid, parent;
};
static struct page *page; /* in shared memory; tasks get the address, which spawned workers need */

struct death {
    struct page *page;
    int how;
    uint32_t times;  /* after this many deaths the task succeeds */
    uint32_t writes; /* bytes of a result of LARGE that are written before the death */
};

static void read_argument(const struct fb_mp_call *call, struct death *ret_death)
{
    memcpy(ret_death, call->argument, sizeof *ret_death);
    atomic_store(&ret_death->page->pid, getpid());
    atomic_store(&ret_death->page->parent, getppid());
}

static int end_worker(struct fb_mp_call *call)
{
    struct death death;
    read_argument(call, &death);
    if (atomic_fetch_add(&death.page->tries, 1) >= death.times)
        return fb_mp_return(call, "alive", 5);
    if (death.writes) {
        void *room = fb_mp_return_room(call, LARGE);
        if (room)
            memset(room, 'x', death.writes);
    }
    end_self(death.how);
}

/* Runs until the page is open. */
static int stay(struct fb_mp_call *call)
{
    struct death death;
    read_argument(call, &death);
    atomic_fetch_add(&death.page->begun, 1);
    while (atomic_load(&death.page->open) == 0)
        fb_mp_sleep(&death.page->open, 0, FB_MP_FOREVER);
    return fb_mp_return(call, "alive", 5);
}

static int square(struct fb_mp_call *call)
{
    uint32_t number;
    memcpy(&number, call->argument, sizeof number);
    number *= number;
    return fb_mp_return(call, &number, sizeof number);
}

static const struct fb_mp_task tasks[] = {
    FB_MP_FUNCTION(end_worker), FB_MP_FUNCTION(stay), FB_MP_FUNCTION(square), { 0 }
};

/* ---- tasks of other workers ---- */

struct others {
    struct fb_mp_future *future[COUNT];
    uint32_t begin, end;
};

static void submit_others(struct others *others, struct fb_mp_pool *pool, uint32_t count)
{
    for (; count > 0; count--, others->end++)
        others->future[others->end] =
            crash_submit(pool, square, &others->end, sizeof others->end, NULL);
}

static void check_others(struct others *others)
{
    for (; others->begin < others->end; others->begin++) {
        const void *bytes;
        uint32_t number;
        size_t size;
        struct fb_mp_future *future = others->future[others->begin];
        assert_int_equal(fb_mp_future_result(future, LIMIT_NS, &bytes, &size, NULL), 0);
        assert_int_equal(size, sizeof number);
        memcpy(&number, bytes, sizeof number);
        assert_int_equal(number, others->begin * others->begin);
        fb_mp_future_free(future);
    }
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

static struct fb_mp_future *submit_fatal(struct fb_mp_pool *pool, int how, uint32_t times,
                                         uint32_t writes)
{
    const struct death death = { page, how, times, writes };
    memset(page, 0, sizeof *page);
    return crash_submit(pool, end_worker, &death, sizeof death, NULL);
}

static struct fb_mp_future *staying(struct fb_mp_pool *pool)
{
    const struct death death = { .page = page };
    memset(page, 0, sizeof *page);
    struct fb_mp_future *future = crash_submit(pool, stay, &death, sizeof death, NULL);
    assert_true(wait_for(&page->begun, 1));
    return future;
}

static void open_page(void)
{
    atomic_store(&page->open, 1);
    fb_mp_wake(&page->open, 1);
}

/* ---- */

static void end_in_each_way(enum fb_mp_method method, unsigned workers)
{
    static const struct {
        int how;
        uint32_t writes;
    } deaths[] = { { 0, 0 },        { 99, 0 },       { -SIGKILL, 0 },        { -SIGSEGV, 0 },
                   { -SIGABRT, 0 }, { -SIGTERM, 0 }, { -SIGKILL, LARGE / 2 } };
    size_t used = fb_mp_heap_used();
    struct fb_mp_pool *pool =
        crash_pool_open((struct fb_mp_pool_options){ .method = method, .workers = workers });
    struct others others = { 0 };
    for (unsigned i = 0; i < sizeof deaths / sizeof *deaths; i++) {
        submit_others(&others, pool, 10);
        struct fb_mp_future *future = submit_fatal(pool, deaths[i].how, 1, deaths[i].writes);
        submit_others(&others, pool, 10);
        assert_int_equal(fb_mp_future_wait(future, LIMIT_NS), 0);
        assert_worker_died(future, atomic_load(&page->pid), deaths[i].how);
        assert_int_equal(atomic_load(&page->tries), 1);
        check_others(&others);
        assert_true(wait_for_workers(pool, i + 1));
    }
    struct fb_mp_pool_state now;
    fb_mp_pool_state(pool, &now);
    assert_int_equal(now.deaths, sizeof deaths / sizeof *deaths);
    assert_int_equal(now.pending + now.running, 0);
    crash_pool_end(pool);
    assert_int_equal(fb_mp_heap_used(), used);
}

static void only_the_task_of_a_killed_worker_fails(void **state)
{
    (void)state;
    crash_under_all(end_in_each_way);
}

static void an_idle_worker_is_replaced(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++) {
        struct fb_mp_pool *pool =
            crash_pool_open((struct fb_mp_pool_options){ .method = methods[m], .workers = 2 });
        struct others others = { 0 };
        for (unsigned deaths = 1; deaths <= 5; deaths++) {
            struct fb_mp_future *future = staying(pool);
            open_page();
            check_alive(future);
            pid_t pid = atomic_load(&page->pid);
            assert_int_not_equal(forkserver_of(pid), 0);
            assert_int_equal(kill(pid, SIGKILL), 0);
            submit_others(&others, pool, 10);
            assert_true(wait_for_workers(pool, deaths));
            check_others(&others);
        }
        crash_pool_end(pool);
    }
}

static void try_again(enum fb_mp_method method, unsigned workers)
{
    struct fb_mp_pool *pool = crash_pool_open(
        (struct fb_mp_pool_options){ .method = method, .workers = workers, .retries = 2 });
    struct others others = { 0 };
    static const int hows[] = { 0, 99, -SIGKILL, -SIGSEGV };
    for (unsigned i = 0; i < sizeof hows / sizeof *hows; i++) {
        submit_others(&others, pool, 10);
        struct fb_mp_future *future = submit_fatal(pool, hows[i], 2, LARGE / 2);
        submit_others(&others, pool, 10);
        check_alive(future);
        assert_int_equal(atomic_load(&page->tries), 3);
        future = submit_fatal(pool, hows[i], UINT32_MAX, 0);
        assert_int_equal(fb_mp_future_wait(future, LIMIT_NS), 0);
        assert_worker_died(future, atomic_load(&page->pid), hows[i]);
        assert_int_equal(atomic_load(&page->tries), 3);
        check_others(&others);
        assert_true(wait_for_workers(pool, 5 * (i + 1)));
    }
    crash_pool_end(pool);
}

static void tasks_are_run_again_up_to_the_limit(void **state)
{
    (void)state;
    crash_under_all(try_again);
}

/* Ctrl-C sends SIGINT to all processes of a terminal; what it means is up to the owner. */
static void workers_ignore_sigint(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++) {
        struct fb_mp_pool *pool =
            crash_pool_open((struct fb_mp_pool_options){ .method = methods[m], .workers = 1 });
        struct fb_mp_future *future = staying(pool);
        pid_t pid = atomic_load(&page->pid), forkserver = forkserver_of(pid);
        assert_int_not_equal(forkserver, 0);
        for (int i = 0; i < 10; i++) {
            assert_int_equal(kill(pid, SIGINT), 0);
            assert_int_equal(kill(forkserver, SIGINT), 0);
        }
        open_page();
        check_alive(future);
        future = staying(pool);
        assert_int_equal(atomic_load(&page->pid), pid);
        assert_int_equal(atomic_load(&page->parent), forkserver);
        open_page();
        check_alive(future);
        struct fb_mp_pool_state now;
        fb_mp_pool_state(pool, &now);
        assert_int_equal(now.deaths, 0);
        crash_pool_end(pool);
    }
}

static void a_stopped_worker_delays_only_its_task(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++) {
        struct fb_mp_pool *pool = crash_pool_open(
            (struct fb_mp_pool_options){ .method = methods[m], .workers = WORKERS });
        struct others others = { 0 };
        struct fb_mp_future *future = staying(pool);
        pid_t pid = atomic_load(&page->pid);
        assert_int_equal(kill(pid, SIGSTOP), 0);
        assert_true(wait_for_stop(pid));
        open_page();
        submit_others(&others, pool, 50);
        check_others(&others);
        assert_int_equal(fb_mp_future_state(future), FB_MP_RUNNING);
        assert_int_equal(kill(pid, SIGCONT), 0);
        check_alive(future);
        assert_int_equal(atomic_load(&page->begun), 1);
        struct fb_mp_pool_state now;
        fb_mp_pool_state(pool, &now);
        assert_int_equal(now.deaths, 0);
        crash_pool_end(pool);
    }
}

int main(int argc, char **argv)
{
    void *memory;
    fb_mp_main(argc, argv, tasks);
    if (fb_mp_alloc(sizeof *page, &memory) != 0)
        return 1;
    page = memory;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_task_of_a_killed_worker_fails),
        cmocka_unit_test(an_idle_worker_is_replaced),
        cmocka_unit_test(tasks_are_run_again_up_to_the_limit),
        cmocka_unit_test(workers_ignore_sigint),
        cmocka_unit_test(a_stopped_worker_delays_only_its_task),
    };
    return RUN_TESTS(tests);
}
