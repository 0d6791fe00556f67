/* harness/native/gil.c: when each mode lets other workers run, and how a mode is selected. */
#include "tests/support/support.h"

#include "tests/support/programs/program.h"

#include "bench/run/plan.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define CALLS_MOST 20000u /* per worker */
#define TURNS 20u
#define HOUR_NS 3600000000000u
#define NOTHING (-1) /* no reason to release the lock */

struct fb_input {
    int reason; /* an fb_release or NOTHING */
    unsigned workers;
    uint64_t limit_ms;
    _Atomic uint32_t inside;     /* number of the worker that computes, plus 1; 0: none */
    _Atomic uint32_t violations; /* how often another worker was inside */
    _Atomic uint32_t requests;   /* how often the lock was requested in a call */
    _Atomic uint32_t last, turns, arrived, seen, timeouts;
};

struct slot {
    int32_t status;
};

static const struct fb_param no_params[] = { { 0 } };

static struct fb_input *writable(const struct fb_input *input)
{
    return (struct fb_input *)input; /* it is in the arena, shared by these kernels */
}

static void begin_release(const struct fb_input *input, struct fb_yield *yield)
{
    if (input->reason != NOTHING)
        fb_release(yield, (enum fb_release)input->reason);
}

static void end_release(const struct fb_input *input, struct fb_yield *yield)
{
    if (input->reason != NOTHING)
        fb_acquire(yield, (enum fb_release)input->reason);
}

/* ---- calls that must be alone ---- */

/* Stays inside for a millisecond, in which no other worker may be inside. */
static void be_alone(struct fb_input *input, uint32_t me, struct fb_yield *yield)
{
    uint64_t now = clock_ms();
    if (atomic_exchange(&input->inside, me + 1) != 0)
        atomic_fetch_add(&input->violations, 1);
    begin_release(input, yield);
    while (clock_ms() == now)
        for (int i = 0; i < 50; i++) {
            if (atomic_load(&input->inside) != me + 1)
                atomic_fetch_add(&input->violations, 1);
            if (atomic_load(yield->request) != 0)
                atomic_fetch_add(&input->requests, 1);
        }
    end_release(input, yield);
    if (atomic_exchange(&input->inside, 0) != me + 1)
        atomic_fetch_add(&input->violations, 1);
}

/* Calls without a safepoint, until the workers have taken enough turns. Item i belongs to worker i
 * % workers. */
static void call(const struct fb_input *const_input, void *scratch, size_t begin, size_t end,
                 void *results, struct fb_yield *yield)
{
    (void)scratch, (void)end, (void)results;
    struct fb_input *input = writable(const_input);
    uint32_t me = (uint32_t)begin % input->workers;
    if (atomic_load(&input->turns) >= TURNS || atomic_load(&input->timeouts))
        return;
    if (atomic_exchange(&input->last, me + 1) != me + 1)
        atomic_fetch_add(&input->turns, 1);
    be_alone(input, me, yield);
    if (clock_ms() > input->limit_ms)
        atomic_fetch_add(&input->timeouts, 1);
}

/* ---- calls that need one another ---- */

/* Returns when all workers are inside. */
static void meet(const struct fb_input *const_input, void *scratch, size_t begin, size_t end,
                 void *results, struct fb_yield *yield)
{
    (void)scratch, (void)begin, (void)end, (void)results;
    struct fb_input *input = writable(const_input);
    begin_release(input, yield);
    atomic_fetch_add(&input->arrived, 1);
    if (!atomic_load(&input->timeouts) && !wait_for(&input->arrived, input->workers))
        atomic_fetch_add(&input->timeouts, 1);
    end_release(input, yield);
}

/* The first worker inside stays until the lock is requested. */
static void wait_for_request(const struct fb_input *const_input, void *scratch, size_t begin,
                             size_t end, void *results, struct fb_yield *yield)
{
    (void)scratch, (void)begin, (void)end, (void)results;
    struct fb_input *input = writable(const_input);
    if (atomic_fetch_add(&input->arrived, 1) == 0)
        atomic_store(&input->seen, wait_for(yield->request, 1));
}

