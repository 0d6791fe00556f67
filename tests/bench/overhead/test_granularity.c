/* bench/overhead/granularity.c: where the efficiency crosses a level, and that the tasks of a sweep
 * depend on each other. */
#include "tests/support/support.h"

#include "tests/support/near.h"

#include "bench/overhead/granularity.h"

#include <errno.h>

#define CLOSE 1e-9

/* ---- the crossing ---- */

static void first_size_is_efficient_already(void **state)
{
    (void)state;
    static const double length[] = { 40, 80, 160 }, above[] = { 0.7, 0.8, 0.9 },
                        exact[] = { 0.5, 0.6, 0.9 };
    assert_near(fb_metg(length, above, 3, 0.5), 40, 0);
    assert_near(fb_metg(length, exact, 3, 0.5), 40, 0);
    assert_near(fb_metg(length, above, 1, 0.5), 40, 0);
}

static void crossing_between_sizes(void **state)
{
    (void)state;
    static const double length[] = { 100, 10000 }, half_way[] = { 0.25, 0.75 },
                        fifth[] = { 0.4, 0.9 };
    /* Linear in the logarithm of the length. */
    assert_near(fb_metg(length, half_way, 2, 0.5), 1000, 1000 * CLOSE);
    assert_near(fb_metg(length, fifth, 2, 0.5), 100 * pow(100, 0.2), 1000 * CLOSE);
}

static void crossing_at_a_size(void **state)
{
    (void)state;
    static const double length[] = { 1, 2, 4, 8 }, on[] = { 0.1, 0.3, 0.5, 0.9 },
                        last[] = { 0.1, 0.2, 0.3, 0.5 };
    assert_near(fb_metg(length, on, 4, 0.5), 4, CLOSE);
    assert_near(fb_metg(length, last, 4, 0.5), 8, CLOSE);
}

/* Measured efficiencies are noisy: a single high value among short tasks is ignored. */
static void last_of_several_crossings(void **state)
{
    (void)state;
    static const double length[] = { 1, 4, 16, 64 }, noisy[] = { 0.4, 0.6, 0.3, 0.9 },
                        falling[] = { 0.3, 0.2, 0.8, 0.9 }, lucky[] = { 0.9, 0.8, 0.9, 0.4 };
    assert_near(fb_metg(length, noisy, 4, 0.5), 16 * pow(4, 1 / 3.0), 16 * CLOSE);
    assert_near(fb_metg(length, falling, 4, 0.5), 8, CLOSE);
    assert_true(isinf(fb_metg(length, lucky, 4, 0.5)));
}

static void never(void **state)
{
    (void)state;
    static const double length[] = { 1, 2, 4 }, low[] = { 0.1, 0.3, 0.49999 };
    assert_true(isinf(fb_metg(length, low, 3, 0.5)));
    assert_true(isinf(fb_metg(length, low, 1, 0.5)));
    assert_true(isinf(fb_metg(length, low, 0, 0.5)));
}

static void nine_tenths(void **state)
{
    (void)state;
    static const double length[] = { 10, 100, 1000, 10000 }, rising[] = { 0.5, 0.7, 0.89, 0.91 },
                        exact[] = { 0.5, 0.7, 0.9, 0.95 }, low[] = { 0.5, 0.7, 0.8, 0.8999 },
                        high[] = { 0.95, 0.5, 0.95, 1.25 };
    assert_near(fb_metg(length, rising, 4, 0.9), 1000 * sqrt(10), 1000 * CLOSE);
    assert_near(fb_metg(length, exact, 4, 0.9), 1000, 1000 * CLOSE);
    assert_near(fb_metg(length, high, 4, 0.9), 100 * pow(10, 8 / 9.0), 1000 * CLOSE);
    assert_true(isinf(fb_metg(length, low, 4, 0.9)));
    /* The same curve reaches one half earlier. */
    assert_near(fb_metg(length, low, 4, 0.5), 10, 0);
}

/* ---- a sweep ---- */

#define STEPS_LAST (1u << (FB_TASK_SIZES - 1))
#define SLOTS_CHECKED 300
#define CHAIN_BEGIN 1 /* the first value of a worker's chain */

struct slot {
    int32_t status;
    uint64_t value;
};

struct measured_sweep {
    struct fb_arena *arena;
    struct fb_size_sweep sweep;
    struct fb_baseline baseline;
    double efficiency[FB_TASK_SIZES];
};

