/* harness/mp/pool*.c: workers and the helper die at random moments, again and again. Each task has
 * one outcome, and the right one; nothing is left behind. */
#include "tests/mp/pool/crash_fixture.h"

#include "base/random.h"
#include "harness/mp/core/heap.h"
#include "harness/mp/pool/pool_tasks.h"
#include "harness/mp/core/sleep.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KILLS AS_MANY_AS(1000u, 300u)
#define SEED 7u
#define WORKERS 4u
#define WINDOW 700u /* tasks that are handed over and not yet looked at: more than records */
#define LARGE 30u   /* words of an argument or a result that is in the heap */
#define DOOMED 50u  /* of so many tasks one ends its worker, where they do */

/* ---- tasks ---- */

struct order {
    uint64_t number;
    int how;                /* with which it ends its worker at its first try, if it is to */
    _Atomic uint32_t *died; /* NULL: it is not to */
    uint64_t more[LARGE];   /* of some */
};

static bool is_large(uint64_t number)
{
    return number % 8 == 3;
}

/* Some work, as long as an exchange or longer, so that deaths come both in the pool's own code and
 * between. */
static int count_up(struct fb_mp_call *call)
{
    struct order order;
    uint64_t result[LARGE];
    memcpy(&order, call->argument, call->size);
    for (uint64_t spin = order.number * 7 % 2048; spin > 0; spin--)
        fb_mp_relax();
    if (order.died && atomic_exchange(order.died, 1) == 0)
        end_self(order.how);
    if (is_large(order.number) && order.more[LARGE - 1] != order.number)
        return -EBADMSG;
    size_t words = order.number % 16 == 5 ? LARGE : 1;
    for (size_t i = 0; i < words; i++)
        result[i] = order.number * 3 + i;
    return fb_mp_return(call, result, words * sizeof *result);
}

static const struct fb_mp_task tasks[] = { FB_MP_FUNCTION(count_up), { 0 } };

/* ---- who hands them over, and looks what has become of them ---- */

struct chaos {
    struct fb_mp_pool *pool;
    struct fb_random random;
    struct fb_mp_future *future[WINDOW]; /* a ring */
    uint64_t given, taken, failed;
    unsigned kills;
    pid_t killed[WORKERS]; /* by index, who was killed last */
    int how;
    _Atomic uint32_t *died; /* [tasks / DOOMED + 1] of those that end their worker; NULL: none do */
};

static bool is_doomed(const struct chaos *chaos, uint64_t number)
{
    return chaos->died && number % DOOMED == 0;
}

static void give_one(struct chaos *chaos)
{
    struct order order = { .number = chaos->given, .how = chaos->how };
    if (is_doomed(chaos, order.number))
        order.died = &chaos->died[order.number / DOOMED];
    order.more[LARGE - 1] = order.number;
    size_t size = is_large(order.number) ? sizeof order : offsetof(struct order, more);
    chaos->future[chaos->given++ % WINDOW] =
        crash_submit(chaos->pool, count_up, &order, size, NULL);
}

/* The oldest one has the right result, or failed as its worker died. */
static void take_one(struct chaos *chaos)
{
    const void *bytes;
    size_t size;
    struct fb_error error = { 0 };
    uint64_t number = chaos->taken++, result[LARGE];
    size_t words = number % 16 == 5 ? LARGE : 1;
    struct fb_mp_future *future = chaos->future[number % WINDOW];
    int code = fb_mp_future_result(future, LIMIT, &bytes, &size, &error);
    assert_true(fb_mp_future_is_done(future));
    assert_int_equal(fb_mp_future_state(future), FB_MP_DONE);
    if (code == -EOWNERDEAD) {
        assert_non_null(strstr(error.text, "pid"));
        chaos->failed++;
    } else if (code != 0)
        fail_msg("task %u: %s", (unsigned)number, error.text);
    else {
        assert_int_equal(size, words * sizeof *result);
        memcpy(result, bytes, size);
        for (size_t i = 0; i < words; i++)
            assert_int_equal(result[i], number * 3 + i);
    }
    fb_mp_future_free(future);
}

