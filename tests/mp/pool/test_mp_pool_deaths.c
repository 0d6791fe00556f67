/* harness/mp/pool/pool.h: workers that die. Their tasks fail or are run again, new ones take their
 * place, and all others go on. */
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

/* ---- what workers do ---- */

struct desk {
    _Atomic uint32_t tries, begun, open;
    _Atomic pid_t pid, helper;
};
static struct desk *desk; /* a task gets it, as a spawned worker does not know it */

struct death {
    struct desk *desk;
    int how;
    uint32_t times;  /* so often, and then it works */
    uint32_t writes; /* bytes of a result of LARGE, before */
};

static void look(const struct fb_mp_call *call, struct death *ret_death)
{
    memcpy(ret_death, call->argument, sizeof *ret_death);
    atomic_store(&ret_death->desk->pid, getpid());
    atomic_store(&ret_death->desk->helper, getppid());
}

static int die_so(struct fb_mp_call *call)
{
    struct death death;
    look(call, &death);
    if (atomic_fetch_add(&death.desk->tries, 1) >= death.times)
        return fb_mp_return(call, "alive", 5);
    if (death.writes) {
        void *room = fb_mp_return_room(call, LARGE);
        if (room)
            memset(room, 'x', death.writes);
    }
    end_self(death.how);
}

/* Stays until it may go. */
static int stay(struct fb_mp_call *call)
{
    struct death death;
    look(call, &death);
    atomic_fetch_add(&death.desk->begun, 1);
    while (atomic_load(&death.desk->open) == 0)
        fb_mp_sleep(&death.desk->open, 0, FB_MP_FOREVER);
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
    FB_MP_FUNCTION(die_so), FB_MP_FUNCTION(stay), FB_MP_FUNCTION(square), { 0 }
};

/* ---- the others ---- */

struct others {
    struct fb_mp_future *future[COUNT];
    uint32_t begin, end;
};

static void hand_over(struct others *others, struct fb_mp_pool *pool, uint32_t count)
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
        assert_int_equal(fb_mp_future_result(future, LIMIT, &bytes, &size, NULL), 0);
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
    assert_int_equal(fb_mp_future_result(future, LIMIT, &bytes, &size, NULL), 0);
    assert_int_equal(size, 5);
    assert_memory_equal(bytes, "alive", 5);
    fb_mp_future_free(future);
}

static struct fb_mp_future *doomed(struct fb_mp_pool *pool, int how, uint32_t times,
                                   uint32_t writes)
{
    const struct death death = { desk, how, times, writes };
    memset(desk, 0, sizeof *desk);
    return crash_submit(pool, die_so, &death, sizeof death, NULL);
}

static struct fb_mp_future *staying(struct fb_mp_pool *pool)
{
    const struct death death = { .desk = desk };
    memset(desk, 0, sizeof *desk);
    struct fb_mp_future *future = crash_submit(pool, stay, &death, sizeof death, NULL);
    assert_true(wait_for(&desk->begun, 1));
    return future;
}

static void let_go(void)
{
    atomic_store(&desk->open, 1);
    fb_mp_wake(&desk->open, 1);
}

/* ---- */

static void die_in_all_ways(enum fb_mp_method method, unsigned workers)
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
        hand_over(&others, pool, 10);
        struct fb_mp_future *future = doomed(pool, deaths[i].how, 1, deaths[i].writes);
        hand_over(&others, pool, 10);
        assert_int_equal(fb_mp_future_wait(future, LIMIT), 0);
        assert_worker_died(future, atomic_load(&desk->pid), deaths[i].how);
        assert_int_equal(atomic_load(&desk->tries), 1);
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

static void its_task_alone_fails(void **state)
{
    (void)state;
    crash_under_all(die_in_all_ways);
}

