/* harness/worker/claim.c: each item is handed out exactly once, in any order of claims. */
#include "tests/support/support.h"

#include "harness/worker/claim.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 8
#define STRESS_ITEMS 200000
#define STRESS_ROUNDS 30

static const unsigned worker_counts[] = { 1, 2, 3, 7, 63, 64, 65, 200, 1024 };
static const size_t item_counts[] = { 0, 1, 2, 5, 63, 64, 65, 1000 };
static const size_t chunks[] = { 0, 1, 3, 64, 1000000, SIZE_MAX / 2, SIZE_MAX };

static struct fb_claims *claims;

static int make_claims(void **state)
{
    size_t size = fb_claims_size(FB_WORKERS_MOST);
    claims = aligned_alloc(FB_CACHE_LINE, size);
    if (claims)
        memset(claims, 0xa5, size); /* reset must not rely on zeroes */
    return claims ? group_begin(state) : -1;
}

static int free_claims(void **state)
{
    free(claims);
    return group_end(state);
}

static struct fb_job job_of(size_t items, size_t chunk, enum fb_schedule schedule)
{
    return (struct fb_job){ .items = items, .chunk = chunk, .schedule = schedule };
}

static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* ---- one thread claims for all workers ---- */

struct play {
    struct fb_claimer claimer[FB_WORKERS_MOST];
    bool left[FB_WORKERS_MOST]; /* a claim has returned false */
    uint8_t given[1000];
};

static void take_claim(struct play *play, const struct fb_job *job, unsigned worker,
                       unsigned *at_work)
{
    size_t begin = SIZE_MAX, end = SIZE_MAX;
    if (!fb_claim(claims, &play->claimer[worker], &begin, &end)) {
        play->left[worker] = true;
        --*at_work;
        return;
    }
    if (begin >= end || end > job->items)
        fail_msg("items %zu … %zu of %zu", begin, end, job->items);
    for (size_t item = begin; item < end; item++)
        play->given[item]++;
}

/* Workers claim in a random order; with long bursts some are far ahead of others. */
static void play_out(const struct fb_job *job, unsigned workers, uint32_t seed)
{
    static struct play play;
    memset(&play, 0, sizeof play);
    assert_int_equal(fb_claims_reset(claims, workers, job), 0);
    for (unsigned i = 0; i < workers; i++)
        fb_claimer_begin(&play.claimer[i], i);
    unsigned burst = seed % 3 == 0 ? 1 : seed % 3 == 1 ? 4 : 1000;
    for (unsigned at_work = workers; at_work;) {
        unsigned worker = next_random(&seed) % workers;
        while (play.left[worker])
            worker = (worker + 1) % workers;
        for (unsigned i = 0; i < burst && !play.left[worker]; i++)
            take_claim(&play, job, worker, &at_work);
    }
    for (size_t item = 0; item < job->items; item++)
        if (play.given[item] != 1)
            fail_msg("%s, %u workers, chunk %zu: item %zu of %zu was given %u times",
                     fb_schedule_names[job->schedule], workers, job->chunk, item, job->items,
                     play.given[item]);
}

static void each_item_once_in_any_order(void **state)
{
    (void)state;
    uint32_t seed = 1;
    for (int schedule = 0; schedule < FB_SCHEDULES; schedule++)
        for (size_t w = 0; w < sizeof worker_counts / sizeof *worker_counts; w++)
            for (size_t i = 0; i < sizeof item_counts / sizeof *item_counts; i++)
                for (size_t c = 0; c < sizeof chunks / sizeof *chunks; c++) {
                    struct fb_job job =
                        job_of(item_counts[i], chunks[c], (enum fb_schedule)schedule);
                    for (int round = 0; round < 3; round++)
                        play_out(&job, worker_counts[w], seed++);
                }
}

/* A single worker gets the items of all others too. Not with static, where blocks belong to their
 * worker. */
