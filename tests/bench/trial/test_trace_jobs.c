/* bench/trial/trial.c, harness/worker/stamps.h: traces of real jobs under each native harness. */
#include "tests/support/support.h"

#include "bench/trial/trial.h"
#include "harness/mp/process/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BY_CLOCKS_NS 20000u /* the largest difference of two clocks */
#define BY_LOCK_NS 1000u

static const char *const natives[] = { "single", "pthread",  "forkpool",
                                       "gil",    "forkpipe", "spawnpool" };
#define NATIVES (sizeof natives / sizeof *natives)

static struct fb_trial trial;
static struct fb_trial_request request;
static size_t chunks, waits, holds; /* spans of each kind */

static int end(void **state)
{
    (void)state;
    fb_trial_clear(&trial);
    fb_params_clear(&request.params);
    return 0;
}

/* ---- checks for every trace ---- */

static bool is_single(void)
{
    return request.harness && !request.harness->base;
}

/* Checks that each chunk is there once, by its first item. */
static void check_items(void)
{
    unsigned char *seen = calloc(trial.items + 1, 1);
    size_t done = 0;
    assert_non_null(seen);
    for (size_t i = 0; i < trial.trace.count; i++) {
        const struct fb_trace_span *span = &trial.trace.span[i];
        if (span->kind != FB_TRACE_CHUNK)
            continue;
        assert_true(span->item < trial.items);
        assert_int_equal(seen[span->item]++, 0);
        done++;
    }
    for (unsigned i = 0; i < trial.workers; i++)
        done -= trial.worker[i].chunks;
    assert_int_equal(done, 0);
    size_t step = is_single() ? trial.items + 1 : request.chunk;
    for (size_t item = 0; step && request.schedule != FB_GUIDED && item < trial.items; item += step)
        assert_int_equal(seen[item], 1);
    assert_int_equal(seen[0], trial.items > 0);
    free(seen);
}

/* Checks that spans of one worker and kind do not overlap and are within the job. */
static void check_order(void)
{
    uint64_t run_ns = trial.runs_ns[trial.runs - 1], last_ns[FB_TRACE_KINDS] = { 0 };
    unsigned worker = 0;
    for (size_t i = 0; i < trial.trace.count; i++) {
        const struct fb_trace_span *span = &trial.trace.span[i];
        assert_true(span->worker >= worker && span->worker < request.workers);
        if (span->worker != worker)
            memset(last_ns, 0, sizeof last_ns);
        worker = span->worker;
        assert_true(span->begin_ns >= last_ns[span->kind] && span->end_ns >= span->begin_ns);
        last_ns[span->kind] = span->end_ns;
        if (span->end_ns > run_ns + BY_CLOCKS_NS)
            fail_msg("worker %u: ends %llu ns after the job", worker,
                     (unsigned long long)(span->end_ns - run_ns));
    }
}

static int compare_begins(const void *a, const void *b)
{
    const struct fb_trace_span *left = a, *right = b;
    return (left->begin_ns > right->begin_ns) - (left->begin_ns < right->begin_ns);
}

/* Counts the spans and checks that only one worker holds the lock at a time. */
static void check_lock(void)
{
    struct fb_trace_span *hold = calloc(trial.trace.count + 1, sizeof *hold);
    assert_non_null(hold);
    chunks = waits = holds = 0;
    for (size_t i = 0; i < trial.trace.count; i++) {
        chunks += trial.trace.span[i].kind == FB_TRACE_CHUNK;
        waits += trial.trace.span[i].kind == FB_TRACE_WAIT;
        if (trial.trace.span[i].kind == FB_TRACE_HOLD)
            hold[holds++] = trial.trace.span[i];
    }
    qsort(hold, holds, sizeof *hold, compare_begins);
    for (size_t i = 1; i < holds; i++)
        if (hold[i - 1].end_ns > hold[i].begin_ns + BY_LOCK_NS)
            fail_msg("workers %u and %u both hold the lock", hold[i - 1].worker, hold[i].worker);
    free(hold);
}