static void do_nothing(const struct fb_input *input, void *scratch, size_t begin, size_t end,
                       void *results, struct fb_yield *yield)
{
    (void)input, (void)scratch, (void)begin, (void)end, (void)results, (void)yield;
}

#define KERNEL(title, body)                                                                        \
    {                                                                                              \
        .name = title, .params = no_params, .result_size = sizeof(struct slot), .run = body        \
    }
static const struct fb_kernel calls = KERNEL("calls", call), meeting = KERNEL("meeting", meet),
                              listening = KERNEL("listening", wait_for_request),
                              nothing = KERNEL("nothing", do_nothing);

/* ---- the modes ---- */

static const struct {
    const char *name;
    bool locks;              /* a call excludes others, unless it releases the lock */
    bool asks;               /* a call sees requests */
    bool computing, waiting; /* reasons for which the lock is released */
} modes[] = {
    { "twin", true, true, true, true },    { "python", true, true, false, true },
    { "hold", true, false, false, false }, { "release", false, false, false, false },
    { "off", false, false, false, false },
};
#define MODES (sizeof modes / sizeof *modes)

static const int reasons[] = { NOTHING, FB_RELEASE_COMPUTING, FB_RELEASE_WAITING };

static bool is_alone(size_t mode, int reason)
{
    if (reason == FB_RELEASE_COMPUTING && modes[mode].computing)
        return false;
    return modes[mode].locks && !(reason == FB_RELEASE_WAITING && modes[mode].waiting);
}

static struct fb_input *input;

/* Runs a job of that many items per worker, one per call, in a new pool. */
static struct fb_worker_report run_mode(size_t mode, const struct fb_kernel *kernel, int reason,
                                        unsigned workers, size_t each, uint64_t interval_ns)
{
    const struct fb_harness *gil = harness_named("gil");
    struct fb_error error = { 0 };
    struct fb_pool *pool;
    struct fb_report report = { 0 };
    struct fb_params params = { 0 };
    *input = (struct fb_input){ .reason = reason,
                                .workers = workers,
                                .limit_ms = clock_ms() + LIMIT_MS / 4 };
    struct fb_setting setting = { .arena = arena,
                                  .workers = workers,
                                  .variant = modes[mode].name,
                                  .switch_interval_ns = interval_ns };
    assert_int_equal(gil->open(&setting, &pool, &error), 0);
    struct fb_job job = { kernel, &params, input, NULL, workers * each, 1, FB_STATIC };
    job.results = fb_arena_alloc(arena, job.items * sizeof(struct slot));
    assert_non_null(job.results);
    if (gil->run(pool, &job, &report, &error) != 0)
        fail_msg("%s: %s", modes[mode].name, error.text);
    struct fb_worker_report sum = { 0 };
    for (unsigned i = 0; i < workers; i++) {
        sum.chunks += report.worker[i].chunks;
        sum.lock_switches += report.worker[i].lock_switches;
        sum.lock_waits += report.worker[i].lock_waits;
        sum.lock_held_ns += report.worker[i].lock_held_ns;
    }
    gil->close(pool);
    assert_int_equal(sum.chunks, job.items);
    if (atomic_load(&input->timeouts))
        fail_msg("%s: waited in vain", modes[mode].name);
    return sum;
}

static int begin(void **state)
{
    (void)state;
    if (fb_arena_open(&arena) < 0)
        return -1;
    input = fb_arena_alloc(arena, sizeof *input);
    return input ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    fb_arena_close(arena);
    return 0;
}