/* As many tasks more, with others behind them. */
static void let_pass(struct chaos *chaos, uint64_t count)
{
    for (; count > 0; count--) {
        while (chaos->given < chaos->taken + WINDOW)
            give_one(chaos);
        take_one(chaos);
    }
}

static void take_all(struct chaos *chaos)
{
    while (chaos->taken < chaos->given)
        take_one(chaos);
}

/* ---- deaths ---- */

/* One that has begun to work, as those that never come to it mean a broken pool. False: it had
 * ended, or was not made yet. */
static bool kill_one(struct chaos *chaos)
{
    struct fb_mp_pool *pool = chaos->pool;
    unsigned index = (unsigned)fb_random_below(&chaos->random, WORKERS);
    pthread_mutex_lock(&pool->mutex);
    pid_t pid = fb_mp_supervisor_pid(pool->supervisor, index);
    bool there = pid != 0 && pid != chaos->killed[index] &&
                 atomic_load(&pool_worker(pool->shared, index)->state) == WORKER_READY;
    if (there)
        fb_mp_supervisor_signal(pool->supervisor, index, SIGKILL);
    if (there)
        chaos->killed[index] = pid;
    pthread_mutex_unlock(&pool->mutex);
    chaos->kills += there;
    return there;
}

/* Another one than that before. */
static pid_t find_helper(struct chaos *chaos, pid_t before)
{
    pid_t helper = 0;
    for (uint64_t limit = clock_ms() + LIMIT_MS; !helper || helper == before; sched_yield()) {
        assert_true(clock_ms() < limit);
        pthread_mutex_lock(&chaos->pool->mutex);
        helper = forkserver_of(fb_mp_supervisor_pid(chaos->pool->supervisor, 0));
        pthread_mutex_unlock(&chaos->pool->mutex);
    }
    return helper;
}

/* ---- pools ---- */

static void begin(struct chaos *chaos, enum fb_mp_method method, unsigned retries)
{
    *chaos = (struct chaos){ .random = { SEED } };
    chaos->pool = crash_pool_open(
        (struct fb_mp_pool_options){ .method = method, .workers = WORKERS, .retries = retries });
}

static void end(struct chaos *chaos, const char *what)
{
    take_all(chaos);
    assert_true(wait_for_workers(chaos->pool, 0));
    struct fb_mp_pool_state now;
    fb_mp_pool_state(chaos->pool, &now);
    assert_int_equal(now.workers, WORKERS);
    assert_int_equal(now.pending + now.running, 0);
    print_message("%s, seed %u: %u tasks, %u kills, %u deaths, %u tasks failed\n", what, SEED,
                  (unsigned)chaos->taken, chaos->kills, (unsigned)now.deaths,
                  (unsigned)chaos->failed);
    crash_pool_end(chaos->pool);
}

/* ---- */

static void kill_many(enum fb_mp_method method, unsigned retries, unsigned kills, unsigned count)
{
    struct chaos chaos;
    size_t used = fb_mp_heap_used();
    begin(&chaos, method, retries);
    for (unsigned i = 0; i < kills; i++) {
        let_pass(&chaos, fb_random_below(&chaos.random, 2 * count / kills));
        for (size_t spin = fb_random_below(&chaos.random, 1000); spin > 0; spin--)
            fb_mp_relax();
        while (!kill_one(&chaos))
            let_pass(&chaos, 1);
    }
    while (chaos.given < count)
        let_pass(&chaos, 1);
    take_all(&chaos);
    assert_in_range(chaos.failed, 0, retries ? 0 : kills);
    assert_true(chaos.taken >= count);
    end(&chaos, method == FB_MP_FORK ? "killed, forked" : "killed, spawned");
    assert_int_equal(fb_mp_heap_used(), used);
}

