/* The contract of every harness's pools: each item runs once, reports are correct, workers begin
 * and end their buffers, and a pool can be used after an error. */
#include "tests/support/support.h"

#include "harness/mp/process/registry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ITEMS_MOST 3000

struct fb_input {
    _Atomic uint32_t begun, ended; /* buffers */
    _Atomic uint32_t to_refuse;    /* worker_begin fails this many times */
    _Atomic uint32_t strangers;    /* how often run got the buffer of another input */
};

struct slot {
    int32_t status;
    _Atomic uint32_t runs; /* a count, so that an item that ran twice is seen */
};

struct scratch {
    struct fb_input *input;
};

static int begin_worker(const struct fb_input *const_input, void **ret_scratch)
{
    struct fb_input *input = (struct fb_input *)const_input;
    uint32_t left = atomic_load(&input->to_refuse);
    while (left)
        if (atomic_compare_exchange_weak(&input->to_refuse, &left, left - 1))
            return -EDQUOT;
    struct scratch *scratch = malloc(sizeof *scratch);
    if (!scratch)
        return -ENOMEM;
    scratch->input = input;
    atomic_fetch_add(&input->begun, 1);
    *ret_scratch = scratch;
    return 0;
}

static void end_worker(void *pointer)
{
    struct scratch *scratch = pointer;
    atomic_fetch_add(&scratch->input->ended, 1);
    free(scratch);
}

static void run_items(const struct fb_input *input, void *pointer, size_t begin, size_t end,
                      void *results, struct fb_yield *yield)
{
    struct slot *slot = results;
    struct scratch *scratch = pointer;
    if (scratch && scratch->input != input)
        atomic_fetch_add(&((struct fb_input *)input)->strangers, 1);
    for (size_t item = begin; item < end; item++) {
        atomic_fetch_add_explicit(&slot[item].runs, 1, memory_order_relaxed);
        if (fb_safepoint(yield))
            return;
    }
}

static const struct fb_param no_params[] = { { 0 } };

static const struct fb_kernel plain = {
    .name = "plain",
    .params = no_params,
    .result_size = sizeof(struct slot),
    .run = run_items,
};

static const struct fb_kernel buffered = {
    .name = "buffered",
    .params = no_params,
    .result_size = sizeof(struct slot),
    .worker_begin = begin_worker,
    .run = run_items,
    .worker_end = end_worker,
};

static const unsigned worker_counts[] = { 1, 2, 3, 7, 64 };
static const size_t item_counts[] = { 0, 1, 2, 3, 64, 1000, ITEMS_MOST };
static const size_t chunks[] = { 0, 1, 3, 64, SIZE_MAX / 2 };

/* ---- the harness and the pool under test ---- */

static struct fb_input *input;
static struct slot *slot;
static struct fb_params params;

static bool tested(const struct fb_harness *harness)
{
    return harness->native || strcmp(harness->name, "openmp") == 0;
}

/* Calls test for each harness with each number of workers, each in a new arena. */
static void with_pools(const struct fb_kernel *kernel,
                       void (*test)(const struct fb_harness *harness, struct fb_pool *pool,
                                    unsigned workers))
{
    for (const struct fb_harness *const *harness = fb_harnesses; *harness; harness++)
        for (size_t i = 0; i < sizeof worker_counts / sizeof *worker_counts; i++) {
            unsigned workers = worker_counts[i];
            if (!tested(*harness) || (workers > 1 && !(*harness)->base))
                continue;
            assert_int_equal(fb_arena_open(&arena), 0);
            assert_int_equal(fb_params_init(&params, kernel), 0);
            input = fb_arena_alloc(arena, sizeof *input);
            slot = fb_arena_alloc(arena, ITEMS_MOST * sizeof *slot);
            struct fb_pool *pool = pool_open(*harness, arena, workers);
            test(*harness, pool, workers);
            (*harness)->close(pool);
            /* After closing, no buffer is left. */
            assert_int_equal(atomic_load(&input->begun), atomic_load(&input->ended));
            assert_int_equal(atomic_load(&input->strangers), 0);
            fb_params_clear(&params);
            fb_arena_close(arena);
        }
}

static struct fb_job make_job(const struct fb_kernel *kernel, size_t items, size_t chunk,
                              enum fb_schedule schedule)
{
    memset(slot, 0, ITEMS_MOST * sizeof *slot);
    return (struct fb_job){ kernel, &params, input, slot, items, chunk, schedule };
}

static void check_each_once(const struct fb_harness *harness, const struct fb_job *job)
{
    for (size_t item = 0; item < ITEMS_MOST; item++) {
        uint32_t runs = atomic_load_explicit(&slot[item].runs, memory_order_relaxed);
        if (runs != (item < job->items))
            fail_msg("%s, %s, chunk %zu: item %zu of %zu ran %u times", harness->name,
                     fb_schedule_names[job->schedule], job->chunk, item, job->items, runs);
    }
}

/* ---- items and reports ---- */