/* Checks that the trace agrees with the counts in the workers' reports. */
static void check_counts(void)
{
    uint64_t waited = 0;
    bool lock = strcmp(request.harness->name, "gil") == 0 &&
                !(request.variant && strcmp(request.variant, "off") == 0);
    for (unsigned i = 0; i < trial.workers; i++)
        waited += trial.worker[i].lock_waits;
    assert_int_equal(waits, waited);
    assert_true(lock ? holds >= request.workers : holds == 0);
}

static void trace_trial(void)
{
    struct fb_error error = { 0 };
    if (fb_trial_run(&request, &trial, &error) != 0)
        fail_msg("%s", error.text);
    assert_true(trial.valid);
    assert_int_equal(trial.trace.lost, 0);
    check_items();
    check_order();
    check_lock();
    check_counts();
}

static void prepare(const struct fb_kernel *kernel, const char *harness, unsigned workers)
{
    end(NULL);
    request = (struct fb_trial_request){ .kernel = kernel,
                                         .workers = workers,
                                         .repeat = 1,
                                         .trace = true,
                                         .schedule = FB_DYNAMIC,
                                         .switch_interval_ns = 100000 };
    request.harness = fb_harness_find(harness, &request.variant);
    assert_non_null(request.harness);
    if (is_single())
        request.workers = 1;
    assert_int_equal(fb_params_init(&request.params, kernel), 0);
}

static void set(const char *assignment)
{
    assert_int_equal(fb_params_set(&request.params, assignment, NULL), 0);
}

/* ---- jobs in this process ---- */

static void trace_primes(const char *harness, unsigned workers, size_t chunk,
                         enum fb_schedule schedule)
{
    prepare(kernel_named("primes"), harness, workers);
    set("hi=50000");
    set("ranges=50");
    request.chunk = chunk;
    request.schedule = schedule;
    trace_trial();
    assert_true(chunks > 0);
}

static void each_chunk_is_traced_once(void **state)
{
    (void)state;
    static const unsigned counts[] = { 1, 2, 7 }; /* 7: more than there are CPUs */
    for (size_t i = 0; i < NATIVES; i++)
        for (size_t k = 0; k < 3; k++) {
            trace_primes(natives[i], counts[k], 1, FB_DYNAMIC);
            assert_int_equal(chunks, is_single() ? 1 : 50);
            trace_primes(natives[i], counts[k], 8, FB_DYNAMIC);
            assert_int_equal(chunks, is_single() ? 1 : 7);
            trace_primes(natives[i], counts[k], 3, FB_STATIC);
            trace_primes(natives[i], counts[k], 0, FB_STATIC);
            trace_primes(natives[i], counts[k], 2, FB_GUIDED);
        }
}

static void a_job_without_items_has_no_chunks(void **state)
{
    (void)state;
    for (size_t i = 0; i < NATIVES; i++) {
        prepare(kernel_named("null"), natives[i], 3);
        set("items=0");
        trace_trial();
        assert_int_equal(chunks, 0);
    }
}

static void every_mode_of_the_lock_is_traced(void **state)
{
    (void)state;
    static const char *const modes[] = { "gil", "gil=python", "gil=hold", "gil=release",
                                         "gil=off" };
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        for (unsigned workers = 2; workers <= 7; workers += 5) {
            prepare(kernel_named("sleep"), modes[i], workers);
            set("count=40");
            set("wait_us=50");
            trace_trial();
            assert_int_equal(chunks, 40);
            trace_primes(modes[i], workers, 1, FB_DYNAMIC);
            /* The lock is released around each call and at the end. */
            if (strcmp(modes[i], "gil=release") == 0)
                assert_int_equal(holds, 50 + workers);
        }
}

static void a_trial_without_trace_has_no_spans(void **state)
{
    (void)state;
    for (size_t i = 0; i < NATIVES; i++) {
        struct fb_error error = { 0 };
        prepare(kernel_named("null"), natives[i], 2);
        request.trace = false;
        assert_int_equal(fb_trial_run(&request, &trial, &error), 0);
        assert_true(!trial.trace.span && trial.trace.count == 0);
    }
}