/* Of spawned workers a tenth, which takes as long, unless CHAOS_FULL is set. */
static void kill_a_thousand(unsigned retries)
{
    unsigned part = getenv("CHAOS_FULL") ? 1 : 10;
    kill_many(FB_MP_FORK, retries, KILLS, 100 * KILLS);
    kill_many(FB_MP_SPAWN, retries, KILLS / part, 100 * KILLS / part);
}

static void a_thousand_kills_with_retries(void **state)
{
    (void)state;
    kill_a_thousand(1000);
}

static void a_thousand_kills(void **state)
{
    (void)state;
    kill_a_thousand(0);
}

/* Tasks that end their workers themselves: without retries exactly these fail. */
static void end_themselves(enum fb_mp_method method, int how, unsigned retries, unsigned count)
{
    struct chaos chaos;
    void *died;
    size_t used = fb_mp_heap_used();
    assert_int_equal(fb_mp_alloc((count / DOOMED + 1) * sizeof *chaos.died, &died), 0);
    begin(&chaos, method, retries);
    chaos.how = how;
    chaos.died = died;
    while (chaos.given < count) {
        give_one(&chaos);
        if (chaos.given == chaos.taken + WINDOW)
            take_one(&chaos);
    }
    take_all(&chaos);
    for (unsigned i = 0; i < count / DOOMED; i++)
        assert_int_equal(atomic_load(&chaos.died[i]), 1);
    assert_int_equal(chaos.failed, retries ? 0 : count / DOOMED);
    assert_true(wait_for_workers(chaos.pool, count / DOOMED));
    end(&chaos, how < 0 ? "SIGSEGV" : "exit");
    fb_mp_free(died);
    assert_int_equal(fb_mp_heap_used(), used);
}

static void tasks_that_end_their_workers(void **state)
{
    (void)state;
    for (unsigned retries = 0; retries < 2; retries++) {
        end_themselves(FB_MP_FORK, -SIGSEGV, retries, 5000);
        end_themselves(FB_MP_FORK, 99, retries, 5000);
        end_themselves(FB_MP_SPAWN, -SIGSEGV, retries, 1000);
        end_themselves(FB_MP_SPAWN, 99, retries, 1000);
    }
}

/* All of its workers have begun: those that never come to it mean a broken pool. */
static bool all_have_begun(struct fb_mp_pool *pool)
{
    bool all = true;
    pthread_mutex_lock(&pool->mutex);
    for (unsigned i = 0; i < WORKERS; i++) {
        const struct pool_worker *worker = pool_worker(pool->shared, i);
        all &= worker->exists && atomic_load(&worker->state) == WORKER_READY &&
               fb_mp_supervisor_pid(pool->supervisor, i) >
                   0; /* else its helper has not said yet who it is */
    }
    pthread_mutex_unlock(&pool->mutex);
    return all;
}

static void kill_helpers(enum fb_mp_method method, unsigned kills)
{
    struct chaos chaos;
    size_t used = fb_mp_heap_used();
    begin(&chaos, method, 1000);
    for (pid_t helper = 0; chaos.kills < kills; chaos.kills++) {
        while (!all_have_begun(chaos.pool))
            let_pass(&chaos, 1);
        let_pass(&chaos, fb_random_below(&chaos.random, 100));
        helper = find_helper(&chaos, helper);
        assert_int_equal(kill(helper, SIGKILL), 0);
        let_pass(&chaos, WINDOW + 1); /* of which some were given only now */
        find_helper(&chaos, helper);
    }
    take_all(&chaos);
    assert_int_equal(chaos.failed, 0);
    end(&chaos, "the helper killed");
    assert_int_equal(fb_mp_heap_used(), used);
}

static void helpers_are_killed(void **state)
{
    (void)state;
    kill_helpers(FB_MP_FORK, 50);
    kill_helpers(FB_MP_SPAWN, 10);
}

