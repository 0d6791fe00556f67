/* harness/mp/pool/future.h: waiting for several futures, and by several threads. */
#include "tests/support/support.h"

#include "tests/mp/pool/pool_fixture.h"
#include "tests/mp/process_fixture.h"

#include "harness/mp/core/heap.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* ---- tasks ---- */

struct numbered {
    struct pool_page *pool_page;
    uint32_t number;
};

/* Waits for its turn. Number 3 fails. */
static int at_turn(struct fb_mp_call *call)
{
    struct numbered numbered;
    memcpy(&numbered, call->argument, sizeof numbered);
    atomic_fetch_add(&numbered.pool_page->begun, 1);
    if (!wait_for(&numbered.pool_page->turn, numbered.number))
        return -ETIME;
    return numbered.number == 3 ? -EXDEV : 0;
}

static int square(struct fb_mp_call *call)
{
    uint32_t number;
    memcpy(&number, call->argument, sizeof number);
    number *= number;
    return fb_mp_return(call, &number, sizeof number);
}

static const struct fb_mp_task tasks[] = {
    POOL_PAGE_TASKS,
    FB_MP_FUNCTION(at_turn),
    FB_MP_FUNCTION(square),
    { 0 },
};

static struct fb_mp_pool *pool_of(enum fb_mp_method method, unsigned workers)
{
    return pool_opened((struct fb_mp_pool_options){ .method = method, .workers = workers });
}

/* Opens a pool and submits five tasks with these turns, each of which has a worker. */
#define TURNS 5
static struct fb_mp_pool *take_turns(enum fb_mp_method method, const uint32_t turn[TURNS],
                                     struct fb_mp_future *ret_future[TURNS])
{
    pool_page_clear();
    struct fb_mp_pool *pool = pool_of(method, TURNS + 2);
    for (size_t i = 0; i < TURNS; i++) {
        const struct numbered numbered = { pool_page, turn[i] };
        ret_future[i] = submitted(pool, at_turn, &numbered, sizeof numbered);
    }
    assert_true(wait_for(&pool_page->begun, TURNS));
    return pool;
}

static void close_and_free(struct fb_mp_pool *pool, struct fb_mp_future *future[TURNS])
{
    fb_mp_pool_close(pool);
    for (size_t i = 0; i < TURNS; i++)
        fb_mp_future_free(future[i]);
}

static const uint32_t turns[TURNS] = { 4, 2, 5, 1, 3 };

/* ---- several futures ---- */

static void assert_waits(struct fb_mp_future **future, enum fb_mp_wait_for until, int64_t timeout,
                         int result, unsigned done)
{
    bool is_done[TURNS];
    size_t count = 1000;
    assert_int_equal(fb_mp_futures_wait(future, TURNS, until, timeout, is_done, &count), result);
    assert_int_equal(count, done);
    for (size_t i = 0; i < TURNS; i++)
        assert_int_equal(is_done[i], turns[i] <= done);
    assert_int_equal(fb_mp_futures_wait(future, TURNS, until, 0, NULL, NULL), result);
}

static void a_wait_ends_when_some_are_done(void **state)
{
    (void)state;
    struct fb_mp_future *future[TURNS];
    for (size_t m = 0; m < METHODS; m++) {
        struct fb_mp_pool *pool = take_turns(methods[m], turns, future);
        assert_waits(future, FB_MP_FIRST_DONE, 0, -ETIMEDOUT, 0);
        assert_waits(future, FB_MP_ALL_DONE, FB_MP_MILLISECOND, -ETIMEDOUT, 0);
        atomic_store(&pool_page->turn, 1);
        assert_waits(future, FB_MP_FIRST_DONE, LIMIT_NS, 0, 1);
        atomic_store(&pool_page->turn, 2);
        assert_int_equal(fb_mp_future_wait(future[1], LIMIT_NS), 0);
        assert_waits(future, FB_MP_FIRST_ERROR, FB_MP_MILLISECOND, -ETIMEDOUT, 2);
        atomic_store(&pool_page->turn, 3);
        assert_waits(future, FB_MP_FIRST_ERROR, LIMIT_NS, 0, 3);
        assert_waits(future, FB_MP_ALL_DONE, FB_MP_MILLISECOND, -ETIMEDOUT, 3);
        atomic_store(&pool_page->turn, 5);
        assert_waits(future, FB_MP_ALL_DONE, LIMIT_NS, 0, 5);
        struct fb_mp_pool *other = pool_of(methods[m], 1);
        struct fb_mp_future *both[] = { future[0], submitted(other, echo, "x", 1) };
        struct fb_mp_completion *completion;
        assert_int_equal(fb_mp_futures_wait(both, 2, FB_MP_ALL_DONE, LIMIT_NS, NULL, NULL),
                         -EINVAL);
        assert_int_equal(fb_mp_as_completed(both, 2, LIMIT_NS, &completion), -EINVAL);
        assert_brings(both[1], "x", 1);
        fb_mp_pool_close(other);
        close_and_free(pool, future);
        assert_int_equal(fb_mp_futures_wait(NULL, 0, FB_MP_ALL_DONE, 0, NULL, NULL), 0);
    }
}

