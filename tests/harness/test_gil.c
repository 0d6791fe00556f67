/* harness/native/gil.c: workers compute one at a time, and release the lock where they should. */
#include "tests/support/support.h"

#include <string.h>

#define WORKERS_MOST 8

struct fb_input {
    _Atomic uint32_t inside;     /* number of the worker that computes, plus 1; 0: none */
    _Atomic uint32_t violations; /* how often another worker was inside */
    _Atomic uint32_t last, turns, turns_wanted;
    _Atomic uint32_t first_holds, steps, done; /* of the two workers of let_in */
    _Atomic uint32_t timeouts;
};

struct slot {
    int32_t status;
};

static const struct fb_param no_params[] = { { 0 } };

static struct fb_input *writable(const struct fb_input *input)
{
    return (struct fb_input *)input; /* it is in the arena, shared by these kernels */
}

/* ---- computing between safepoints ---- */

static void compute(struct fb_input *input, uint32_t me)
{
    if (atomic_exchange(&input->inside, me + 1) != 0)
        atomic_fetch_add(&input->violations, 1);
    if (atomic_load(&input->last) != me + 1) {
        atomic_store(&input->last, me + 1);
        atomic_fetch_add(&input->turns, 1);
    }
    for (int i = 0; i < 50; i++)
        if (atomic_load(&input->inside) != me + 1)
            atomic_fetch_add(&input->violations, 1);
    atomic_store(&input->inside, 0);
}

/* Item i belongs to worker i. Each runs until the workers have taken enough turns. */
static void take_turns(const struct fb_input *const_input, void *scratch, size_t begin, size_t end,
                       void *results, struct fb_yield *yield)
{
    (void)scratch, (void)end, (void)results;
    struct fb_input *input = writable(const_input);
    uint64_t limit = clock_ms() + LIMIT_MS;
    while (atomic_load(&input->turns) < atomic_load(&input->turns_wanted)) {
        compute(input, (uint32_t)begin);
        if (fb_safepoint(yield))
            return;
        if (clock_ms() > limit) {
            atomic_fetch_add(&input->timeouts, 1);
            return;
        }
    }
}

static const struct fb_kernel turns = {
    .name = "turns",
    .params = no_params,
    .result_size = sizeof(struct slot),
    .run = take_turns,
};

/* ---- releasing the lock explicitly ---- */

/* Holds the lock until the other worker requests it and a little longer, while nothing may
 * happen. */
static void hold(struct fb_input *input, struct fb_yield *yield)
{
    uint32_t steps = atomic_load(&input->steps);
    if (!wait_for((const _Atomic uint32_t *)yield->request, 1))
        atomic_fetch_add(&input->timeouts, 1);
    for (int i = 0; i < 10000; i++)
        if (atomic_load(&input->steps) != steps)
            atomic_fetch_add(&input->violations, 1);
}

static void let_in(const struct fb_input *const_input, void *scratch, size_t begin, size_t end,
                   void *results, struct fb_yield *yield)
{
    (void)scratch, (void)end, (void)results;
    struct fb_input *input = writable(const_input);
    if (begin == 0) {
        atomic_store(&input->first_holds, 1);
        for (int i = 0; i < 5; i++) {
            hold(input, yield);
            uint32_t steps = atomic_load(&input->steps);
            fb_release(yield, FB_RELEASE_COMPUTING);
            if (!wait_for(&input->steps, steps + 1))
                atomic_fetch_add(&input->timeouts, 1);
            fb_acquire(yield, FB_RELEASE_COMPUTING);
        }
        atomic_store(&input->done, 1);
        return;
    }
    uint64_t limit = clock_ms() + 4 * LIMIT_MS;
    while (!atomic_load(&input->done) && clock_ms() < limit) {
        if (atomic_load(&input->first_holds))
            atomic_fetch_add(&input->steps, 1);
        fb_safepoint(yield);
    }
}

static const struct fb_kernel guests = {
    .name = "guests",
    .params = no_params,
    .result_size = sizeof(struct slot),
    .run = let_in,
};

static void run_nothing(const struct fb_input *input, void *scratch, size_t begin, size_t end,
                        void *results, struct fb_yield *yield)
{
    (void)input, (void)scratch, (void)begin, (void)end, (void)results, (void)yield;
}

static const struct fb_kernel nothing = {
    .name = "nothing",
    .params = no_params,
    .result_size = sizeof(struct slot),
    .run = run_nothing,
};

/* ---- a pool ---- */

static struct fb_pool *pool;
static struct fb_input *input;
static const struct fb_harness *gil;