static pid_t stop_helper(struct chaos *chaos)
{
    for (uint64_t limit = clock_ms() + LIMIT_MS; !all_have_begun(chaos->pool); sched_yield())
        assert_true(clock_ms() < limit);
    pid_t helper = find_helper(chaos, 0);
    assert_int_equal(kill(helper, SIGSTOP), 0);
    assert_true(wait_for_stop(helper));
    return helper;
}

/* With all workers there are, and before it has made another one that it was told to: the next
 * helper can make them all. */
static void a_helper_dies_with_an_order(void **state)
{
    (void)state;
    struct chaos chaos;
    struct fb_mp_pool_state now = { 0 };
    pid_t pid[WORKERS];
    begin(&chaos, FB_MP_FORK, 1000);
    pid_t helper = stop_helper(&chaos);
    assert_int_equal(fb_mp_pool_resize(chaos.pool, WORKERS + 1), 0);
    for (uint64_t limit = clock_ms() + LIMIT_MS; now.alive < WORKERS + 1; sched_yield()) {
        assert_true(clock_ms() < limit);
        fb_mp_pool_state(chaos.pool, &now);
    }
    pthread_mutex_lock(&chaos.pool->mutex);
    for (unsigned i = 0; i < WORKERS; i++) {
        pid[i] = fb_mp_supervisor_pid(chaos.pool->supervisor, i);
        fb_mp_supervisor_signal(chaos.pool->supervisor, i, SIGSTOP);
    }
    pthread_mutex_unlock(&chaos.pool->mutex);
    for (unsigned i = 0; i < WORKERS; i++)
        assert_true(wait_for_stop(pid[i]));
    while (chaos.given < WINDOW)
        give_one(&chaos);
    assert_int_equal(kill(helper, SIGKILL), 0);
    take_all(&chaos);
    assert_int_equal(chaos.failed, 0);
    assert_int_equal(fb_mp_pool_resize(chaos.pool, WORKERS), 0);
    crash_pool_end(chaos.pool);
}

/* While it is stopped nobody tells of the dead, or makes new workers; the living go on. */
static void a_helper_is_stopped(void **state)
{
    (void)state;
    struct chaos chaos;
    size_t used = fb_mp_heap_used();
    begin(&chaos, FB_MP_FORK, 1000);
    let_pass(&chaos, WINDOW);
    take_all(&chaos);
    pid_t helper = stop_helper(&chaos);
    int64_t end_ns = fb_mp_now() + FB_MP_SECOND;
    while (chaos.given < chaos.taken + WINDOW)
        give_one(&chaos);
    while (!kill_one(&chaos))
        sched_yield();
    for (unsigned done = 0; done < WINDOW - 1 || fb_mp_now() < end_ns; sched_yield()) {
        done = 0;
        for (unsigned i = 0; i < WINDOW; i++)
            done += fb_mp_future_is_done(chaos.future[i]);
        if (fb_mp_now() > end_ns + LIMIT)
            fail_msg("only %u tasks are done without the helper", done);
    }
    assert_int_equal(kill(helper, SIGCONT), 0);
    take_all(&chaos);
    let_pass(&chaos, WINDOW);
    assert_int_equal(chaos.failed, 0);
    assert_true(wait_for_workers(chaos.pool, 1));
    end(&chaos, "the helper stopped");
    assert_int_equal(fb_mp_heap_used(), used);
}

int main(int argc, char **argv)
{
    fb_mp_main(argc, argv, tasks);
    fb_mp_heap_make(); /* its descriptor stays open as long as the program runs */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thousand_kills_with_retries),
        cmocka_unit_test(a_thousand_kills),
        cmocka_unit_test(tasks_that_end_their_workers),
        cmocka_unit_test(helpers_are_killed),
        cmocka_unit_test(a_helper_is_stopped),
        cmocka_unit_test(a_helper_dies_with_an_order),
    };
    return RUN_TESTS(tests);
}