/* The wait ends when all are done and none has failed. */
static void wait_for_no_error(enum fb_mp_method method, unsigned workers)
{
    struct fb_mp_future *future[100];
    size_t count = 0;
    struct fb_mp_pool *pool = pool_of(method, workers);
    for (uint32_t i = 0; i < 100; i++)
        future[i] = submitted(pool, square, &i, sizeof i);
    assert_int_equal(fb_mp_futures_wait(future, 100, FB_MP_FIRST_ERROR, LIMIT_NS, NULL, &count), 0);
    assert_int_equal(count, 100);
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal(number_from(future[i]), i * i);
    fb_mp_pool_close(pool);
}

static void a_wait_for_an_error_ends_without_one(void **state)
{
    (void)state;
    under_all(wait_for_no_error, MANY_WORKERS);
}

/* ---- in order of completion ---- */

/* One task for each worker, all running, with the turns 1, 4, 7, … modulo their number. Two are
 * done before fb_mp_as_completed. */
static void complete(enum fb_mp_method method, unsigned workers)
{
    struct fb_mp_future *future[200];
    size_t order[200], index = 0, count = 0;
    struct fb_mp_completion *completion;
    struct fb_mp_pool *pool = pool_of(method, workers);
    for (uint32_t i = 0; i < workers; i++) {
        const struct numbered numbered = { pool_page, i * 3 % workers + 1 };
        order[numbered.number - 1] = i;
        future[i] = submitted(pool, at_turn, &numbered, sizeof numbered);
    }
    assert_true(wait_for(&pool_page->begun, workers));
    atomic_store(&pool_page->turn, 1);
    assert_int_equal(fb_mp_futures_wait(future, workers, FB_MP_FIRST_DONE, LIMIT_NS, NULL, &count),
                     0);
    assert_int_equal(count, 1);
    atomic_store(&pool_page->turn, 2);
    assert_int_equal(fb_mp_future_wait(future[order[workers > 1]], LIMIT_NS), 0);
    assert_int_equal(fb_mp_as_completed(future, workers, LIMIT_NS, &completion), 0);
    for (uint32_t i = 0; i < workers; i++) {
        if (i >= 2)
            atomic_store(&pool_page->turn, i + 1);
        assert_int_equal(fb_mp_completion_next(completion, &index, NULL), 0);
        assert_int_equal(index, order[i]);
        assert_true(fb_mp_future_is_done(future[index]));
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(fb_mp_completion_next(completion, &index, NULL), -ENOENT);
    fb_mp_completion_free(completion);
    fb_mp_pool_close(pool);
    for (unsigned i = 0; i < workers; i++)
        fb_mp_future_free(future[i]);
}

static void futures_come_in_order_of_completion(void **state)
{
    (void)state;
    struct fb_mp_completion *completion;
    size_t index;
    under_all(complete, MANY_WORKERS);
    assert_int_equal(fb_mp_as_completed(NULL, 0, 0, &completion), 0);
    assert_int_equal(fb_mp_completion_next(completion, &index, NULL), -ENOENT);
    fb_mp_completion_free(completion);
    fb_mp_completion_free(NULL);
}

static void a_timeout_counts_from_as_completed(void **state)
{
    (void)state;
    struct fb_mp_future *future[TURNS];
    for (size_t m = 0; m < METHODS; m++) {
        struct fb_mp_completion *completion;
        struct fb_error error = { 0 };
        size_t index = 0;
        struct fb_mp_pool *pool = take_turns(methods[m], turns, future);
        atomic_store(&pool_page->turn, 2);
        assert_int_equal(fb_mp_future_wait(future[3], LIMIT_NS), 0);
        assert_int_equal(fb_mp_future_wait(future[1], LIMIT_NS), 0);
        assert_int_equal(fb_mp_as_completed(future, TURNS, FB_MP_MILLISECOND, &completion), 0);
        for (int i = 0; i < 2; i++) /* done futures come even after the timeout */
            assert_int_equal(fb_mp_completion_next(completion, &index, &error), 0);
        assert_int_equal(fb_mp_completion_next(completion, &index, NULL), -ETIMEDOUT);
        assert_int_equal(fb_mp_completion_next(completion, &index, &error), -ETIMEDOUT);
        assert_int_equal(error.code, -ETIMEDOUT);
        assert_non_null(strstr(error.text, "3 of 5"));
        fb_mp_completion_free(completion); /* some futures are not done */
        atomic_store(&pool_page->turn, 5);
        assert_int_equal(fb_mp_futures_wait(future, TURNS, FB_MP_ALL_DONE, LIMIT_NS, NULL, NULL),
                         0);
        close_and_free(pool, future);
    }
}

/* ---- several threads ---- */

#define THREADS 4
#define EACH 300

struct crowd {
    struct fb_mp_pool *pool;
    struct fb_mp_future *shared[TURNS];
    _Atomic uint32_t bad;
};

/* Submits tasks and checks their results. */
static void *submit_many(void *context)
{
    struct crowd *crowd = context;
    struct fb_mp_future *future[EACH];
    for (uint32_t i = 0; i < EACH; i++)
        if (fb_mp_submit(crowd->pool, square, &i, sizeof i, NULL, &future[i]) < 0)
            abort();
    for (uint32_t i = 0; i < EACH; i++) {
        const void *bytes;
        size_t size;
        uint32_t got = 0;
        if (fb_mp_future_result(future[i], LIMIT_NS, &bytes, &size, NULL) < 0)
            atomic_fetch_add(&crowd->bad, 1);
        else
            memcpy(&got, bytes, sizeof got);
        if (got != i * i)
            atomic_fetch_add(&crowd->bad, 1);
        fb_mp_future_free(future[i]);
    }
    return NULL;
}

/* Waits for the same futures as the other threads. */
static void *wait_together(void *context)
{
    struct crowd *crowd = context;
    size_t index;
    struct fb_mp_completion *completion;
    if (fb_mp_as_completed(crowd->shared, TURNS, LIMIT_NS, &completion) < 0)
        abort();
    atomic_fetch_add(&pool_page->ended, 1);
    for (size_t i = 0; i < TURNS; i++)
        if (fb_mp_completion_next(completion, &index, NULL) < 0)
            atomic_fetch_add(&crowd->bad, 1);
    fb_mp_completion_free(completion);
    for (size_t i = 0; i < TURNS; i++)
        if (fb_mp_future_wait(crowd->shared[i], LIMIT_NS) < 0)
            atomic_fetch_add(&crowd->bad, 1);
    return NULL;
}

static void *wait_for_one(void *context)
{
    struct crowd *crowd = context;
    atomic_fetch_add(&pool_page->ended, 1);
    if (fb_mp_future_wait(crowd->shared[0], LIMIT_NS) < 0)
        atomic_fetch_add(&crowd->bad, 1);
    return NULL;
}

static void run_threads(struct crowd *crowd, void *(*const body[THREADS])(void *), bool with_turns)
{
    pthread_t thread[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, body[i], crowd), 0);
    if (with_turns) {
        assert_true(wait_for(&pool_page->ended, THREADS));
        for (uint32_t i = 1; i <= TURNS; i++)
            atomic_store(&pool_page->turn, i);
    }
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(thread[i], NULL), 0);
    assert_int_equal(atomic_load(&crowd->bad), 0);
}