/* Sweeps with one worker of that harness; the baseline is the plain loop. */
static void measure(struct measured_sweep *measured, const char *name)
{
    const struct fb_harness *single = harness_named("single");
    struct fb_error error = { 0 };
    assert_int_equal(fb_arena_open(&measured->arena), 0);
    struct fb_size_sweep *sweep = &measured->sweep;
    *sweep = (struct fb_size_sweep){
        .task_sizes = &fb_task_sizes_shared,
        .harness = harness_named(name),
        .workers = 1,
        .input = fb_granularity_input(measured->arena),
        .results = fb_arena_alloc(measured->arena, (size_t)FB_TASKS_MOST * FB_TASK_RESULT),
    };
    assert_true(sweep->input && sweep->results);
    sweep->pool = pool_open(sweep->harness, measured->arena, 1);
    struct fb_size_sweep plain_loop = *sweep;
    plain_loop.harness = single;
    plain_loop.pool = pool_open(single, measured->arena, 1);
    if (fb_granularity_baseline(&plain_loop, &measured->baseline, &error) < 0 ||
        fb_granularity_sweep(sweep, &measured->baseline, measured->efficiency, &error) < 0)
        fail_msg("%s", error.text);
    single->close(plain_loop.pool);
    sweep->harness->close(sweep->pool);
}

static uint64_t task_of(uint64_t value)
{
    for (unsigned i = 0; i < STEPS_LAST; i++)
        value = value * 6364136223846793005u + 1442695040888963407u;
    return value;
}

static void check_chain(const char *harness)
{
    struct measured_sweep measured;
    measure(&measured, harness);
    const struct slot *slot = measured.sweep.results;
    assert_int_equal(sizeof *slot, FB_TASK_RESULT);
    /* The job continues the chain of the previous job. */
    assert_true(slot[0].value != task_of(CHAIN_BEGIN));
    for (size_t i = 1; i < SLOTS_CHECKED; i++)
        if (slot[i].value != task_of(slot[i - 1].value))
            fail_msg("%s: task %zu does not continue the previous one", harness, i);
    fb_arena_close(measured.arena);
}

/* One call runs all tasks of a job. */
static void tasks_of_a_call_are_one_chain(void **state)
{
    (void)state;
    check_chain("single");
}

/* Each task is a claim and therefore a call. */
static void tasks_of_many_calls_are_one_chain(void **state)
{
    (void)state;
    check_chain("pthread");
}

static void lengths_and_efficiencies_are_numbers(void **state)
{
    (void)state;
    struct measured_sweep measured;
    measure(&measured, "single");
    for (int size = 0; size < FB_TASK_SIZES; size++) {
        double length = measured.baseline.length_ns[size], job = measured.baseline.single_ns[size];
        assert_true(isfinite(length) && length > 0);
        assert_true(isfinite(job) && job >= length && job / length <= 1.01 * FB_TASKS_MOST);
        assert_true(isfinite(measured.efficiency[size]) && measured.efficiency[size] > 0);
    }
    fb_arena_close(measured.arena);
}

/* ---- a harness that fails ---- */

static int fail_to_run(struct fb_pool *pool, const struct fb_job *job, struct fb_report *report,
                       struct fb_error *error)
{
    (void)pool, (void)job, (void)report;
    return fb_error_set(error, -EOWNERDEAD, "a worker died");
}

static void failures_are_returned(void **state)
{
    (void)state;
    static const struct fb_harness broken = { .name = "broken", .run = fail_to_run };
    struct fb_arena *arena;
    struct fb_baseline baseline = { .single_ns = { 1 } };
    double efficiency[FB_TASK_SIZES];
    struct fb_error error = { 0 };
    assert_int_equal(fb_arena_open(&arena), 0);
    struct fb_size_sweep sweep = { .task_sizes = &fb_task_sizes_shared,
                                   .harness = &broken,
                                   .workers = 1,
                                   .input = fb_granularity_input(arena) };
    assert_int_equal(fb_granularity_baseline(&sweep, &baseline, &error), -EOWNERDEAD);
    assert_string_equal(error.text, "a worker died");
    error = (struct fb_error){ 0 };
    assert_int_equal(fb_granularity_sweep(&sweep, &baseline, efficiency, &error), -EOWNERDEAD);
    assert_string_equal(error.text, "a worker died");
    fb_arena_close(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_size_is_efficient_already),
        cmocka_unit_test(crossing_between_sizes),
        cmocka_unit_test(crossing_at_a_size),
        cmocka_unit_test(last_of_several_crossings),
        cmocka_unit_test(never),
        cmocka_unit_test(nine_tenths),
        cmocka_unit_test(tasks_of_a_call_are_one_chain),
        cmocka_unit_test(tasks_of_many_calls_are_one_chain),
        cmocka_unit_test(lengths_and_efficiencies_are_numbers),
        cmocka_unit_test(failures_are_returned),
    };
    return RUN_TESTS(tests);
}
