/* harness/mp/pool: workers and the forkserver are killed at random moments, many times. Each
 * task has one outcome, which is right, and nothing is left behind. */
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
#define WINDOW 700u    /* tasks that are submitted and not yet checked: more than records */
#define LARGE 30u      /* words of an argument or a result that is stored in the heap */
#define FATAL_EACH 50u /* one of this many tasks ends its worker, in tests with such tasks */

/* ---- tasks ---- */

struct argument {
    uint64_t number;
    int how;                /* how the first try ends its worker, if died is not NULL */
    _Atomic uint32_t *died; /* whether it has; NULL: it does not */
    uint64_t more[LARGE];   /* only in large arguments */
};

static bool is_large(uint64_t number)
{
    return number % 8 == 3;
}

/* Works about as long as the pool's own code or longer, so that kills come in both. */
static int count_up(struct fb_mp_call *call)
{
    struct argument argument;
    uint64_t result[LARGE];
    memcpy(&argument, call->argument, call->size);
    for (uint64_t spin = argument.number * 7 % 2048; spin > 0; spin--)
        fb_mp_relax();
    if (argument.died && atomic_exchange(argument.died, 1) == 0)
        end_self(argument.how);
    if (is_large(argument.number) && argument.more[LARGE - 1] != argument.number)
        return -EBADMSG;
    size_t words = argument.number % 16 == 5 ? LARGE : 1;
    for (size_t i = 0; i < words; i++)
        result[i] = argument.number * 3 + i;
    return fb_mp_return(call, result, words * sizeof *result);
}

static const struct fb_mp_task tasks[] = { FB_MP_FUNCTION(count_up), { 0 } };

/* ---- submitting and checking tasks ---- */

struct chaos {
    struct fb_mp_pool *pool;
    struct fb_random random;
    struct fb_mp_future *future[WINDOW]; /* a ring */
    uint64_t submitted, checked, failed;
    unsigned kills;
    pid_t killed[WORKERS]; /* by index: the pid that was killed last */
    int how;
    _Atomic uint32_t
        *died; /* [tasks / FATAL_EACH + 1] one for each fatal task; NULL: there are none */
};

static bool is_fatal(const struct chaos *chaos, uint64_t number)
{
    return chaos->died && number % FATAL_EACH == 0;
}

static void submit_one(struct chaos *chaos)
{
    struct argument argument = { .number = chaos->submitted, .how = chaos->how };
    if (is_fatal(chaos, argument.number))
        argument.died = &chaos->died[argument.number / FATAL_EACH];
    argument.more[LARGE - 1] = argument.number;
    size_t size = is_large(argument.number) ? sizeof argument : offsetof(struct argument, more);
    chaos->future[chaos->submitted++ % WINDOW] =
        crash_submit(chaos->pool, count_up, &argument, size, NULL);
}