static void one_worker_can_claim_everything(void **state)
{
    (void)state;
    for (int schedule = FB_DYNAMIC; schedule <= FB_GUIDED; schedule++)
        for (size_t w = 0; w < sizeof worker_counts / sizeof *worker_counts; w++) {
            struct fb_job job = job_of(1000, 1, (enum fb_schedule)schedule);
            struct fb_claimer claimer;
            size_t begin, end, items = 0;
            assert_int_equal(fb_claims_reset(claims, worker_counts[w], &job), 0);
            fb_claimer_begin(&claimer, worker_counts[w] / 2);
            while (fb_claim(claims, &claimer, &begin, &end))
                items += end - begin;
            assert_int_equal(items, 1000);
            assert_false(fb_claim(claims, &claimer, &begin, &end));
        }
}

/* ---- the shapes of the schedules ---- */

static void static_blocks_are_even_and_in_order(void **state)
{
    (void)state;
    for (size_t w = 0; w < sizeof worker_counts / sizeof *worker_counts; w++)
        for (size_t i = 0; i < sizeof item_counts / sizeof *item_counts; i++) {
            unsigned workers = worker_counts[w];
            struct fb_job job = job_of(item_counts[i], 0, FB_STATIC);
            size_t next = 0, least = job.items / workers;
            assert_int_equal(fb_claims_reset(claims, workers, &job), 0);
            for (unsigned worker = 0; worker < workers; worker++) {
                struct fb_claimer claimer;
                size_t begin = 0, end = 0;
                fb_claimer_begin(&claimer, worker);
                bool got = fb_claim(claims, &claimer, &begin, &end);
                assert_int_equal(got, worker < job.items);
                if (!got)
                    continue;
                assert_int_equal(begin, next);
                assert_in_range(end - begin, least, least + 1);
                next = end;
                assert_false(fb_claim(claims, &claimer, &begin, &end));
            }
            assert_int_equal(next, job.items);
        }
}

static void static_chunks_go_in_turn(void **state)
{
    (void)state;
    struct fb_job job = job_of(20, 3, FB_STATIC);
    struct fb_claimer claimer;
    size_t begin, end;
    assert_int_equal(fb_claims_reset(claims, 2, &job), 0);
    for (unsigned worker = 0; worker < 2; worker++) {
        fb_claimer_begin(&claimer, worker);
        for (size_t chunk = worker; chunk < 7; chunk += 2) {
            assert_true(fb_claim(claims, &claimer, &begin, &end));
            assert_int_equal(begin, 3 * chunk);
            assert_int_equal(end, chunk < 6 ? 3 * chunk + 3 : 20);
        }
        assert_false(fb_claim(claims, &claimer, &begin, &end));
    }
}

static void guided_chunks_shrink(void **state)
{
    (void)state;
    static const size_t least[] = { 0, 1, 3 };
    for (size_t c = 0; c < 3; c++)
        for (unsigned workers = 1; workers <= 8; workers++) {
            struct fb_job job = job_of(1000, least[c], FB_GUIDED);
            struct fb_claimer claimer;
            size_t unit = least[c] ? least[c] : 1, begin, end, next = 0, last = SIZE_MAX;
            assert_int_equal(fb_claims_reset(claims, workers, &job), 0);
            fb_claimer_begin(&claimer, 0);
            while (fb_claim(claims, &claimer, &begin, &end)) {
                assert_int_equal(begin, next);
                assert_true(end - begin <= last);
                assert_true(end - begin >= unit || end == 1000);
                if (begin == 0) /* remaining / (2 · workers), in whole chunks */
                    assert_in_range(end, 1000 / (2 * workers) - unit, 1000 / (2 * workers) + unit);
                last = end - begin;
                next = end;
            }
            assert_int_equal(next, 1000);
            assert_true(last <= unit);
        }
}

