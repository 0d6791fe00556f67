/* Each interpreter found on this machine runs each Python version of a kernel with the results of
 * `single`. */
#include "tests/support/support.h"

#include "harness/cpython/interpreters.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char texts[64] = "texts=", logs[64] = "log=";

/* Without download, which needs a server, and resize, which needs Pillow. */
static const struct {
    const char *kernel;
    const char *const assignment[5];
} jobs[] = {
    { "primes", { "lo=1", "hi=300", "ranges=3" } },
    { "divisors", { "first=1000", "count=7" } },
    { "fib", { "first=0", "count=12" } },
    { "text", { texts } },
    { "logs", { logs } },
    { "sleep", { "count=5", "wait_us=100" } },
    { "mixed", { "count=4", "wait_us=100", "numbers=50" } },
};
#define JOBS (sizeof jobs / sizeof *jobs)

static void run_every_kernel(const struct fb_interpreter *interpreter)
{
    const struct fb_harness *harness = harness_named("cpython-thread");
    struct fb_error error = { 0 };
    struct fb_arena *arena;
    struct fb_pool *pool;
    assert_int_equal(fb_arena_open(&arena), 0);
    struct fb_setting setting = { .arena = arena, .workers = 2, .variant = interpreter->path };
    if (harness->open(&setting, &pool, &error) != 0)
        fail_msg("%s: %s", interpreter->path, error.text);
    for (size_t i = 0; i < JOBS; i++) {
        struct task task;
        task_open(&task, arena, kernel_named(jobs[i].kernel), jobs[i].assignment);
        task_run_single(&task, arena);
        uint64_t digest = task_digest(&task);
        task_forget(&task);
        if (harness->run(pool, &task.job, NULL, &error) != 0)
            fail_msg("%s under %s: %s", jobs[i].kernel, interpreter->path, error.text);
        if (task_digest(&task) != digest)
            fail_msg("%s under %s: another digest", jobs[i].kernel, interpreter->path);
        task_close(&task);
    }
    harness->close(pool);
    fb_arena_close(arena);
}

static void every_interpreter_runs_every_kernel(void **state)
{
    (void)state;
    const struct fb_interpreter *list;
    size_t count;
    assert_int_equal(fb_interpreters_list(&list, &count), 0);
    for (size_t i = 0; i < count; i++)
        run_every_kernel(&list[i]);
}

/* Its name matches the version that it reports when it runs. */
static void every_interpreter_has_the_version_in_its_name(void **state)
{
    (void)state;
    const struct fb_harness *harness = harness_named("cpython-single");
    const struct fb_interpreter *list;
    size_t count;
    assert_int_equal(fb_interpreters_list(&list, &count), 0);
    for (size_t i = 0; i < count; i++) {
        struct fb_setting setting = { .workers = 1, .variant = list[i].path };
        struct fb_pool *pool;
        char text[96], wanted[96];
        if (list[i].name[0] == '/')
            continue;
        assert_int_equal(harness->open(&setting, &pool, NULL), 0);
        harness->describe(pool, text, sizeof text);
        harness->close(pool);
        snprintf(wanted, sizeof wanted, "CPython %.*s", (int)strcspn(list[i].name, "t-"),
                 list[i].name);
        assert_memory_equal(text, wanted, strlen(wanted));
        assert_non_null(strstr(text, strstr(list[i].name, "-gil") ? "GIL on" : "GIL off"));
    }
}

int main(void)
{
    static const char words[] = "A\xc3\x84 a\xc3\xa4\v\xff\fa A\r\n\fone,One\f\f";
    static const char lines[] = "t INFO h GET /a 200 10 3\nt WARN h GET /a 599 1_0 1\n"
                                "t ERROR h GET \xff\v 100 999999999999 007\r\n"
                                "t ERROR h GET /a 100 9 007";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_interpreter_runs_every_kernel),
        cmocka_unit_test(every_interpreter_has_the_version_in_its_name),
    };
    const struct fb_interpreter *list;
    size_t count;
    if (fb_interpreters_list(&list, &count) == 0 && count == 0) {
        puts("no CPython");
        return EXIT_SKIP;
    }
    int words_fd = memory_file(words, sizeof words - 1, texts + 6, sizeof texts - 6);
    int lines_fd = memory_file(lines, sizeof lines - 1, logs + 4, sizeof logs - 4);
    int result = RUN_TESTS(tests);
    close(words_fd);
    close(lines_fd);
    return result;
}
