/* The Python peers give the results of `single`, and report why if they can't. */
#include "tests/support/support.h"

#include "tests/support/folder.h"
#include "tests/support/programs/program.h"
#include "tests/support/programs/python.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const harnesses[] = { "cpython-single", "cpython-thread", "cpython-process" };

static const struct {
    const char *kernel;
    const char *const assignment[4];
} all_jobs[] = {
    { "divisors", { "first=1", "count=0" } },
    { "divisors", { "first=1", "count=1" } },
    { "divisors", { "first=1", "count=60" } },
    { "divisors", { "first=9973", "count=9" } },
    { "divisors", { "first=100000", "count=3" } },
    { "primes", { "lo=0", "hi=3000", "ranges=8" } },
    { "primes", { "lo=1", "hi=3000", "ranges=7" } },
    { "primes", { "lo=2", "hi=3", "ranges=1" } },
    { "primes", { "lo=0", "hi=0", "ranges=1" } },
    { "primes", { "lo=7", "hi=7", "ranges=5" } },
    { "primes", { "lo=3", "hi=20", "ranges=64" } }, /* more ranges than numbers */
    { "primes", { "lo=97", "hi=101", "ranges=3" } },
    { "primes", { "lo=4294967290", "hi=4294967300", "ranges=2" } },
    { "fib", { "first=0", "count=20" } },
    { "fib", { "first=17", "count=1" } },
    { "fib", { "first=93", "count=0" } },
    { "sleep", { "count=20", "wait_us=100" } },
    { "sleep", { "count=3", "wait_us=0" } },
    { "primes", { "lo=4611686018427387904", "hi=4611686018427387904", "ranges=3" } },
};

static const size_t chunks[] = { 0, 1, 7, 1000000 };

/* ---- the same answers ---- */

static void run_job(const struct fb_harness *harness, struct fb_pool *pool, struct task *task,
                    uint64_t digest)
{
    struct fb_error error = { 0 };
    struct fb_report report = { .workers = 77 };
    for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
        task->job.chunk = chunks[i];
        memset(task->job.results, 0xaa, task->job.items * task->kernel->result_size);
        int result = harness->run(pool, &task->job, i % 2 ? NULL : &report, &error);
        if (result == 0)
            result = task_check(task, &error);
        if (result == 0 && task_digest(task) != digest)
            result = fb_error_set(&error, -1, "another digest than under single");
        if (result == 0 && fb_results_failed(task->kernel, task->job.results, task->job.items))
            result = fb_error_set(&error, -1, "items failed");
        if (result != 0)
            fail_msg("%s under %s, chunk %zu: %s", task->kernel->name, harness->name, chunks[i],
                     error.text);
        assert_int_equal(report.workers, 0); /* it has no reports */
    }
}

/* The pool is opened before or after the inputs exist, because it gets only their parameters. */
static void run_all_jobs(const char *name, unsigned workers)
{
    const struct fb_harness *harness = harness_named(name);
    struct fb_arena *arena;
    char variant[PATH_MAX], text[128] = "";
    struct fb_error error = { 0 };
    struct fb_pool *pool;
    assert_int_equal(fb_arena_open(&arena), 0);
    assert_int_equal(harness->find(NULL, variant, sizeof variant, &error), 0);
    struct fb_setting setting = { .arena = arena, .workers = workers, .variant = variant };
    if (harness->open(&setting, &pool, &error) != 0)
        fail_msg("%s: %s", name, error.text);
    for (size_t i = 0; i < sizeof all_jobs / sizeof *all_jobs; i++) {
        struct task task;
        task_open(&task, arena, kernel_named(all_jobs[i].kernel), all_jobs[i].assignment);
        task_run_single(&task, arena);
        run_job(harness, pool, &task, task_digest(&task));
        task_close(&task);
    }
    harness->describe(pool, text, sizeof text);
    assert_true(strncmp(text, "CPython 3.", 10) == 0 || strncmp(text, "pypy", 4) == 0);
    assert_non_null(strstr(text, "GIL o"));
    harness->close(pool);
    fb_arena_close(arena);
}