static void dynamic_chunks_are_of_the_size_asked_for(void **state)
{
    (void)state;
    for (size_t chunk = 0; chunk <= 8; chunk++) {
        struct fb_job job = job_of(100, chunk, FB_DYNAMIC);
        struct fb_claimer claimer;
        size_t size = chunk ? chunk : 1, begin, end;
        assert_int_equal(fb_claims_reset(claims, 5, &job), 0);
        fb_claimer_begin(&claimer, 3);
        while (fb_claim(claims, &claimer, &begin, &end)) {
            assert_int_equal(begin % size, 0);
            assert_int_equal(end, begin + size < 100 ? begin + size : 100);
        }
    }
}

/* ---- stealing ---- */

/* Claims one chunk of one item for the worker and checks which one it is. */
static void check_next(struct fb_claimer *claimer, size_t item)
{
    size_t begin, end;
    if (!fb_claim(claims, claimer, &begin, &end))
        fail_msg("worker %u gets nothing, not item %zu", claimer->worker, item);
    assert_int_equal(begin, item);
    assert_int_equal(end, item + 1);
}

static void begin_job(struct fb_claimer *claimer, unsigned workers, size_t items)
{
    struct fb_job job = job_of(items, 1, FB_DYNAMIC);
    assert_int_equal(fb_claims_reset(claims, workers, &job), 0);
    for (unsigned i = 0; i < workers; i++)
        fb_claimer_begin(&claimer[i], i);
}

/* A thief takes the upper half; its victim keeps the lower half. What the thief has not claimed yet
 * can be stolen from it in turn. */
static void a_stolen_range_is_half_and_can_be_stolen_again(void **state)
{
    (void)state;
    struct fb_claimer claimer[2];
    begin_job(claimer, 2, 16); /* ranges 0 … 7 and 8 … 15 */
    for (size_t item = 8; item < 16; item++)
        check_next(&claimer[1], item);
    check_next(&claimer[1], 4); /* steals 4 … 7 */
    for (size_t item = 0; item < 4; item++)
        check_next(&claimer[0], item);
    check_next(&claimer[0], 6); /* steals 6 and 7 of 5 … 7 */
    check_next(&claimer[1], 5);
    check_next(&claimer[1], 7);
    size_t begin, end;
    for (int i = 0; i < 2; i++)
        assert_false(fb_claim(claims, &claimer[i], &begin, &end));
}

/* So that several thieves choose different victims. */
static void a_thief_looks_at_the_workers_after_itself_first(void **state)
{
    (void)state;
    static const unsigned thieves[] = { 1, 63, 64, 66 };
    for (size_t i = 0; i < sizeof thieves / sizeof *thieves; i++) {
        struct fb_claimer claimer[130];
        unsigned thief = thieves[i];
        begin_job(claimer, 130, 260); /* worker w has items 2w and 2w + 1 */
        check_next(&claimer[thief], 2 * thief);
        check_next(&claimer[thief], 2 * thief + 1);
        check_next(&claimer[thief], 2 * thief + 3); /* the next worker's upper half */
    }
}

/* ---- limits ---- */

static void too_many_chunks_are_refused(void **state)
{
    (void)state;
    static const enum fb_schedule schedules[] = { FB_DYNAMIC, FB_GUIDED };
    for (int i = 0; i < 2; i++) {
        struct fb_job job = job_of((size_t)1 << 32, 1, schedules[i]);
        assert_int_equal(fb_claims_reset(claims, 4, &job), -EOVERFLOW);
        job.chunk = 0;
        assert_int_equal(fb_claims_reset(claims, 4, &job), -EOVERFLOW);
        job = job_of(SIZE_MAX, 1, schedules[i]);
        assert_int_equal(fb_claims_reset(claims, 4, &job), -EOVERFLOW);
        job = job_of(((size_t)1 << 33) + 1, 2, schedules[i]);
        assert_int_equal(fb_claims_reset(claims, 4, &job), -EOVERFLOW);
        job = job_of(SIZE_MAX, (size_t)1 << 40, schedules[i]);
        assert_int_equal(fb_claims_reset(claims, 4, &job), 0);
    }
}

