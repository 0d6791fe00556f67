/* harness/mp/sync/sync.c: between processes, also when some die. */
#include "tests/support/support.h"

#include "tests/support/fork_child.h"

#include "harness/mp/core/heap.h"
#include "harness/mp/sync/sync.h"
#include "harness/mp/sync/value.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SOON (30 * FB_MP_MILLISECOND)

/* A timeout must not be reported before its time. */
static void assert_timed_out(int result, int64_t start)
{
    assert_int_equal(result, -ETIMEDOUT);
    assert_true(fb_mp_now() - start >= SOON);
}

/* ---- lock ---- */

static int die_with_lock(void *context)
{
    if (fb_mp_lock_acquire(context, FB_MP_FOREVER) != 0)
        return 1;
    kill(getpid(), SIGKILL);
    return 2;
}

static void the_death_of_an_owner_is_reported_once(void **state)
{
    (void)state;
    for (int recursive = 0; recursive < 2; recursive++) {
        struct fb_mp_lock *lock;
        assert_int_equal(fb_mp_lock_make(recursive, &lock), 0);
        assert_int_equal(forked_end(forked_run(die_with_lock, lock)), -SIGKILL);
        assert_int_equal(fb_mp_lock_acquire(lock, LIMIT_NS), -EOWNERDEAD);
        assert_int_equal(fb_mp_lock_release(lock), 0);
        assert_int_equal(fb_mp_lock_acquire(lock, 0), 0);
        assert_int_equal(fb_mp_lock_release(lock), 0);
        fb_mp_lock_free(lock);
    }
}

static int try_lock(void *context)
{
    if (fb_mp_lock_release(context) != -EPERM)
        return 1;
    int64_t start = fb_mp_now();
    if (fb_mp_lock_acquire(context, SOON) != -ETIMEDOUT || fb_mp_now() - start < SOON)
        return 2;
    return fb_mp_lock_acquire(context, 0) != -ETIMEDOUT;
}