/* The oldest task has the right result, or failed because its worker was killed. */
static void check_one(struct chaos *chaos)
{
    const void *bytes;
    size_t size;
    struct fb_error error = { 0 };
    uint64_t number = chaos->checked++, result[LARGE];
    size_t words = number % 16 == 5 ? LARGE : 1;
    struct fb_mp_future *future = chaos->future[number % WINDOW];
    int code = fb_mp_future_result(future, LIMIT_NS, &bytes, &size, &error);
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

/* Checks this many tasks, while others are always submitted after them. */
static void check_some(struct chaos *chaos, uint64_t count)
{
    for (; count > 0; count--) {
        while (chaos->submitted < chaos->checked + WINDOW)
            submit_one(chaos);
        check_one(chaos);
    }
}

static void check_all(struct chaos *chaos)
{
    while (chaos->checked < chaos->submitted)
        check_one(chaos);
}

/* ---- kills ---- */

/* Kills a random worker that is ready (workers that are killed before break the pool). False: it
 * had ended, or was not ready yet. */
static bool kill_one(struct chaos *chaos)
{
    struct fb_mp_pool *pool = chaos->pool;
    unsigned index = (unsigned)fb_random_below(&chaos->random, WORKERS);
    pthread_mutex_lock(&pool->mutex);
    pid_t pid = fb_mp_supervisor_pid(pool->supervisor, index);
    bool ready = pid != 0 && pid != chaos->killed[index] &&
                 atomic_load(&pool_worker(pool->shared, index)->state) == WORKER_READY;
    if (ready) {
        fb_mp_supervisor_signal(pool->supervisor, index, SIGKILL);
        chaos->killed[index] = pid;
    }
    pthread_mutex_unlock(&pool->mutex);
    chaos->kills += ready;
    return ready;
}

/* Waits for a forkserver other than `before`. */
static pid_t find_forkserver(struct chaos *chaos, pid_t before)
{
    pid_t forkserver = 0;
    for (uint64_t limit = clock_ms() + LIMIT_MS; !forkserver || forkserver == before;
         sched_yield()) {
        assert_true(clock_ms() < limit);
        pthread_mutex_lock(&chaos->pool->mutex);
        forkserver = forkserver_of(fb_mp_supervisor_pid(chaos->pool->supervisor, 0));
        pthread_mutex_unlock(&chaos->pool->mutex);
    }
    return forkserver;
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
    check_all(chaos);
    assert_true(wait_for_workers(chaos->pool, 0));
    struct fb_mp_pool_state now;
    fb_mp_pool_state(chaos->pool, &now);
    assert_int_equal(now.workers, WORKERS);
    assert_int_equal(now.pending + now.running, 0);
    print_message("%s, seed %u: %u tasks, %u kills, %u deaths, %u tasks failed\n", what, SEED,
                  (unsigned)chaos->checked, chaos->kills, (unsigned)now.deaths,
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
        check_some(&chaos, fb_random_below(&chaos.random, 2 * count / kills));
        for (size_t spin = fb_random_below(&chaos.random, 1000); spin > 0; spin--)
            fb_mp_relax();
        while (!kill_one(&chaos))
            check_some(&chaos, 1);
    }
    while (chaos.submitted < count)
        check_some(&chaos, 1);
    check_all(&chaos);
    assert_in_range(chaos.failed, 0, retries ? 0 : kills);
    assert_true(chaos.checked >= count);
    end(&chaos, method == FB_MP_FORK ? "killed, forked" : "killed, spawned");
    assert_int_equal(fb_mp_heap_used(), used);
}

/* A tenth of that with spawned workers, which takes as long, unless CHAOS_FULL is set. */
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

/* Tasks that end their own workers: without retries exactly these fail. */
static void end_own_workers(enum fb_mp_method method, int how, unsigned retries, unsigned count)
{
    struct chaos chaos;
    void *died;
    size_t used = fb_mp_heap_used();
    assert_int_equal(fb_mp_alloc((count / FATAL_EACH + 1) * sizeof *chaos.died, &died), 0);
    begin(&chaos, method, retries);
    chaos.how = how;
    chaos.died = died;
    while (chaos.submitted < count) {
        submit_one(&chaos);
        if (chaos.submitted == chaos.checked + WINDOW)
            check_one(&chaos);
    }
    check_all(&chaos);
    for (unsigned i = 0; i < count / FATAL_EACH; i++)
        assert_int_equal(atomic_load(&chaos.died[i]), 1);
    assert_int_equal(chaos.failed, retries ? 0 : count / FATAL_EACH);
    assert_true(wait_for_workers(chaos.pool, count / FATAL_EACH));
    end(&chaos, how < 0 ? "SIGSEGV" : "exit");
    fb_mp_free(died);
    assert_int_equal(fb_mp_heap_used(), used);
}

static void tasks_that_end_their_workers(void **state)
{
    (void)state;
    for (unsigned retries = 0; retries < 2; retries++) {
        end_own_workers(FB_MP_FORK, -SIGSEGV, retries, 5000);
        end_own_workers(FB_MP_FORK, 99, retries, 5000);
        end_own_workers(FB_MP_SPAWN, -SIGSEGV, retries, 1000);
        end_own_workers(FB_MP_SPAWN, 99, retries, 1000);
    }
}

/* Whether all workers are ready (workers that are killed before break the pool) and the
 * forkserver has reported their pids. */
static bool all_are_ready(struct fb_mp_pool *pool)
{
    bool all = true;
    pthread_mutex_lock(&pool->mutex);
    for (unsigned i = 0; i < WORKERS; i++) {
        const struct pool_worker *worker = pool_worker(pool->shared, i);
        all &= worker->exists && atomic_load(&worker->state) == WORKER_READY &&
               fb_mp_supervisor_pid(pool->supervisor, i) > 0;
    }
    pthread_mutex_unlock(&pool->mutex);
    return all;
}

static void kill_forkservers(enum fb_mp_method method, unsigned kills)
{
    struct chaos chaos;
    size_t used = fb_mp_heap_used();
    begin(&chaos, method, 1000);
    for (pid_t forkserver = 0; chaos.kills < kills; chaos.kills++) {
        while (!all_are_ready(chaos.pool))
            check_some(&chaos, 1);
        check_some(&chaos, fb_random_below(&chaos.random, 100));
        forkserver = find_forkserver(&chaos, forkserver);
        assert_int_equal(kill(forkserver, SIGKILL), 0);
        check_some(&chaos, WINDOW + 1); /* some of them were submitted after the kill */
        find_forkserver(&chaos, forkserver);
    }
    check_all(&chaos);
    assert_int_equal(chaos.failed, 0);
    end(&chaos, "forkserver killed");
    assert_int_equal(fb_mp_heap_used(), used);
}

static void forkservers_are_killed(void **state)
{
    (void)state;
    kill_forkservers(FB_MP_FORK, 50);
    kill_forkservers(FB_MP_SPAWN, 10);
}

static pid_t stop_forkserver(struct chaos *chaos)
{
    for (uint64_t limit = clock_ms() + LIMIT_MS; !all_are_ready(chaos->pool); sched_yield())
        assert_true(clock_ms() < limit);
    pid_t forkserver = find_forkserver(chaos, 0);
    assert_int_equal(kill(forkserver, SIGSTOP), 0);
    assert_true(wait_for_stop(forkserver));
    return forkserver;
}

/* All its workers are killed too, and it has not yet made a worker that was requested: the next
 * forkserver makes them all. */
static void a_forkserver_is_killed_with_a_pending_request(void **state)
{
    (void)state;
    struct chaos chaos;
    struct fb_mp_pool_state now = { 0 };
    pid_t pid[WORKERS];
    begin(&chaos, FB_MP_FORK, 1000);
    pid_t forkserver = stop_forkserver(&chaos);
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
    while (chaos.submitted < WINDOW)
        submit_one(&chaos);
    assert_int_equal(kill(forkserver, SIGKILL), 0);
    check_all(&chaos);
    assert_int_equal(chaos.failed, 0);
    assert_int_equal(fb_mp_pool_resize(chaos.pool, WORKERS), 0);
    crash_pool_end(chaos.pool);
}

/* While it is stopped no end of a worker is reported and no worker is made; the other workers go
 * on. */
static void a_forkserver_is_stopped(void **state)
{
    (void)state;
    struct chaos chaos;
    size_t used = fb_mp_heap_used();
    begin(&chaos, FB_MP_FORK, 1000);
    check_some(&chaos, WINDOW);
    check_all(&chaos);
    pid_t forkserver = stop_forkserver(&chaos);
    int64_t end_ns = fb_mp_now() + FB_MP_SECOND;
    while (chaos.submitted < chaos.checked + WINDOW)
        submit_one(&chaos);
    while (!kill_one(&chaos))
        sched_yield();
    for (unsigned done = 0; done < WINDOW - 1 || fb_mp_now() < end_ns; sched_yield()) {
        done = 0;
        for (unsigned i = 0; i < WINDOW; i++)
            done += fb_mp_future_is_done(chaos.future[i]);
        if (fb_mp_now() > end_ns + LIMIT_NS)
            fail_msg("only %u tasks are done without the forkserver", done);
    }
    assert_int_equal(kill(forkserver, SIGCONT), 0);
    check_all(&chaos);
    check_some(&chaos, WINDOW);
    assert_int_equal(chaos.failed, 0);
    assert_true(wait_for_workers(chaos.pool, 1));
    end(&chaos, "forkserver stopped");
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
        cmocka_unit_test(forkservers_are_killed),
        cmocka_unit_test(a_forkserver_is_stopped),
        cmocka_unit_test(a_forkserver_is_killed_with_a_pending_request),
    };
    return RUN_TESTS(tests);
}