static void submit_from_threads(enum fb_mp_method method, unsigned workers)
{
    struct crowd crowd = { .pool = pool_of(method, workers) };
    run_threads(&crowd,
                (void *(*const[])(void *)){ submit_many, submit_many, submit_many, submit_many },
                false);
    fb_mp_pool_close(crowd.pool);
}

static void threads_share_a_pool(void **state)
{
    (void)state;
    under_all(submit_from_threads, MANY_WORKERS);
    for (size_t m = 0; m < METHODS; m++)
        for (int i = 0; i < 10; i++) {
            struct crowd crowd = { .bad = 0 };
            crowd.pool = take_turns(methods[m], turns, crowd.shared);
            run_threads(&crowd,
                        (void *(*const[])(void *)){ wait_together, wait_for_one, wait_together,
                                                    wait_for_one },
                        true);
            close_and_free(crowd.pool, crowd.shared);
        }
}

int main(int argc, char **argv)
{
    fb_mp_main(argc, argv, tasks);
    fb_mp_heap_make(); /* its descriptor stays open as long as the program runs */
    const struct CMUnitTest tests[] = {
        WITH_POOL_PAGE(a_wait_ends_when_some_are_done),
        WITH_POOL_PAGE(a_wait_for_an_error_ends_without_one),
        WITH_POOL_PAGE(futures_come_in_order_of_completion),
        WITH_POOL_PAGE(a_timeout_counts_from_as_completed),
        WITH_POOL_PAGE(threads_share_a_pool),
    };
    return RUN_TESTS(tests);
}