/* In the largest accepted job, a worker whose own range is at the very end and empty steals the
 * last chunks of another one by one: its own range must stay empty. */
static void the_largest_job_does_not_wrap(void **state)
{
    (void)state;
    static const uint64_t sizes[] = { UINT32_MAX, UINT32_MAX - 1, (uint64_t)1 << 31,
                                      ((uint64_t)1 << 31) - 1, (uint64_t)1 << 30 };
    struct fb_claimer claimer[2];
    size_t begin, end, i = 0;
    struct fb_job job = job_of(sizes[0], 1, FB_DYNAMIC);
    while (fb_claims_reset(claims, 2, &job) < 0)
        job.items = sizes[++i];
    fb_claimer_begin(&claimer[0], 0);
    fb_claimer_begin(&claimer[1], 1);
    atomic_store(&claims->span[0].chunks, (uint64_t)7 << 32 | 5);
    atomic_store(&claims->span[1].chunks, job.items << 32 | job.items);
    for (size_t expected = 6; expected >= 5; expected--) {
        assert_true(fb_claim(claims, &claimer[1], &begin, &end));
        assert_int_equal(begin, expected);
        assert_int_equal(end, expected + 1);
    }
    for (int again = 0; again < 10; again++)
        for (int worker = 0; worker < 2; worker++)
            if (fb_claim(claims, &claimer[worker], &begin, &end))
                fail_msg("%zu chunks: chunk %zu was given after the last one", job.items, begin);
}

/* ---- many threads ---- */

static pthread_barrier_t barrier;
static _Atomic uint8_t given[STRESS_ITEMS];

static void *claim_rounds(void *argument)
{
    struct fb_claimer claimer;
    size_t begin, end;
    for (int round = 0; round < STRESS_ROUNDS; round++) {
        pthread_barrier_wait(&barrier); /* the job has been prepared */
        fb_claimer_begin(&claimer, (unsigned)(uintptr_t)argument);
        while (fb_claim(claims, &claimer, &begin, &end))
            for (size_t item = begin; item < end; item++)
                atomic_fetch_add_explicit(&given[item], 1, memory_order_relaxed);
        pthread_barrier_wait(&barrier);
    }
    return NULL;
}

static void stress(enum fb_schedule schedule)
{
    pthread_t thread[THREADS];
    struct fb_job job = job_of(STRESS_ITEMS, 1, schedule);
    size_t wrong = 0;
    pthread_barrier_init(&barrier, NULL, THREADS + 1);
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, claim_rounds, (void *)i), 0);
    for (int round = 0; round < STRESS_ROUNDS; round++) {
        memset(given, 0, sizeof given);
        wrong += fb_claims_reset(claims, THREADS, &job) != 0;
        pthread_barrier_wait(&barrier);
        pthread_barrier_wait(&barrier);
        for (size_t item = 0; item < STRESS_ITEMS; item++)
            wrong += given[item] != 1;
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    pthread_barrier_destroy(&barrier);
    assert_int_equal(wrong, 0);
}

static void each_item_once_among_threads(void **state)
{
    (void)state;
    for (int schedule = 0; schedule < FB_SCHEDULES; schedule++)
        stress((enum fb_schedule)schedule);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_item_once_in_any_order),
        cmocka_unit_test(one_worker_can_claim_everything),
        cmocka_unit_test(static_blocks_are_even_and_in_order),
        cmocka_unit_test(static_chunks_go_in_turn),
        cmocka_unit_test(guided_chunks_shrink),
        cmocka_unit_test(dynamic_chunks_are_of_the_size_asked_for),
        cmocka_unit_test(a_stolen_range_is_half_and_can_be_stolen_again),
        cmocka_unit_test(a_thief_looks_at_the_workers_after_itself_first),
        cmocka_unit_test(too_many_chunks_are_refused),
        cmocka_unit_test(the_largest_job_does_not_wrap),
        cmocka_unit_test(each_item_once_among_threads),
    };
    return group_result(cmocka_run_group_tests(tests, make_claims, free_claims));
}
