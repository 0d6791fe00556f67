/* bench/trial/trial.c and bench/trial/copies.c: trials from preparing to checking, and copies that
 * fail. */
#include "tests/support/support.h"

#include "bench/trial/trial.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define ITEMS 10

/* ---- a kernel with a parameter for its outcome ---- */

enum mode { GOOD, WRONG, BROKEN, EXITS };

struct fb_input {
    size_t items;
    enum mode mode;
    uint32_t spin;
};

struct slot {
    int32_t status;
    uint32_t value;
};

static unsigned checks, teardowns;
static int prepared_fd;

static const char *const modes[] = { "good", "wrong", "broken", "exits", NULL };
static const struct fb_param table[] = {
    { "mode", FB_PARAM_CHOICE, "good", 0, 0, modes, "what happens" },
    { "spin", FB_PARAM_NUMBER, "0", 0, 100000000, NULL, "additions an item" },
    { "file", FB_PARAM_TEXT, "", 0, 0, NULL, "what was prepared" },
    { 0 },
};

static int prepare(const struct fb_params *params, int *ret_fd, struct fb_error *error)
{
    (void)params, (void)error;
    *ret_fd = prepared_fd = memfd_create("prepared", 0);
    return prepared_fd < 0 ? -errno : 0;
}

static int setup(const struct fb_params *params, struct fb_arena *arena,
                 struct fb_input **ret_input, struct fb_error *error)
{
    char expected[64];
    snprintf(expected, sizeof expected, "/proc/self/fd/%d", prepared_fd);
    if (strcmp(fb_params_text(params, "file"), expected) != 0)
        return fb_error_set(error, -EINVAL, "not what was prepared");
    *ret_input = fb_arena_alloc(arena, sizeof **ret_input);
    **ret_input = (struct fb_input){ ITEMS, (enum mode)fb_params_number(params, "mode"),
                                     (uint32_t)fb_params_number(params, "spin") };
    return 0;
}

static size_t items(const struct fb_input *input)
{
    return input->items;
}

static void run(const struct fb_input *input, void *scratch, size_t begin, size_t end,
                void *results, struct fb_yield *yield)
{
    (void)scratch;
    struct slot *slot = results;
    static volatile uint32_t sum;
    for (size_t item = begin; item < end; item++) {
        for (uint32_t i = 0; i < input->spin; i++)
            sum = sum + i;
        if (fb_safepoint(yield))
            return;
        if (input->mode == EXITS && item == ITEMS - 1)
            _exit(7);
        slot[item].value = (uint32_t)item + (input->mode == WRONG && item == 4);
        slot[item].status = input->mode == BROKEN && item % 4 == 1 ? -EIO : 0;
    }
}

static int check(const struct fb_input *input, const void *results, struct fb_error *error)
{
    const struct slot *slot = results;
    checks++;
    for (size_t item = 0; item < input->items; item++)
        if (slot[item].status == 0 && slot[item].value != item)
            return fb_error_set(error, -EBADMSG, "wrong result: item %zu", item);
    return 0;
}

static uint64_t digest(const struct fb_input *input, const void *results)
{
    const struct slot *slot = results;
    uint64_t value = 0;
    for (size_t item = 0; item < input->items; item++)
        value = fb_digest(value, (uint64_t)slot[item].value << 32 | (uint32_t)slot[item].status);
    return value;
}

static void answer(const struct fb_input *input, const void *results, char *text, size_t size)
{
    (void)results;
    snprintf(text, size, "%zu things", input->items);
}

static void describe(const struct fb_input *input, const void *results, size_t item, char *text,
                     size_t size)
{
    (void)input, (void)results;
    snprintf(text, size, "item %zu is broken", item);
}

static void teardown(struct fb_input *input)
{
    (void)input;
    teardowns++;
}

static const struct fb_kernel test_kernel = {
    .name = "test_kernel",
    .params = table,
    .result_size = sizeof(struct slot),
    .prepared_param = "file",
    .prepare = prepare,
    .setup = setup,
    .items = items,
    .run = run,
    .check = check,
    .digest = digest,
    .answer = answer,
    .describe = describe,
    .teardown = teardown,
};

/* ---- a trial ---- */

static struct fb_trial trial;
static struct fb_error error;