static void every_peer_gives_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof harnesses / sizeof *harnesses; i++)
        for (unsigned workers = 1; workers <= (i ? 5 : 1); workers += 2)
            run_all_jobs(harnesses[i], workers);
}

static void a_pool_that_does_nothing_closes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof harnesses / sizeof *harnesses; i++) {
        const struct fb_harness *harness = harness_named(harnesses[i]);
        char variant[PATH_MAX];
        struct fb_pool *pool;
        assert_int_equal(harness->find(NULL, variant, sizeof variant, NULL), 0);
        struct fb_setting setting = { .workers = i ? 4 : 1, .variant = variant };
        assert_int_equal(harness->open(&setting, &pool, NULL), 0);
        harness->close(pool);
        harness->close(NULL);
    }
}

/* ---- the command line ---- */

static void take_digest(const struct said *said, char ret_digest[17])
{
    const char *at = strstr(said->out, "digest ");
    if (said->code != 0 || !at)
        fail_msg("exit code %d: %s%s", said->code, said->out, said->err);
    snprintf(ret_digest, 17, "%.16s", at + 7);
}

static void the_command_line_gives_the_same(void **state)
{
    (void)state;
    static const char odd[] = "A\xc3\x84 a\xc3\xa4\v\xff\fa A\r\n\fone,One\f\f";
    char texts[64] = "texts=";
    int fd = memory_file(odd, sizeof odd - 1, texts + 6, sizeof texts - 6);
    static const char lines[] =
        "t INFO h GET /a 200 10 3\nt INFO  GET /a 200 10 3\n\nt WARN h GET /a 99 1 1\n"
        "t WARN h GET /a 599 0123456789012 1\nt WARN h GET /a 599 1_0 1\n"
        "t warn h GET /a 600 +1 1\nt ERROR h GET \xff\v 100 999999999999 007\r\n"
        " t INFO h GET /a 200 1 3\nt ERROR h GET /a 100 9 007";
    char log[64] = "log=";
    int log_fd = memory_file(lines, sizeof lines - 1, log + 4, sizeof log - 4);
    const char *const jobs[][2] = { { "divisors", "first=5000" },
                                    { "primes", "hi=20000" },
                                    { "text", "texts=" },
                                    { "text", texts },
                                    { "logs", log } };
    for (size_t job = 0; job < sizeof jobs / sizeof *jobs; job++) {
        const char *name = jobs[job][0], *param = jobs[job][1];
        char digest[17], other[17];
        struct said said = RUN("exec", "-k", name, "-H", "single", "-p", param);
        take_digest(&said, digest);
        said_clear(&said);
        for (size_t i = 0; i < sizeof harnesses / sizeof *harnesses; i++) {
            said = RUN("exec", "-k", name, "-H", harnesses[i], "-w", "3", "-p", param, "-r", "2",
                       "--json");
            assert_int_equal(said.code, 0);
            assert_non_null(strstr(said.out, digest));
            assert_non_null(strstr(said.out, "\"description\": \""));
            assert_string_equal(said.err, "");
            said_clear(&said);
            said = RUN("exec", "-k", name, "-H", harnesses[i], "-p", param);
            take_digest(&said, other);
            assert_string_equal(other, digest);
            said_clear(&said);
        }
    }
    close(fd);
    close(log_fd);
}

/* CPython removes its files from the temporary folder when it ends. */
static void nothing_is_left_in_temporary_folders(void **state)
{
    (void)state;
    char folder[FOLDER_NAME];
    const char *before = getenv("TMPDIR");
    char *kept = before ? strdup(before) : NULL;
    folder_make(folder);
    assert_int_equal(setenv("TMPDIR", folder, 1), 0);
    for (size_t i = 0; i < sizeof harnesses / sizeof *harnesses; i++) {
        struct said said =
            RUN("exec", "-k", "primes", "-H", harnesses[i], "-w", "2", "-p", "hi=100");
        assert_int_equal(said.code, 0);
        said_clear(&said);
    }
    assert_int_equal(folder_count(folder), 0);
    if (kept)
        setenv("TMPDIR", kept, 1);
    else
        unsetenv("TMPDIR");
    free(kept);
    folder_remove(folder);
}