static uint64_t guided_chunks(uint64_t left, unsigned workers)
{
    uint64_t count = 0;
    for (; left; count++) {
        uint64_t take = left / (2 * (uint64_t)workers);
        left -= take ? take : 1;
    }
    return count;
}

static uint64_t expected_chunks(const struct fb_job *job, unsigned workers)
{
    size_t size = job->chunk ? job->chunk : 1;
    uint64_t count = job->items / size + (job->items % size != 0);
    if (job->schedule == FB_GUIDED)
        return guided_chunks(count, workers);
    if (job->schedule == FB_STATIC && job->chunk == 0)
        return job->items < workers ? job->items : workers;
    return count;
}

static void check_worker(const struct fb_worker_report *worker, const struct fb_harness *harness)
{
    assert_int_equal(worker->error, 0);
    if (!worker->known && harness_sends(harness)) {
        assert_int_equal(worker->chunks, 0);
        return;
    }
    assert_true(worker->known);
    assert_true(worker->ready_ns > 0);
    assert_true(worker->done_ns >= worker->ready_ns);
    if (worker->chunks) {
        assert_true(worker->first_ns >= worker->ready_ns);
        assert_true(worker->done_ns >= worker->first_ns);
    } else if (worker->first_ns) {
        fail_msg("%s: a worker without a chunk has a stamp of its first", harness->name);
    }
    if (strcmp(harness->name, "gil") == 0)
        return;
    assert_int_equal(worker->lock_switches, 0);
    assert_int_equal(worker->lock_waits, 0);
    assert_int_equal(worker->lock_held_ns, 0);
}

static void check_report(const struct fb_report *report, const struct fb_harness *harness,
                         const struct fb_job *job, unsigned workers)
{
    uint64_t taken = 0;
    if (!harness->native) {
        /* A peer may have no reports; those that it has must be marked as known. */
        for (unsigned i = 0; i < report->workers; i++)
            assert_true(!report->worker[i].known || report->worker[i].ready_ns);
        return;
    }
    assert_int_equal(report->workers, workers);
    for (unsigned i = 0; i < workers; i++) {
        check_worker(&report->worker[i], harness);
        taken += report->worker[i].chunks;
    }
    uint64_t expected = harness->base ? expected_chunks(job, workers) : job->items > 0;
    if (taken != expected)
        fail_msg("%s, %u workers, %s, chunk %zu, %zu items: %u chunks instead of %u", harness->name,
                 workers, fb_schedule_names[job->schedule], job->chunk, job->items, (unsigned)taken,
                 (unsigned)expected);
}

static void try_all_jobs(const struct fb_harness *harness, struct fb_pool *pool, unsigned workers)
{
    for (size_t i = 0; i < sizeof item_counts / sizeof *item_counts; i++)
        for (size_t c = 0; c < sizeof chunks / sizeof *chunks; c++)
            for (int schedule = 0; schedule < FB_SCHEDULES; schedule++) {
                struct fb_report report = { .workers = 99 };
                struct fb_error error = { 0 };
                struct fb_job job =
                    make_job(&plain, item_counts[i], chunks[c], (enum fb_schedule)schedule);
                assert_int_equal(harness->run(pool, &job, &report, &error), 0);
                check_each_once(harness, &job);
                check_report(&report, harness, &job, workers);
                job = make_job(&plain, item_counts[i], chunks[c], (enum fb_schedule)schedule);
                assert_int_equal(harness->run(pool, &job, NULL, NULL), 0);
                check_each_once(harness, &job);
            }
}

static void each_item_runs_once_and_reports_add_up(void **state)
{
    (void)state;
    with_pools(&plain, try_all_jobs);
}

/* ---- workers' own buffers ---- */

static void try_buffers(const struct fb_harness *harness, struct fb_pool *pool, unsigned workers)
{
    struct fb_input *second = fb_arena_alloc(arena, sizeof *second);
    struct fb_input *used[] = { input, input, second, input, NULL, input, NULL, second, input };
    for (size_t i = 0; i < sizeof used / sizeof *used; i++) {
        /* NULL: a kernel without buffers in between. */
        struct fb_job job = make_job(used[i] ? &buffered : &plain, 500, 1, FB_DYNAMIC);
        job.input = used[i] ? used[i] : input;
        assert_int_equal(harness->run(pool, &job, NULL, NULL), 0);
        check_each_once(harness, &job);
    }
    assert_in_range(atomic_load(&input->begun), 1, 5 * workers);
    assert_int_equal(atomic_load(&second->strangers), 0);
    if (!harness_sends(harness)) /* there a worker without a chunk keeps its buffer */
        assert_int_equal(atomic_load(&second->begun), atomic_load(&second->ended));
}

static void buffers_are_begun_and_ended(void **state)
{
    (void)state;
    with_pools(&buffered, try_buffers);
}

static bool names_the_worker(const struct fb_report *report)
{
    for (unsigned i = 0; i < report->workers; i++)
        if (report->worker[i].error == -EDQUOT)
            return true;
    return false;
}