static struct fb_trial_request make_request(const char *harness, const char *mode)
{
    struct fb_trial_request request = {
        .kernel = &test_kernel,
        .harness = harness_named(harness),
        .workers = 1,
        .repeat = 1,
        .schedule = FB_STATIC,
    };
    char assignment[32];
    checks = teardowns = 0;
    error = (struct fb_error){ 0 };
    snprintf(assignment, sizeof assignment, "mode=%s", mode);
    assert_int_equal(fb_params_init(&request.params, &test_kernel), 0);
    assert_int_equal(fb_params_set(&request.params, assignment, NULL), 0);
    return request;
}

static int run_trial(struct fb_trial_request *request)
{
    char text[120];
    unsigned descriptors = descriptors_open();
    int result = fb_trial_run(request, &trial, &error);
    if (leaks_found(descriptors, text, sizeof text))
        fail_msg("%s", text);
    assert_int_equal(teardowns, 1);
    fb_params_clear(&request->params);
    return result;
}

static void a_good_trial_is_valid(void **state)
{
    (void)state;
    static const char *const harnesses[] = { "single", "pthread", "forkpool", "gil" };
    for (int i = 0; i < 4; i++) {
        struct fb_trial_request request = make_request(harnesses[i], "good");
        request.workers = i ? 3 : 1;
        request.repeat = 5;
        request.bind = i % 2;
        assert_int_equal(run_trial(&request), 0);
        assert_true(trial.valid);
        assert_int_equal(trial.items, ITEMS);
        assert_int_equal(trial.failed, 0);
        assert_int_equal(trial.runs, 5);
        assert_int_equal(trial.workers, request.workers);
        assert_string_equal(trial.answer, "10 things");
        assert_true(checks > 0);
        for (int run = 0; run < 5; run++)
            assert_true(trial.runs_ns[run] > 0);
        fb_trial_clear(&trial);
        fb_trial_clear(&trial);
    }
}

static unsigned runs_for(unsigned repeat, uint64_t least_ns, uint64_t *ret_run_ns)
{
    struct fb_trial_request request = make_request("single", "good");
    assert_int_equal(fb_params_set(&request.params, "spin=100000", NULL), 0);
    request.repeat = repeat;
    request.least_ns = least_ns;
    assert_int_equal(run_trial(&request), 0);
    unsigned runs = trial.runs;
    *ret_run_ns = trial.run_ns;
    fb_trial_clear(&trial);
    return runs;
}

/* Also if one job and a half would be long enough. Two requested jobs are two. */
static void short_jobs_never_run_exactly_twice(void **state)
{
    (void)state;
    uint64_t run_ns, ignored;
    assert_int_equal(runs_for(1, 0, &run_ns), 1);
    assert_int_equal(runs_for(2, 0, &ignored), 2);
    assert_int_equal(runs_for(1, 1, &ignored), 1);
    for (uint64_t part = 1; part <= 20; part++)
        assert_int_not_equal(runs_for(1, run_ns + part * run_ns / 20, &ignored), 2);
}

static void wrong_results_are_not_valid(void **state)
{
    (void)state;
    struct fb_trial_request request = make_request("single", "wrong");
    assert_int_equal(run_trial(&request), 0);
    assert_false(trial.valid);
    assert_string_equal(trial.why_invalid.text, "wrong result: item 4");
    assert_int_equal(trial.failed, 0);
    fb_trial_clear(&trial);
}

static void broken_items_are_described(void **state)
{
    (void)state;
    struct fb_trial_request request = make_request("pthread", "broken");
    request.workers = 2;
    assert_int_equal(run_trial(&request), 0);
    assert_false(trial.valid);
    assert_int_equal(trial.failed, 3);
    assert_string_equal(trial.broken[0], "item 1 is broken");
    assert_string_equal(trial.broken[2], "item 9 is broken");
    fb_trial_clear(&trial);
}

static void a_known_digest_needs_no_check(void **state)
{
    (void)state;
    struct fb_trial_request request = make_request("single", "good");
    assert_int_equal(run_trial(&request), 0);
    uint64_t known = trial.digest;
    fb_trial_clear(&trial);
    for (int i = 0; i < 3; i++) {
        request = make_request("single", i == 2 ? "wrong" : "good");
        request.has_known = true;
        request.known = known + (i == 1);
        assert_int_equal(run_trial(&request), 0);
        assert_int_equal(checks, i > 0);
        assert_int_equal(trial.valid, i < 2);
        fb_trial_clear(&trial);
    }
}