/* ---- refusals ---- */

/* Checks that it exits with that code and prints one line that contains `part`. */
static void expect_refusal(struct said said, int code, const char *part)
{
    if (said.code != code || count_lines(said.err) != 1 ||
        strncmp(said.err, "forkbench: ", 11) != 0 || !strstr(said.err, part))
        fail_msg("exit code %d, not %d with \"%s\": %s", said.code, code, part, said.err);
    assert_string_equal(said.out, "");
    said_clear(&said);
}

static void a_kernel_without_a_python_version_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof harnesses / sizeof *harnesses; i++)
        expect_refusal(RUN("exec", "-k", "null", "-H", harnesses[i]), 2, "null");
}

static void an_interpreter_that_does_not_exist(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof harnesses / sizeof *harnesses; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s=/no/such/python3", harnesses[i]);
        expect_refusal(RUN("exec", "-k", "primes", "-H", name), 3, "/no/such/python3");
        snprintf(name, sizeof name, "%s=no-such-python3", harnesses[i]);
        expect_refusal(RUN("exec", "-k", "primes", "-H", name), 3, "no-such-python3");
        snprintf(name, sizeof name, "%s=", harnesses[i]);
        expect_refusal(RUN("exec", "-k", "primes", "-H", name), 2, name);
    }
}

/* It exists, but the system can't run it: one line, with the exit code for an impossible
 * request. */
static void an_interpreter_that_cannot_be_run(void **state)
{
    (void)state;
    char folder[FOLDER_NAME], path[FOLDER_NAME + 16], name[FOLDER_NAME + 64];
    folder_make(folder);
    file_write(folder, "python3", "neither a script nor a program\n");
    snprintf(path, sizeof path, "%s/python3", folder);
    snprintf(name, sizeof name, "cpython-single=%s", path);
    expect_refusal(RUN("exec", "-k", "primes", "-H", name), 3, path);
    assert_int_equal(chmod(path, 0755), 0);
    struct said garbage = RUN("exec", "-k", "primes", "-H", name);
    snprintf(name, sizeof name, "cpython-single=%s", folder);
    struct said a_folder = RUN("exec", "-k", "primes", "-H", name);
    folder_remove(folder);
    expect_refusal(garbage, 3, path);
    expect_refusal(a_folder, 3, folder);
}

/* Programs that are not Python: none may hang or succeed. */
static void an_interpreter_that_is_something_else(void **state)
{
    (void)state;
    static const char *const programs[] = { "true", "false", "cat", "echo", "yes", "sleep" };
    for (size_t i = 0; i < sizeof harnesses / sizeof *harnesses; i++)
        for (size_t k = 0; k < sizeof programs / sizeof *programs; k++) {
            char name[64];
            snprintf(name, sizeof name, "%s=%s", harnesses[i], programs[k]);
            struct said said = RUN("exec", "-k", "primes", "-H", name);
            if (said.code == 0 || said.code > 3)
                fail_msg("%s: exit code %d", name, said.code);
            /* It may print something itself. */
            assert_int_equal(count_lines(strstr(said.err, "forkbench: ")), 1);
            assert_string_equal(said.out, "");
            said_clear(&said);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_peer_gives_the_same),
        cmocka_unit_test(a_pool_that_does_nothing_closes),
        cmocka_unit_test(the_command_line_gives_the_same),
        cmocka_unit_test(nothing_is_left_in_temporary_folders),
        cmocka_unit_test(a_kernel_without_a_python_version_is_refused),
        cmocka_unit_test(an_interpreter_that_does_not_exist),
        cmocka_unit_test(an_interpreter_that_cannot_be_run),
        cmocka_unit_test(an_interpreter_that_is_something_else),
    };
    if (!python_any()) {
        puts("no python3");
        return EXIT_SKIP;
    }
    return RUN_TESTS(tests);
}