/* Calls without a safepoint are still relieved, between two calls. */
static void calls_are_alone_and_relieved_between_two(void **state)
{
    (void)state;
    for (size_t mode = 0; mode < MODES; mode++)
        for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
            if (!is_alone(mode, reasons[i]))
                continue;
            unsigned workers = i == 0 ? 5 : 2;
            run_mode(mode, &calls, reasons[i], workers, CALLS_MOST, 100000);
            if (atomic_load(&input->violations))
                fail_msg("%s: two were inside, reason %d", modes[mode].name, reasons[i]);
            assert_true(atomic_load(&input->turns) >= TURNS);
        }
}

static void calls_meet_where_the_lock_is_released(void **state)
{
    (void)state;
    for (size_t mode = 0; mode < MODES; mode++)
        for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
            if (!is_alone(mode, reasons[i]))
                for (unsigned workers = 2; workers <= 8; workers += 3) {
                    /* With an interval of an hour there are no requests: the lock is released
                     * without one. */
                    run_mode(mode, &meeting, reasons[i], workers, 1, HOUR_NS);
                    assert_int_equal(atomic_load(&input->arrived), workers);
                }
}

static void it_changes_hands_only_on_request(void **state)
{
    (void)state;
    for (size_t mode = 0; mode < MODES; mode++) {
        struct fb_worker_report sum = run_mode(mode, &nothing, NOTHING, 4, 50, HOUR_NS);
        bool off = strcmp(modes[mode].name, "off") == 0;
        assert_int_equal(sum.lock_held_ns == 0, off);
        if (modes[mode].locks)
            assert_int_equal(sum.lock_switches, 3); /* each got it once */
        if (off)
            assert_int_equal(sum.lock_switches + sum.lock_waits, 0);
    }
}

static void python_code_sees_requests(void **state)
{
    (void)state;
    for (size_t mode = 0; mode < MODES; mode++)
        if (modes[mode].asks) {
            run_mode(mode, &listening, NOTHING, 2, 1, 100000);
            assert_int_equal(atomic_load(&input->seen), 1);
        }
}

static void an_extension_never_sees_requests(void **state)
{
    (void)state;
    for (size_t mode = 0; mode < MODES; mode++)
        if (!modes[mode].asks) {
            run_mode(mode, &calls, NOTHING, 3, CALLS_MOST, 100000);
            assert_int_equal(atomic_load(&input->requests), 0);
            assert_true(atomic_load(&input->turns) >= TURNS);
        }
}

/* ---- selecting a mode ---- */

static void modes_are_found_by_name(void **state)
{
    (void)state;
    const struct fb_harness *gil = harness_named("gil");
    struct fb_error error = { 0 };
    char variant[32] = "untouched";
    assert_int_equal(gil->find("x", variant, sizeof variant, &error), -EINVAL);
    assert_non_null(strstr(error.text, "gil: x"));
    assert_int_equal(gil->find("hol", variant, sizeof variant, NULL), -EINVAL);
    assert_int_equal(gil->find("holds", variant, sizeof variant, NULL), -EINVAL);
    assert_string_equal(variant, "untouched");
    assert_int_equal(gil->find(NULL, variant, sizeof variant, NULL), 0);
    assert_string_equal(variant, "");
    for (size_t mode = 0; mode < MODES; mode++) {
        assert_int_equal(gil->find(modes[mode].name, variant, sizeof variant, NULL), 0);
        assert_string_equal(variant, mode ? modes[mode].name : "");
    }
}

#define EXEC "exec", "-k", "null", "-w", "2"

static void check_refused(const char *harness, const char *gil, const char *why)
{
    struct said said = gil ? RUN(EXEC, "-H", harness, "--gil", gil) : RUN(EXEC, "-H", harness);
    assert_int_equal(said.code, 2);
    assert_string_equal(said.out, "");
    assert_int_equal(count_lines(said.err), 1);
    assert_non_null(strstr(said.err, why));
    said_clear(&said);
}

