/* harness/mp/sync/sync.c, barrier.c: what a thread waits for also wakes it.
 *
 * Everywhere else a sleep ends after 50 ms at the latest, so that a wake-up which is missing only
 * costs time. Here sleeps have no such limit. */
#include "tests/support/sleeper.h"
#include "tests/support/support.h"

#include "harness/mp/core/heap.h"
#include "harness/mp/sync/barrier.h"
#include "harness/mp/sync/sync.h"

#include <errno.h>

#define SLEEPERS 3

struct scene {
    struct fb_mp_lock *lock;
    struct fb_mp_semaphore *semaphore;
    struct fb_mp_event *event;
    struct fb_mp_condition *condition;
    struct fb_mp_barrier *barrier;
};

static void make(struct scene *scene)
{
    assert_int_equal(fb_mp_lock_make(false, &scene->lock), 0);
    assert_int_equal(fb_mp_semaphore_make(0, false, &scene->semaphore), 0);
    assert_int_equal(fb_mp_event_make(&scene->event), 0);
    assert_int_equal(fb_mp_condition_make(scene->lock, &scene->condition), 0);
    assert_int_equal(fb_mp_barrier_make(SLEEPERS + 1, &scene->barrier), 0);
}

static void discard(struct scene *scene)
{
    fb_mp_barrier_free(scene->barrier);
    fb_mp_condition_free(scene->condition);
    fb_mp_event_free(scene->event);
    fb_mp_semaphore_free(scene->semaphore);
    fb_mp_lock_free(scene->lock);
    assert_int_equal(fb_mp_heap_used(), 0);
}

/* Forks processes that wait, has them woken when all sleep, and waits until they have exited. */
static void check(int (*wait)(struct scene *scene), void (*wake)(struct scene *scene))
{
    struct scene scene;
    struct sleeper sleeper[SLEEPERS];
    make(&scene);
    for (int i = 0; i < SLEEPERS; i++) {
        sleeper_fork(&sleeper[i], wait, &scene);
        sleeper_settle(&sleeper[i]);
    }
    wake(&scene);
    for (int i = 0; i < SLEEPERS; i++)
        assert_true(sleeper_ends(&sleeper[i]));
    discard(&scene);
}

/* ---- semaphore ---- */

static int wait_for_semaphore(struct scene *scene)
{
    return fb_mp_semaphore_acquire(scene->semaphore, LIMIT_NS) != 0;
}

static void release_for_each(struct scene *scene)
{
    for (int i = 0; i < SLEEPERS; i++)
        assert_int_equal(fb_mp_semaphore_release(scene->semaphore), 0);
}

static void each_release_of_a_semaphore_wakes_one(void **state)
{
    (void)state;
    check(wait_for_semaphore, release_for_each);
}

/* ---- event ---- */

static int wait_for_event(struct scene *scene)
{
    return fb_mp_event_wait(scene->event, LIMIT_NS) != 0;
}

static void set_event(struct scene *scene)
{
    fb_mp_event_set(scene->event);
}

static void setting_an_event_wakes_all(void **state)
{
    (void)state;
    check(wait_for_event, set_event);
}

/* ---- condition ---- */

static int wait_for_condition(struct scene *scene)
{
    return fb_mp_lock_acquire(scene->lock, LIMIT_NS) != 0 ||
           fb_mp_condition_wait(scene->condition, LIMIT_NS) != 0 ||
           fb_mp_lock_release(scene->lock) != 0;
}

static void notify_all(struct scene *scene)
{
    assert_int_equal(fb_mp_lock_acquire(scene->lock, LIMIT_NS), 0);
    fb_mp_condition_notify(scene->condition, FB_MP_ALL);
    assert_int_equal(fb_mp_lock_release(scene->lock), 0);
}

static void notify_each(struct scene *scene)
{
    assert_int_equal(fb_mp_lock_acquire(scene->lock, LIMIT_NS), 0);
    for (int i = 0; i < SLEEPERS; i++)
        fb_mp_condition_notify(scene->condition, 1);
    assert_int_equal(fb_mp_lock_release(scene->lock), 0);
}

static void notifications_wake_as_many_as_they_are_for(void **state)
{
    (void)state;
    check(wait_for_condition, notify_all);
    check(wait_for_condition, notify_each);
}

/* ---- barrier ---- */

static int wait_at_barrier(struct scene *scene)
{
    return fb_mp_barrier_wait(scene->barrier, LIMIT_NS, NULL) != 0;
}

static int wait_at_broken_barrier(struct scene *scene)
{
    return fb_mp_barrier_wait(scene->barrier, LIMIT_NS, NULL) != -ECANCELED;
}

static void arrive_last(struct scene *scene)
{
    assert_int_equal(fb_mp_barrier_wait(scene->barrier, LIMIT_NS, NULL), 0);
}

static void abort_barrier(struct scene *scene)
{
    fb_mp_barrier_abort(scene->barrier);
}

static void reset_barrier(struct scene *scene)
{
    fb_mp_barrier_reset(scene->barrier);
}

static void a_barrier_wakes_all(void **state)
{
    (void)state;
    check(wait_at_barrier, arrive_last);
    check(wait_at_broken_barrier, abort_barrier);
    check(wait_at_broken_barrier, reset_barrier);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_release_of_a_semaphore_wakes_one),
        cmocka_unit_test(setting_an_event_wakes_all),
        cmocka_unit_test(notifications_wake_as_many_as_they_are_for),
        cmocka_unit_test(a_barrier_wakes_all),
    };
    if (!sleeper_works())
        return EXIT_SKIP;
    fb_mp_heap_make(); /* its descriptor stays open as long as the program runs */
    return RUN_TESTS(tests);
}