static void open_gil(unsigned workers, uint64_t interval_ns)
{
    struct fb_error error = { 0 };
    gil = harness_named("gil");
    assert_int_equal(fb_arena_open(&arena), 0);
    input = fb_arena_alloc(arena, sizeof *input);
    struct fb_setting setting = { .arena = arena,
                                  .workers = workers,
                                  .switch_interval_ns = interval_ns };
    assert_int_equal(gil->open(&setting, &pool, &error), 0);
}

static void close_gil(void)
{
    gil->close(pool);
    fb_arena_close(arena);
}

/* Runs a job with one item for each worker. */
static struct fb_report run_gil(const struct fb_kernel *kernel, unsigned workers)
{
    static struct fb_params params;
    struct fb_report report = { 0 };
    struct fb_error error = { 0 };
    struct slot *slot = fb_arena_alloc(arena, workers * sizeof *slot);
    struct fb_job job = { kernel, &params, input, slot, workers, 0, FB_STATIC };
    if (gil->run(pool, &job, &report, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(report.workers, workers);
    return report;
}

static uint64_t sum_of_switches(const struct fb_report *report)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < report->workers; i++)
        sum += report->worker[i].lock_switches;
    return sum;
}

static void check_turns(unsigned workers, uint64_t interval_ns, uint32_t wanted)
{
    open_gil(workers, interval_ns);
    atomic_store(&input->turns_wanted, wanted);
    struct fb_report report = run_gil(&turns, workers);
    assert_int_equal(atomic_load(&input->timeouts), 0);
    assert_int_equal(atomic_load(&input->violations), 0);
    assert_true(atomic_load(&input->turns) >= wanted);
    uint64_t held = 0, waits = 0, from = UINT64_MAX, to = 0;
    for (unsigned i = 0; i < workers; i++) {
        const struct fb_worker_report *worker = &report.worker[i];
        held += worker->lock_held_ns;
        waits += worker->lock_waits;
        from = worker->ready_ns < from ? worker->ready_ns : from;
        to = worker->done_ns > to ? worker->done_ns : to;
        assert_true(worker->lock_held_ns <= worker->done_ns - worker->ready_ns);
    }
    /* Each turn except the first took the lock after another thread. */
    assert_true(sum_of_switches(&report) >= wanted - 1);
    assert_true(waits > 0);
    /* One at a time: the held times add up to no more than the elapsed time. */
    assert_true(held > 0 && held <= to - from);
    close_gil();
}

static void two_workers_are_never_both_inside(void **state)
{
    (void)state;
    check_turns(2, 100000, 300);
}

static void many_workers_are_never_both_inside(void **state)
{
    (void)state;
    check_turns(WORKERS_MOST, 50000, 300);
}

/* 0 is too short: the harness has a minimum interval. */
static void an_interval_of_zero(void **state)
{
    (void)state;
    check_turns(2, 0, 300);
}

static void counts_start_at_zero_in_each_job(void **state)
{
    (void)state;
    for (unsigned workers = 1; workers <= WORKERS_MOST; workers++) {
        /* With an interval of an hour there are no requests: each worker takes the lock once per
         * job. */
        open_gil(workers, 3600000000000u);
        for (int i = 0; i < 20; i++) {
            struct fb_report report = run_gil(&nothing, workers);
            assert_int_equal(sum_of_switches(&report), workers - 1);
            for (unsigned j = 0; j < workers; j++)
                assert_true(report.worker[j].lock_waits <= 1);
        }
        close_gil();
    }
}

static void one_worker_never_waits_for_the_lock(void **state)
{
    (void)state;
    open_gil(1, 1000);
    struct fb_report report = run_gil(&nothing, 1);
    assert_int_equal(report.worker[0].lock_switches, 0);
    assert_int_equal(report.worker[0].lock_waits, 0);
    assert_true(report.worker[0].lock_held_ns > 0);
    close_gil();
}

static void only_a_release_lets_others_in(void **state)
{
    (void)state;
    open_gil(2, 1000000);
    run_gil(&guests, 2);
    assert_int_equal(atomic_load(&input->timeouts), 0);
    assert_int_equal(atomic_load(&input->violations), 0);
    assert_true(atomic_load(&input->steps) >= 5);
    close_gil();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_workers_are_never_both_inside),
        cmocka_unit_test(many_workers_are_never_both_inside),
        cmocka_unit_test(an_interval_of_zero),
        cmocka_unit_test(counts_start_at_zero_in_each_job),
        cmocka_unit_test(one_worker_never_waits_for_the_lock),
        cmocka_unit_test(only_a_release_lets_others_in),
    };
    return RUN_TESTS(tests);
}