static void one_dies_idle(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++) {
        struct fb_mp_pool *pool =
            crash_pool_open((struct fb_mp_pool_options){ .method = methods[m], .workers = 2 });
        struct others others = { 0 };
        for (unsigned deaths = 1; deaths <= 5; deaths++) {
            struct fb_mp_future *future = staying(pool);
            let_go();
            check_alive(future);
            pid_t pid = atomic_load(&desk->pid);
            assert_int_not_equal(forkserver_of(pid), 0);
            assert_int_equal(kill(pid, SIGKILL), 0);
            hand_over(&others, pool, 10);
            assert_true(wait_for_workers(pool, deaths));
            check_others(&others);
        }
        crash_pool_end(pool);
    }
}

/* One that was at a task of the others' when it was killed: that may be tried again. */
static void try_again(enum fb_mp_method method, unsigned workers)
{
    struct fb_mp_pool *pool = crash_pool_open(
        (struct fb_mp_pool_options){ .method = method, .workers = workers, .retries = 2 });
    struct others others = { 0 };
    static const int hows[] = { 0, 99, -SIGKILL, -SIGSEGV };
    for (unsigned i = 0; i < sizeof hows / sizeof *hows; i++) {
        hand_over(&others, pool, 10);
        struct fb_mp_future *future = doomed(pool, hows[i], 2, LARGE / 2);
        hand_over(&others, pool, 10);
        check_alive(future);
        assert_int_equal(atomic_load(&desk->tries), 3);
        future = doomed(pool, hows[i], UINT32_MAX, 0);
        assert_int_equal(fb_mp_future_wait(future, LIMIT), 0);
        assert_worker_died(future, atomic_load(&desk->pid), hows[i]);
        assert_int_equal(atomic_load(&desk->tries), 3);
        check_others(&others);
        assert_true(wait_for_workers(pool, 5 * (i + 1)));
    }
    crash_pool_end(pool);
}

static void tasks_are_tried_again(void **state)
{
    (void)state;
    crash_under_all(try_again);
}

/* It comes to all processes of a terminal, and is for the program to decide about. */
static void interrupts_are_not_for_them(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++) {
        struct fb_mp_pool *pool =
            crash_pool_open((struct fb_mp_pool_options){ .method = methods[m], .workers = 1 });
        struct fb_mp_future *future = staying(pool);
        pid_t pid = atomic_load(&desk->pid), helper = forkserver_of(pid);
        assert_int_not_equal(helper, 0);
        for (int i = 0; i < 10; i++) {
            assert_int_equal(kill(pid, SIGINT), 0);
            assert_int_equal(kill(helper, SIGINT), 0);
        }
        let_go();
        check_alive(future);
        future = staying(pool);
        assert_int_equal(atomic_load(&desk->pid), pid);
        assert_int_equal(atomic_load(&desk->helper), helper);
        let_go();
        check_alive(future);
        struct fb_mp_pool_state now;
        fb_mp_pool_state(pool, &now);
        assert_int_equal(now.deaths, 0);
        crash_pool_end(pool);
    }
}

static void one_is_stopped(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++) {
        struct fb_mp_pool *pool = crash_pool_open(
            (struct fb_mp_pool_options){ .method = methods[m], .workers = WORKERS });
        struct others others = { 0 };
        struct fb_mp_future *future = staying(pool);
        pid_t pid = atomic_load(&desk->pid);
        assert_int_equal(kill(pid, SIGSTOP), 0);
        assert_true(wait_for_stop(pid));
        let_go();
        hand_over(&others, pool, 50);
        check_others(&others);
        assert_int_equal(fb_mp_future_state(future), FB_MP_RUNNING);
        assert_int_equal(kill(pid, SIGCONT), 0);
        check_alive(future);
        assert_int_equal(atomic_load(&desk->begun), 1);
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
    if (fb_mp_alloc(sizeof *desk, &memory) != 0)
        return 1;
    desk = memory;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_task_alone_fails),  cmocka_unit_test(one_dies_idle),
        cmocka_unit_test(tasks_are_tried_again), cmocka_unit_test(interrupts_are_not_for_them),
        cmocka_unit_test(one_is_stopped),
    };
    return RUN_TESTS(tests);
}