static void the_newest_chunks_are_traced(void **state)
{
    (void)state;
    const uint64_t kept = fb_trace_stamps(1), items = 3 * kept;
    struct fb_error error = { 0 };
    char assignment[40];
    prepare(kernel_named("null"), "pthread", 1);
    snprintf(assignment, sizeof assignment, "items=%llu", (unsigned long long)items);
    set(assignment);
    assert_int_equal(fb_trial_run(&request, &trial, &error), 0);
    assert_int_equal(trial.trace.lost, items + 1 - kept); /* one marks the end of the last chunk */
    assert_int_equal(trial.trace.count, kept - 1);
    for (uint64_t i = 0; i + 1 < kept; i++)
        assert_int_equal(trial.trace.span[i].item, items - (kept - 1) + i);
    check_order();
}

/* ---- several jobs ---- */

#define LONG_MS 5u

struct fb_input {
    unsigned jobs;
};

struct slot {
    int32_t status;
};

static const struct fb_param no_params[] = { { 0 } };

static int set_up(const struct fb_params *params, struct fb_arena *arena,
                  struct fb_input **ret_input, struct fb_error *error)
{
    (void)params, (void)error;
    *ret_input = fb_arena_alloc(arena, sizeof **ret_input);
    return 0;
}

static size_t four_items(const struct fb_input *input)
{
    (void)input;
    return 4;
}

/* Item 0 of the third job takes long. */
static void last_long(const struct fb_input *const_input, void *scratch, size_t begin, size_t past,
                      void *results, struct fb_yield *yield)
{
    (void)scratch, (void)past, (void)results, (void)yield;
    struct fb_input *input = (struct fb_input *)const_input;
    if (begin == 0 && ++input->jobs == 3)
        for (uint64_t now = clock_ms(); clock_ms() <= now + LONG_MS;)
            ;
}

static int check_nothing(const struct fb_input *input, const void *results, struct fb_error *error)
{
    (void)input, (void)results, (void)error;
    return 0;
}

static uint64_t digest_nothing(const struct fb_input *input, const void *results)
{
    (void)input, (void)results;
    return 0;
}

static void answer_nothing(const struct fb_input *input, const void *results, char *text,
                           size_t size)
{
    (void)input, (void)results;
    snprintf(text, size, "-");
}

static const struct fb_kernel three_jobs = {
    .name = "three_jobs",
    .params = no_params,
    .result_size = sizeof(struct slot),
    .setup = set_up,
    .items = four_items,
    .run = last_long,
    .check = check_nothing,
    .digest = digest_nothing,
    .answer = answer_nothing,
};

static void the_last_job_is_traced(void **state)
{
    (void)state;
    for (size_t i = 0; i < NATIVES; i++) {
        uint64_t longest_ns = 0;
        prepare(&three_jobs, natives[i], 2);
        request.repeat = 3;
        trace_trial();
        assert_int_equal(trial.runs, 3);
        assert_int_equal(chunks, is_single() ? 1 : 4);
        for (size_t k = 0; k < trial.trace.count; k++)
            if (trial.trace.span[k].kind == FB_TRACE_CHUNK && trial.trace.span[k].item == 0)
                longest_ns = trial.trace.span[k].end_ns - trial.trace.span[k].begin_ns;
        assert_true(longest_ns + BY_CLOCKS_NS >= LONG_MS * 1000000u);
    }
}

#define TRACED(test) cmocka_unit_test_teardown(test, end)

int main(int argc, char **argv)
{
    static const struct fb_mp_task none[] = { { 0 } };
    fb_mp_main(argc, argv, none);
    const struct CMUnitTest tests[] = {
        TRACED(each_chunk_is_traced_once),        TRACED(a_job_without_items_has_no_chunks),
        TRACED(every_mode_of_the_lock_is_traced), TRACED(a_trial_without_trace_has_no_spans),
        TRACED(the_newest_chunks_are_traced),     TRACED(the_last_job_is_traced),
    };
    return RUN_TESTS(tests);
}
