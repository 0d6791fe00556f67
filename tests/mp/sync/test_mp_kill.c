/* harness/mp/sync/sync.c, barrier.c: a process is killed at every instruction of an operation. The
 * others are not blocked, and find a consistent state. */
#include "tests/support/support.h"
#include "tests/support/stepper.h"

#include "harness/mp/sync/barrier.h"
#include "harness/mp/core/heap.h"
#include "harness/mp/sync/sync.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>

#define SOON (STEPPER_LIMIT_MS * FB_MP_MILLISECOND)

struct scene {
    const struct death_case *death_case;
    struct fb_mp_lock *lock;
    struct fb_mp_semaphore *semaphore;
    struct fb_mp_event *event;
    struct fb_mp_condition *condition;
    struct fb_mp_barrier *barrier;
    struct sleeper sleeper; /* another process, which must not be blocked */
    int64_t timeout_ns;     /* of waits */
    unsigned victims;       /* so far */
};

/* An operation and the objects it needs. */
struct death_case {
    struct operation operation;
    int (*sleeper)(struct scene *scene);
    unsigned value; /* of the semaphore */
    bool recursive; /* the lock */
};

static void start_sleeper(struct scene *scene)
{
    sleeper_fork(&scene->sleeper, scene->death_case->sleeper, scene);
    sleeper_settle(&scene->sleeper);
}

static void make_objects(struct scene *scene)
{
    assert_int_equal(fb_mp_lock_make(scene->death_case->recursive, &scene->lock), 0);
    assert_int_equal(fb_mp_semaphore_make(scene->death_case->value, false, &scene->semaphore), 0);
    assert_int_equal(fb_mp_event_make(&scene->event), 0);
    assert_int_equal(fb_mp_condition_make(scene->lock, &scene->condition), 0);
}

static void free_objects(struct scene *scene)
{
    fb_mp_condition_free(scene->condition);
    fb_mp_event_free(scene->event);
    fb_mp_semaphore_free(scene->semaphore);
    fb_mp_lock_free(scene->lock);
}

/* Runs the operation once, in the victim, on other objects. */
static void warm_up(struct scene *scene)
{
    struct scene other = { .death_case = scene->death_case, .timeout_ns = FB_MP_MILLISECOND };
    make_objects(&other);
    scene->death_case->operation.run(&other);
    free_objects(&other);
}

/* ---- lock ---- */

static const char *check_lock(struct scene *scene, bool finished)
{
    struct fb_mp_lock *lock = scene->lock;
    fb_mp_lock_release(lock); /* the test still holds it if the victim did not sleep for it */
    int result = fb_mp_lock_acquire(lock, SOON);
    if (result != 0 && (finished || result != -EOWNERDEAD))
        return "the lock can't be taken";
    if (fb_mp_lock_acquire(lock, 0) != (scene->death_case->recursive ? 0 : -EDEADLK))
        return "the owner of the lock is not known";
    for (int i = 0; i <= scene->death_case->recursive; i++)
        if (fb_mp_lock_release(lock) != 0)
            return "the lock can't be released";
    if (fb_mp_lock_release(lock) != -EPERM || fb_mp_lock_acquire(lock, SOON) != 0 ||
        fb_mp_lock_release(lock) != 0)
        return "the lock is not free afterwards";
    return NULL;
}

/* Once, or twice if it is recursive; with both kinds of waiting. */
static void lock_all(struct scene *scene)
{
    bool recursive = scene->death_case->recursive;
    for (int i = 0; i <= recursive; i++)
        fb_mp_lock_acquire(scene->lock, recursive ? LIMIT_NS : FB_MP_FOREVER);
    for (int i = 0; i <= recursive; i++)
        fb_mp_lock_release(scene->lock);
}

static void take_lock(struct scene *scene)
{
    fb_mp_lock_acquire(scene->lock, LIMIT_NS);
}

static void release_lock(struct scene *scene)
{
    fb_mp_lock_release(scene->lock);
}

/* Acquires a lock whose owner may be dead. */
static bool acquire_from_dead(struct fb_mp_lock *lock, int64_t timeout_ns)
{
    int result = fb_mp_lock_acquire(lock, timeout_ns);
    return result == 0 || result == -EOWNERDEAD;
}

/* Sleeps in the C library, without slices, until it is woken. */
static int wait_lock(struct scene *scene)
{
    return !acquire_from_dead(scene->lock, FB_MP_FOREVER) || fb_mp_lock_release(scene->lock) != 0;
}

/* ---- semaphore ---- */

static void semaphore_once(struct scene *scene)
{
    fb_mp_semaphore_acquire(scene->semaphore, LIMIT_NS);
    fb_mp_semaphore_release(scene->semaphore);
}

static int wait_semaphore(struct scene *scene)
{
    return fb_mp_semaphore_acquire(scene->semaphore, LIMIT_NS) != 0;
}

static const char *check_semaphore(struct scene *scene, bool finished)
{
    struct fb_mp_semaphore *semaphore = scene->semaphore;
    unsigned value = fb_mp_semaphore_value(semaphore);
    if (value > 2 || value < (finished ? 2 : 1))
        return "its value is wrong";
    sleeper_fork(&scene->sleeper, scene->death_case->sleeper, scene);
    if (!sleeper_ends(&scene->sleeper))
        return "another process can't take it";
    while (fb_mp_semaphore_value(semaphore) < 2)
        fb_mp_semaphore_release(semaphore);
    return NULL;
}

static void release_one(struct scene *scene)
{
    fb_mp_semaphore_release(scene->semaphore);
}

/* ---- event and condition ---- */

static int wait_event(struct scene *scene)
{
    return fb_mp_event_wait(scene->event, LIMIT_NS) != 0;
}