static void try_refusals(const struct fb_harness *harness, struct fb_pool *pool, unsigned workers)
{
    /* One worker or all of them can't begin. If chunks are sent, all must fail, because a worker
     * that can begin may get the others' chunks; after the first refusal no more chunks are
     * sent. */
    bool sends = harness_sends(harness);
    unsigned step = workers > 1 ? workers - 1 : 1;
    for (unsigned refusals = sends ? workers : 1; refusals <= workers; refusals += step) {
        struct fb_error error = { 0 };
        struct fb_job job = make_job(&buffered, 500, 1, FB_DYNAMIC);
        struct fb_report report = { 0 };
        atomic_store(&input->to_refuse, refusals);
        assert_int_equal(harness->run(pool, &job, &report, &error), -EDQUOT);
        assert_true(!harness->native || !harness->base || names_the_worker(&report));
        assert_int_equal(error.code, -EDQUOT);
        assert_non_null(strstr(error.text, "buffered"));
        if (sends)
            atomic_store(&input->to_refuse, 0);
        assert_int_equal(atomic_load(&input->to_refuse), 0);
        /* The next job is not affected. */
        job = make_job(&buffered, 500, 1, FB_STATIC);
        assert_int_equal(harness->run(pool, &job, NULL, &error), 0);
        check_each_once(harness, &job);
        /* So that the next round begins new buffers. */
        job = make_job(&plain, 1, 1, FB_STATIC);
        assert_int_equal(harness->run(pool, &job, NULL, &error), 0);
    }
}

static void a_worker_that_can_not_begin_is_an_error(void **state)
{
    (void)state;
    with_pools(&buffered, try_refusals);
}

/* ---- limits ---- */

static void run_nothing(const struct fb_input *none, void *scratch, size_t begin, size_t end,
                        void *results, struct fb_yield *yield)
{
    (void)none, (void)scratch, (void)begin, (void)end, (void)results, (void)yield;
}

static const struct fb_kernel nothing = {
    .name = "nothing",
    .params = no_params,
    .result_size = 1,
    .run = run_nothing,
};

static void try_too_many(const struct fb_harness *harness, struct fb_pool *pool, unsigned workers)
{
    (void)workers;
    if (!harness->native || !harness->base)
        return; /* single has no chunks; peers have other limits */
    for (int schedule = FB_DYNAMIC; schedule <= FB_GUIDED; schedule++) {
        struct fb_error error = { 0 };
        struct fb_job job = make_job(&nothing, (size_t)1 << 33, 2, (enum fb_schedule)schedule);
        assert_int_equal(harness->run(pool, &job, NULL, &error), -EOVERFLOW);
        assert_int_equal(error.code, -EOVERFLOW);
        assert_non_null(strstr(error.text, "chunk"));
        if (harness_sends(harness))
            continue; /* there is no memory for that many results */
        job.chunk = 1000000;
        assert_int_equal(harness->run(pool, &job, NULL, &error), 0);
    }
    struct fb_job job = make_job(&plain, 100, 1, FB_DYNAMIC);
    assert_int_equal(harness->run(pool, &job, NULL, NULL), 0);
    check_each_once(harness, &job);
}

static void too_many_chunks_are_refused(void **state)
{
    (void)state;
    with_pools(&nothing, try_too_many);
}

static void many_jobs_in_a_row(void **state)
{
    (void)state;
    for (const struct fb_harness *const *harness = fb_harnesses; *harness; harness++) {
        if (!tested(*harness))
            continue;
        assert_int_equal(fb_arena_open(&arena), 0);
        input = fb_arena_alloc(arena, sizeof *input);
        slot = fb_arena_alloc(arena, ITEMS_MOST * sizeof *slot);
        struct fb_pool *pool = pool_open(*harness, arena, (*harness)->base ? 3 : 1);
        struct fb_job job = make_job(&plain, 20, 1, FB_DYNAMIC);
        for (int i = 0; i < 2000; i++)
            assert_int_equal((*harness)->run(pool, &job, NULL, NULL), 0);
        /* Where results are sent, they overwrite the previous ones. */
        uint32_t expected = harness_sends(*harness) ? 1 : 2000;
        for (size_t item = 0; item < 20; item++)
            assert_int_equal(atomic_load(&slot[item].runs), expected);
        (*harness)->close(pool);
        fb_arena_close(arena);
    }
}

int main(int argc, char **argv)
{
    static const struct fb_mp_task none[] = { { 0 } };
    fb_mp_main(argc, argv, none);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_item_runs_once_and_reports_add_up),
        cmocka_unit_test(buffers_are_begun_and_ended),
        cmocka_unit_test(a_worker_that_can_not_begin_is_an_error),
        cmocka_unit_test(too_many_chunks_are_refused),
        cmocka_unit_test(many_jobs_in_a_row),
    };
    return RUN_TESTS(tests);
}
