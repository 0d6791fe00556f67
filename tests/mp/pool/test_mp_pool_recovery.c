/* harness/mp/pool/pool_recovery.c, pool_service.c: what the owner does about a worker that was
 * killed at a known point. The pool's real worker is stopped, and the test makes the steps of
 * another one. */
#include "tests/mp/pool/crash_fixture.h"

#include "harness/mp/core/heap.h"
#include "harness/mp/pool/pool_tasks.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>

#define KILLED 1u /* the index of the worker whose steps the test makes */
#define PID 4242  /* and its pid, as reported to the pool */

static int do_nothing(struct fb_mp_call *call)
{
    (void)call;
    return 0;
}

static struct fb_mp_future *submit(struct fb_mp_pool *pool)
{
    return crash_submit(pool, do_nothing, NULL, 0, NULL);
}

/* ---- the steps of a worker ---- */

struct claim {
    struct task_record *record;
    uint64_t position;
};

static struct claim claim(struct fb_mp_pool *pool)
{
    struct claim claim = { 0 };
    claim.record = task_claim(&pool->shared->ring, KILLED, &claim.position);
    assert_non_null(claim.record);
    return claim;
}

static void mark_done(struct claim claim)
{
    assert_true(task_mark_done(claim.record, claim.position, KILLED));
}

static void list_completed(struct fb_mp_pool *pool, struct claim claim)
{
    task_list_completed(&pool->shared->ring, claim.record, KILLED,
                        &pool_worker(pool->shared, KILLED)->completed);
}

/* As if the worker was killed after its last step. Returns whether it had claimed a task. */
static bool recover(struct fb_mp_pool *pool)
{
    const struct fb_mp_worker_end end = { .index = KILLED, .pid = PID, .code = -SIGKILL };
    pthread_mutex_lock(&pool->mutex);
    bool had_claimed = pool_recover_from_death(pool, &end);
    pthread_mutex_unlock(&pool->mutex);
    return had_claimed;
}

static void assert_succeeded(struct fb_mp_future *future)
{
    assert_int_equal(fb_mp_future_state(future), FB_MP_DONE);
    assert_int_equal(fb_mp_future_result(future, 0, NULL, NULL, NULL), 0);
    fb_mp_future_free(future);
}

/* ---- tasks of a killed worker ---- */

static void a_claimed_task_fails(void **state)
{
    (void)state;
    struct fb_mp_pool *pool = crash_pool_open_stopped((struct fb_mp_pool_options){ 0 });
    struct fb_mp_future *future = submit(pool);
    claim(pool);
    assert_int_equal(fb_mp_future_state(future), FB_MP_RUNNING);
    assert_true(recover(pool));
    assert_worker_died(future, PID, -SIGKILL);
    assert_false(recover(pool));
    fb_mp_pool_close(pool);
}

static void a_claimed_task_is_tried_again(void **state)
{
    (void)state;
    struct fb_mp_pool *pool = crash_pool_open_stopped((struct fb_mp_pool_options){ .retries = 1 });
    struct fb_mp_future *future = submit(pool);
    claim(pool);
    assert_true(recover(pool));
    assert_int_equal(fb_mp_future_state(future), FB_MP_PENDING);
    claim(pool);
    assert_true(recover(pool));
    assert_worker_died(future, PID, -SIGKILL);
    fb_mp_pool_close(pool);
}

static void a_done_task_that_was_not_listed_is_done(void **state)
{
    (void)state;
    struct fb_mp_pool *pool = crash_pool_open_stopped((struct fb_mp_pool_options){ 0 });
    struct fb_mp_future *future = submit(pool);
    mark_done(claim(pool));
    assert_false(recover(pool));
    assert_succeeded(future);
    fb_mp_pool_close(pool);
}

static void a_listed_task_that_was_not_announced_is_done(void **state)
{
    (void)state;
    struct fb_mp_pool *pool = crash_pool_open_stopped((struct fb_mp_pool_options){ 0 });
    struct fb_mp_future *future = submit(pool);
    struct claim done = claim(pool);
    mark_done(done);
    pthread_mutex_lock(&pool->mutex); /* so that no thread of the owner sees the bit meanwhile */
    list_completed(pool, done);
    atomic_store(&pool->shared->ring.has_completed[0], 0);
    pthread_mutex_unlock(&pool->mutex);
    assert_int_equal(fb_mp_future_state(future), FB_MP_RUNNING);
    assert_false(recover(pool));
    assert_succeeded(future);
    fb_mp_pool_close(pool);
}

static void results_of_one_worker_come_oldest_first(void **state)
{
    (void)state;
    enum { TASKS = 5 };
    struct fb_mp_pool *pool = crash_pool_open_stopped((struct fb_mp_pool_options){ 0 });
    struct fb_mp_future *future[TASKS];
    struct fb_mp_completion *completion;
    size_t index;
    for (size_t i = 0; i < TASKS; i++)
        future[i] = submit(pool);
    pthread_mutex_lock(&pool->mutex); /* so that the owner collects all of them at once */
    for (size_t i = 0; i < TASKS; i++) {
        struct claim done = claim(pool);
        mark_done(done);
        list_completed(pool, done);
    }
    pthread_mutex_unlock(&pool->mutex);
    assert_int_equal(fb_mp_as_completed(future, TASKS, LIMIT_NS, &completion), 0);
    for (size_t i = 0; i < TASKS; i++) {
        assert_int_equal(fb_mp_completion_next(completion, &index, NULL), 0);
        assert_int_equal(index, i);
    }
    fb_mp_completion_free(completion);
    for (size_t i = 0; i < TASKS; i++)
        assert_succeeded(future[i]);
    fb_mp_pool_close(pool);
}

/* ---- other workers ---- */

/* The test prepares to sleep as an idle worker does. The killed worker may have received a
 * wake-up that was meant for a task, so its end must wake all others. No new worker is made
 * meanwhile, as that would change the eventcount too. */
static void idle_workers_are_woken_when_another_is_killed(void **state)
{
    (void)state;
    struct fb_mp_pool *pool = crash_pool_open_stopped((struct fb_mp_pool_options){ 0 });
    struct fb_mp_pool_state now = { .alive = 1 };
    uint64_t limit = clock_ms() + LIMIT_MS;
    pthread_mutex_lock(&pool->mutex);
    pool->make_after_ns = INT64_MAX;
    uint32_t ticket = fb_mp_eventcount_prepare(&pool->shared->tasks_ready);
    fb_mp_supervisor_signal(pool->supervisor, 0, SIGKILL);
    pthread_mutex_unlock(&pool->mutex);
    for (; now.alive > 0; fb_mp_pool_state(pool, &now), sched_yield())
        assert_true(clock_ms() < limit);
    assert_int_not_equal(atomic_load(&pool->shared->tasks_ready), ticket);
    fb_mp_pool_close(pool);
}

int main(void)
{
    fb_mp_heap_make(); /* its descriptor stays open as long as the program runs */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_claimed_task_fails),
        cmocka_unit_test(a_claimed_task_is_tried_again),
        cmocka_unit_test(a_done_task_that_was_not_listed_is_done),
        cmocka_unit_test(a_listed_task_that_was_not_announced_is_done),
        cmocka_unit_test(results_of_one_worker_come_oldest_first),
        cmocka_unit_test(idle_workers_are_woken_when_another_is_killed),
    };
    return RUN_TESTS(tests);
}