static void bad_modes_are_bad_usage(void **state)
{
    (void)state;
    check_refused("gil=x", NULL, "no such mode of gil: x");
    check_refused("gil", "x", "no such mode of gil: x");
    check_refused("pthread", "hold", "-H pthread");
    check_refused("single", "off", "-H single");
    check_refused("pthread=hold", NULL, "pthread=hold");
}

static void the_mode_is_part_of_the_harness_name(void **state)
{
    (void)state;
    for (size_t mode = 0; mode < MODES; mode++)
        for (int way = 0; way < 2; way++) {
            char name[32];
            snprintf(name, sizeof name, "gil=%s", modes[mode].name);
            struct said said = way ? RUN(EXEC, "--json", "-H", name)
                                   : RUN(EXEC, "--json", "-H", "gil", "--gil", modes[mode].name);
            assert_int_equal(said.code, 0);
            json_t *root = json_loads(said.out, 0, NULL);
            const char *got = json_string_value(json_object_get(root, "harness"));
            assert_string_equal(got ? got : "no text", name);
            json_decref(root);
            said_clear(&said);
        }
}

static void every_mode_gives_what_single_gives(void **state)
{
    (void)state;
    for (size_t mode = 0; mode < MODES; mode++) {
        struct said said = RUN("exec", "-k", "primes", "-p", "hi=10000", "-p", "ranges=50", "-H",
                               "gil", "--gil", modes[mode].name, "-w", "3", "-i", "0.01");
        assert_int_equal(said.code, 0);
        assert_non_null(strstr(said.out, "1229 primes"));
        assert_non_null(strstr(said.out, "checked"));
        said_clear(&said);
    }
}

/* ---- in a run ---- */

static void the_base_of_a_mode_is_plain_single(void **state)
{
    (void)state;
    struct fb_plan_request request = { .kernel = { "primes" },
                                       .kernels = 1,
                                       .harness = { "gil=hold", "gil", "gil=twin" },
                                       .harnesses = 3,
                                       .workers = { 2 },
                                       .worker_counts = 1,
                                       .effective = 2 };
    struct fb_plan plan;
    size_t hold = 0, bases = 0;
    assert_int_equal(fb_plan_make(&request, &plan, NULL), 0);
    /* "twin" is the default mode: gil=hold, gil, single, the ceiling, and one cell again. */
    assert_int_equal(plan.count, 5);
    for (size_t i = 0; i < plan.count; i++) {
        const struct fb_cell *cell = &plan.cell[i];
        bool held = strcmp(cell->label, "gil=hold") == 0;
        assert_int_equal(cell->family, FB_FAMILY_C);
        assert_string_equal(cell->variant, held ? "hold" : "");
        hold += held && !cell->again;
        bases += cell->base == FB_NO_CELL;
        const struct fb_cell *base = cell->base == FB_NO_CELL ? cell : &plan.cell[cell->base];
        assert_string_equal(base->label, "single");
        assert_string_equal(base->variant, "");
        assert_int_equal(base->workers, 1);
    }
    assert_int_equal(hold, 1);
    assert_int_equal(bases, 1);
    fb_plan_clear(&plan);
    request.harness[0] = "gil=x";
    assert_int_equal(fb_plan_make(&request, &plan, NULL), -EINVAL);
}

#define IN_ARENA(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_ARENA(calls_are_alone_and_relieved_between_two),
        IN_ARENA(calls_meet_where_the_lock_is_released),
        IN_ARENA(it_changes_hands_only_on_request),
        IN_ARENA(python_code_sees_requests),
        IN_ARENA(an_extension_never_sees_requests),
        cmocka_unit_test(modes_are_found_by_name),
        cmocka_unit_test(bad_modes_are_bad_usage),
        cmocka_unit_test(the_mode_is_part_of_the_harness_name),
        cmocka_unit_test(every_mode_gives_what_single_gives),
        cmocka_unit_test(the_base_of_a_mode_is_plain_single),
    };
    return RUN_TESTS(tests);
}