static void set_event(struct scene *scene)
{
    fb_mp_event_set(scene->event);
}

static void notify(struct scene *scene)
{
    acquire_from_dead(scene->lock, SOON); /* if that fails, check sees it */
    fb_mp_condition_notify(scene->condition, 1);
    fb_mp_lock_release(scene->lock);
}

static int wait_condition(struct scene *scene)
{
    if (!acquire_from_dead(scene->lock, SOON))
        return 1;
    int result = fb_mp_condition_wait(scene->condition, scene->timeout_ns);
    return (result != 0 && result != -EOWNERDEAD) || fb_mp_lock_release(scene->lock) != 0;
}

static void wait_with_timeout(struct scene *scene)
{
    wait_condition(scene);
}

/* If the word that the sleeper sleeps on has changed, the victim must have woken it; otherwise the
 * test runs the operation again. (A semaphore's word is unchanged if the sleeper has already taken
 * it; then the second release is a surplus.) */
static const char *check_woken(struct scene *scene, bool finished)
{
    unsigned surplus = 0;
    if (!finished && atomic_load(scene->sleeper.word) == scene->sleeper.expected)
        scene->death_case->operation.run(scene);
    if (!sleeper_ends(&scene->sleeper))
        return "the sleeper is not woken";
    while (fb_mp_semaphore_acquire(scene->semaphore, 0) == 0)
        surplus++;
    if (surplus > !finished)
        return "the semaphore's value is wrong";
    fb_mp_event_clear(scene->event);
    return check_lock(scene, false);
}

/* A notification wakes a living waiter, not a dead one. */
static const char *check_wait(struct scene *scene, bool finished)
{
    start_sleeper(scene);
    notify(scene);
    return sleeper_ends(&scene->sleeper) ? check_lock(scene, finished) : "the sleeper is not woken";
}

/* ---- barrier ---- */

static int arrive_twice(struct scene *scene)
{
    unsigned index;
    fb_mp_barrier_wait(scene->barrier, LIMIT_NS, &index);
    int result = fb_mp_barrier_wait(scene->barrier, LIMIT_NS, &index);
    return result != 0 && result != -ECANCELED;
}

static void make_barrier(struct scene *scene)
{
    assert_int_equal(fb_mp_barrier_make(2, &scene->barrier), 0);
    sleeper_fork(&scene->sleeper, arrive_twice, scene);
}

static void arrive(struct scene *scene)
{
    unsigned index;
    fb_mp_barrier_wait(scene->barrier, LIMIT_NS, &index);
}

/* The other process has met the victim once and waits for it again. */
static void sleep_on_barrier(struct scene *scene)
{
    while (fb_mp_barrier_waiting(scene->barrier) != 1)
        sched_yield();
    sleeper_settle(&scene->sleeper);
}

/* The sleeper checks for dead processes every 50 ms. A signal makes it check at once, except for
 * some victims. */
static const char *check_barrier(struct scene *scene, bool finished)
{
    if (!finished && scene->victims++ % 16 != 0)
        kill(scene->sleeper.pid, SIGUSR1);
    if (!sleeper_ends(&scene->sleeper))
        return "the other process is blocked";
    fb_mp_barrier_free(scene->barrier);
    return NULL;
}

static void on_signal(int number)
{
    (void)number;
}

static const struct death_case death_cases[] = {
    /* .operation: name, begin, prepare, ready, run, asleep, check */
    { .operation = { "lock", 0, warm_up, 0, lock_all, 0, check_lock } },
    { .operation = { "recursive lock", 0, warm_up, 0, lock_all, 0, check_lock },
      .recursive = true },
    { .operation = { "held lock", take_lock, warm_up, 0, lock_all, release_lock, check_lock } },
    { .operation = { "lock, waking", 0, take_lock, start_sleeper, release_lock, 0, check_woken },
      .sleeper = wait_lock },
    { .operation = { "semaphore", 0, warm_up, 0, semaphore_once, 0, check_semaphore },
      .sleeper = wait_semaphore,
      .value = 2 },
    { .operation = { "semaphore, waking", 0, warm_up, start_sleeper, release_one, 0, check_woken },
      .sleeper = wait_semaphore },
    { .operation = { "event, waking", 0, warm_up, start_sleeper, set_event, 0, check_woken },
      .sleeper = wait_event },
    { .operation = { "notify, waking", 0, warm_up, start_sleeper, notify, 0, check_woken },
      .sleeper = wait_condition },
    { .operation = { "condition wait", 0, warm_up, 0, wait_with_timeout, notify, check_wait },
      .sleeper = wait_condition },
    { .operation = { "barrier", make_barrier, arrive, sleep_on_barrier, arrive, 0,
                     check_barrier } },
};

/* No memory is left after all the deaths. */
static void perform(void **state)
{
    struct scene scene = { .death_case = *state, .timeout_ns = LIMIT_NS };
    make_objects(&scene);
    stepper_kill_everywhere(&scene.death_case->operation, &scene);
    free_objects(&scene);
    assert_int_equal(fb_mp_heap_used(), 0);
}

int main(void)
{
    struct CMUnitTest tests[sizeof death_cases / sizeof *death_cases];
    if (!stepper_set_up())
        return EXIT_SKIP;
    fb_mp_heap_make(); /* its descriptor stays open as long as the program runs */
    signal(SIGUSR1, on_signal);
    for (size_t i = 0; i < sizeof death_cases / sizeof *death_cases; i++)
        tests[i] = (struct CMUnitTest){ .name = death_cases[i].operation.name,
                                        .test_func = perform,
                                        .initial_state = (void *)&death_cases[i] };
    return RUN_TESTS(tests);
}