static void a_worker_that_exits_is_an_error(void **state)
{
    (void)state;
    struct fb_trial_request request = make_request("forkpool", "exits");
    request.workers = 2;
    assert_int_equal(run_trial(&request), -EOWNERDEAD);
    assert_non_null(strstr(error.text, "exited with code 7"));
}

static void a_refused_pool_is_an_error(void **state)
{
    (void)state;
    struct fb_trial_request request = make_request("single", "good");
    request.workers = 2;
    assert_int_equal(run_trial(&request), -EINVAL);
    assert_true(error.text[0]);
}

/* ---- copies ---- */

static void copies_are_waited_for(void **state)
{
    (void)state;
    for (int round = 0; round < 60; round++) {
        struct fb_trial_request request = make_request("single", "good");
        request.copies = 1 + (unsigned)round % 6;
        request.bind = round % 2;
        assert_int_equal(fb_params_set(&request.params, "spin=20000", NULL), 0);
        if (run_trial(&request) != 0)
            fail_msg("%u copies: %s", request.copies, error.text);
        assert_true(trial.valid);
        assert_int_equal(trial.runs, request.copies);
        for (unsigned i = 0; i < trial.runs; i++)
            assert_true(trial.runs_ns[i] > 0);
        fb_trial_clear(&trial);
    }
}

static void a_copy_that_exits_is_an_error(void **state)
{
    (void)state;
    struct fb_trial_request request = make_request("single", "exits");
    request.copies = 3;
    assert_int_equal(run_trial(&request), -EOWNERDEAD);
    assert_non_null(strstr(error.text, "copy"));
    assert_non_null(strstr(error.text, "7"));
}

/* A harness like `single`, except that the second copy can't open its pool. */
static struct {
    _Atomic uint32_t opened;
    bool fatal;
} * trap;

static int open_or_not(const struct fb_setting *setting, struct fb_pool **ret_pool,
                       struct fb_error *open_error)
{
    if (atomic_fetch_add(&trap->opened, 1) == 1) {
        if (trap->fatal)
            raise(SIGKILL);
        return fb_error_set(open_error, -EMFILE, "no more");
    }
    return harness_named("single")->open(setting, ret_pool, open_error);
}

static _Noreturn void run_trapped_copies(int expected)
{
    struct fb_trial_request request = make_request("single", "good");
    struct fb_harness trapped = *request.harness;
    trapped.open = open_or_not;
    request.harness = &trapped;
    request.copies = 3;
    int result = fb_trial_run(&request, &trial, &error);
    if (result != expected)
        fprintf(stderr, "%d: %s\n", result, error.text);
    _exit(result == expected && strstr(error.text, "copy") ? 0 : 1);
}

/* In a process of its own, which is killed if the other copies hang at the gate. */
static void a_copy_that_can_not_start_does_not_block_the_others(void **state)
{
    (void)state;
    trap = mmap(NULL, sizeof *trap, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(trap != MAP_FAILED);
    for (int fatal = 0; fatal < 2; fatal++) {
        int status;
        atomic_store(&trap->opened, 0);
        trap->fatal = fatal;
        pid_t pid = fork();
        if (pid == 0) {
            alarm(LIMIT_MS / 4000);
            run_trapped_copies(fatal ? -EOWNERDEAD : -EMFILE);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (WIFSIGNALED(status))
            fail_msg("it hangs when a copy %s", fatal ? "is killed" : "can't open its pool");
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    munmap(trap, sizeof *trap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_trial_is_valid),
        cmocka_unit_test(short_jobs_never_run_exactly_twice),
        cmocka_unit_test(wrong_results_are_not_valid),
        cmocka_unit_test(broken_items_are_described),
        cmocka_unit_test(a_known_digest_needs_no_check),
        cmocka_unit_test(a_worker_that_exits_is_an_error),
        cmocka_unit_test(a_refused_pool_is_an_error),
        cmocka_unit_test(copies_are_waited_for),
        cmocka_unit_test(a_copy_that_exits_is_an_error),
        cmocka_unit_test(a_copy_that_can_not_start_does_not_block_the_others),
    };
    return RUN_TESTS(tests);
}