static void a_lock_has_one_owner(void **state)
{
    (void)state;
    struct fb_mp_lock *lock, *again;
    assert_int_equal(fb_mp_lock_make(false, &lock), 0);
    assert_int_equal(fb_mp_lock_make(true, &again), 0);
    assert_int_equal(fb_mp_lock_release(lock), -EPERM);
    assert_int_equal(fb_mp_lock_acquire(lock, FB_MP_FOREVER), 0);
    assert_int_equal(fb_mp_lock_acquire(lock, FB_MP_FOREVER), -EDEADLK);
    assert_int_equal(forked_end(forked_run(try_lock, lock)), 0);
    assert_int_equal(fb_mp_lock_release(lock), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(fb_mp_lock_acquire(again, LIMIT_NS), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(forked_end(forked_run(try_lock, again)), 0);
        assert_int_equal(fb_mp_lock_release(again), 0);
    }
    assert_int_equal(fb_mp_lock_release(again), -EPERM);
    fb_mp_lock_free(lock);
    fb_mp_lock_free(again);
    assert_int_equal(fb_mp_heap_used(), 0);
}

/* W14: four processes, 10,000 increments each. */
static int increment(void *context)
{
    struct fb_mp_array *counter = context;
    for (int i = 0; i < 10000; i++) {
        if (counter->lock && fb_mp_lock_acquire(counter->lock, LIMIT_NS) < 0)
            return 1;
        volatile int *value = counter->items;
        *value = *value + 1;
        if (counter->lock && fb_mp_lock_release(counter->lock) < 0)
            return 2;
    }
    return 0;
}

static void a_locked_counter_loses_no_increment(void **state)
{
    (void)state;
    for (int locked = 0; locked < 2; locked++) {
        struct fb_mp_array *counter;
        pid_t pid[4];
        assert_int_equal(FB_MP_VALUE(int, locked, &counter), 0);
        for (int i = 0; i < 4; i++)
            pid[i] = forked_run(increment, counter);
        for (int i = 0; i < 4; i++)
            assert_int_equal(forked_end(pid[i]), 0);
        int value = FB_MP_ITEM(counter, int, 0);
        assert_true(locked ? value == 40000 : value >= 10000 && value <= 40000);
        fb_mp_array_free(counter);
    }
    assert_int_equal(fb_mp_heap_used(), 0);
}

/* ---- semaphore ---- */

static int take_and_die(void *context)
{
    fb_mp_semaphore_acquire(context, FB_MP_FOREVER);
    kill(getpid(), SIGKILL);
    return 1;
}

static void semaphores_count(void **state)
{
    (void)state;
    struct fb_mp_semaphore *semaphore;
    assert_int_equal(fb_mp_semaphore_make(2, true, &semaphore), 0);
    assert_int_equal(fb_mp_semaphore_release(semaphore), -EOVERFLOW);
    assert_int_equal(fb_mp_semaphore_acquire(semaphore, 0), 0);
    assert_int_equal(fb_mp_semaphore_acquire(semaphore, LIMIT_NS), 0);
    assert_int_equal(fb_mp_semaphore_value(semaphore), 0);
    int64_t begin = fb_mp_now();
    assert_timed_out(fb_mp_semaphore_acquire(semaphore, SOON), begin);
    assert_int_equal(fb_mp_semaphore_acquire(semaphore, 0), -ETIMEDOUT);
    pid_t pid = forked_run(take_and_die, semaphore);
    assert_int_equal(fb_mp_semaphore_release(semaphore), 0);
    assert_int_equal(forked_end(pid), -SIGKILL);
    assert_int_equal(fb_mp_semaphore_release(semaphore), 0);
    assert_int_equal(fb_mp_semaphore_acquire(semaphore, LIMIT_NS), 0);
    fb_mp_semaphore_free(semaphore);
    assert_int_equal(fb_mp_heap_used(), 0);
}

/* ---- event ---- */

static int wait_event(void *context)
{
    return fb_mp_event_wait(context, LIMIT_NS) != 0;
}

static void events_release_all_waiters(void **state)
{
    (void)state;
    struct fb_mp_event *event;
    pid_t pid[5];
    assert_int_equal(fb_mp_event_make(&event), 0);
    int64_t begin = fb_mp_now();
    assert_timed_out(fb_mp_event_wait(event, SOON), begin);
    for (int i = 0; i < 5; i++)
        pid[i] = forked_run(wait_event, event);
    kill(pid[0], SIGKILL);
    assert_int_equal(forked_end(pid[0]), -SIGKILL);
    fb_mp_event_set(event);
    fb_mp_event_set(event);
    assert_true(fb_mp_event_is_set(event));
    for (int i = 1; i < 5; i++)
        assert_int_equal(forked_end(pid[i]), 0);
    assert_int_equal(fb_mp_event_wait(event, 0), 0);
    fb_mp_event_clear(event);
    assert_false(fb_mp_event_is_set(event));
    assert_int_equal(fb_mp_event_wait(event, 0), -ETIMEDOUT);
    fb_mp_event_free(event);
    assert_int_equal(fb_mp_heap_used(), 0);
}

/* ---- condition ---- */

struct meeting {
    struct fb_mp_lock *lock;
    struct fb_mp_condition *condition;
    _Atomic uint32_t came, number;
};

static struct meeting *make_meeting(bool recursive)
{
    void *memory;
    assert_int_equal(fb_mp_alloc(sizeof(struct meeting), &memory), 0);
    struct meeting *meeting = memory;
    assert_int_equal(fb_mp_lock_make(recursive, &meeting->lock), 0);
    assert_int_equal(fb_mp_condition_make(meeting->lock, &meeting->condition), 0);
    return meeting;
}

static void end_meeting(struct meeting *meeting)
{
    fb_mp_condition_free(meeting->condition);
    fb_mp_lock_free(meeting->lock);
    assert_int_equal(fb_mp_free(meeting), 0);
    assert_int_equal(fb_mp_heap_used(), 0);
}

static bool is_three(void *context)
{
    return ((struct meeting *)context)->number == 3;
}

static int wait_for_three(void *context)
{
    struct meeting *meeting = context;
    if (fb_mp_lock_acquire(meeting->lock, LIMIT_NS) < 0)
        return 1;
    meeting->came++;
    if (fb_mp_condition_wait_for(meeting->condition, is_three, meeting, LIMIT_NS) != 0)
        return 2;
    return fb_mp_lock_release(meeting->lock) != 0;
}

/* Some waiters are killed; the others need one notification each. */
static void notifications_are_not_lost_on_dead_waiters(void **state)
{
    (void)state;
    struct meeting *meeting = make_meeting(false);
    pid_t pid[6];
    for (int i = 0; i < 6; i++)
        pid[i] = forked_run(wait_for_three, meeting);
    assert_true(wait_for(&meeting->came, 6));
    for (int i = 0; i < 3; i++) {
        kill(pid[i], SIGKILL);
        assert_int_equal(forked_end(pid[i]), -SIGKILL);
    }
    int result = fb_mp_lock_acquire(meeting->lock, LIMIT_NS);
    assert_true(result == 0 || result == -EOWNERDEAD);
    meeting->number = 3;
    for (int i = 0; i < 3; i++)
        fb_mp_condition_notify(meeting->condition, 1);
    assert_int_equal(fb_mp_lock_release(meeting->lock), 0);
    for (int i = 3; i < 6; i++)
        assert_int_equal(forked_end(pid[i]), 0);
    end_meeting(meeting);
}

static void conditions_need_their_lock(void **state)
{
    (void)state;
    for (int recursive = 0; recursive < 2; recursive++) {
        struct meeting *meeting = make_meeting(recursive);
        assert_int_equal(fb_mp_condition_wait(meeting->condition, LIMIT_NS), -EPERM);
        for (int depth = 0; depth <= 2 * recursive; depth++)
            assert_int_equal(fb_mp_lock_acquire(meeting->lock, LIMIT_NS), 0);
        int64_t begin = fb_mp_now();
        assert_timed_out(fb_mp_condition_wait(meeting->condition, SOON), begin);
        assert_int_equal(fb_mp_condition_wait(meeting->condition, 0), -ETIMEDOUT);
        /* The lock is held as often as before. */
        for (int depth = 0; depth <= 2 * recursive; depth++)
            assert_int_equal(fb_mp_lock_release(meeting->lock), 0);
        assert_int_equal(fb_mp_lock_release(meeting->lock), -EPERM);
        end_meeting(meeting);
    }
}

int main(void)
{
    fb_mp_heap_make(); /* its descriptor stays open as long as the program runs */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_death_of_an_owner_is_reported_once),
        cmocka_unit_test(a_lock_has_one_owner),
        cmocka_unit_test(a_locked_counter_loses_no_increment),
        cmocka_unit_test(semaphores_count),
        cmocka_unit_test(events_release_all_waiters),
        cmocka_unit_test(notifications_are_not_lost_on_dead_waiters),
        cmocka_unit_test(conditions_need_their_lock),
    };
    return RUN_TESTS(tests);
}
