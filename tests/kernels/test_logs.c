/* kernels/text/logs.c: known and broken lines, and blocks of every size. */
#include "tests/support/support.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct result {
    int32_t status;
    uint32_t broken, level[4], class[5], lines;
    uint64_t bytes, slowest_ms;
};

static int file = -1;

static int begin(void **state)
{
    (void)state;
    return fb_arena_open(&arena);
}

static int end(void **state)
{
    (void)state;
    if (file >= 0)
        close(file);
    file = -1;
    fb_arena_close(arena);
    return 0;
}

/* Opens a task on this log and runs it. */
static struct result *analyse(struct task *task, const char *text, const char *lines)
{
    char assignment[64] = "log=";
    struct fb_error error = { 0 };
    if (file >= 0)
        close(file);
    file = memory_file(text, strlen(text), assignment + 4, sizeof assignment - 4);
    task_open(task, arena, kernel_named("logs"), (const char *const[]){ assignment, lines, NULL });
    task_run_single(task, arena);
    if (task_check(task, &error) < 0)
        fail_msg("%s", error.text);
    return task->job.results;
}

static void known_lines(void **state)
{
    (void)state;
    struct task task;
    const struct result *result =
        analyse(&task,
                "2026-01-31T12:34:56.789 INFO host07 GET /item/1 200 5120 17\n"
                "2026-01-31T12:34:56.790 ERROR host08 POST /item/2 503 0 2500\n"
                "2026-01-31T12:34:56.791 WARN host07 GET /item/3 404 123456789012 1\n"
                "2026-01-31T12:34:56.792 DEBUG host09 GET /item/4 100 1 0\n"
                "2026-01-31T12:34:56.793 ERROR host09 GET /item/5 599 1 999\n",
                "lines=1000");
    const struct result expected = { .level = { 1, 1, 1, 2 },
                                     .class = { 1, 1, 0, 1, 2 },
                                     .lines = 5,
                                     .bytes = 123456789012 + 5122,
                                     .slowest_ms = 2500 };
    assert_int_equal(task.job.items, 1);
    assert_memory_equal(result, &expected, sizeof expected);
    char text[200];
    task.kernel->answer(task.input, result, text, sizeof text);
    assert_string_equal(text, "5 lines, 2 errors, 0 broken, 123456794134 bytes, 2500 ms at most");
    task_close(&task);
}

/* Each line by itself. The check has to agree. */
static void broken_lines(void **state)
{
    (void)state;
    static const char *const broken[] = {
        "\n",
        "t",
        "t INFO h GET /a 200 10",
        "t INFO h GET /a 200 10 3 4",
        "t INFO h GET /a 200 10 3 ",
        " t INFO h GET /a 200 10 3",
        "t INFO h  GET /a 200 10 3",
        "t INFO h GET /a b 200 10 3",
        "t info h GET /a 200 10 3",
        "t INFOS h GET /a 200 10 3",
        "t INF h GET /a 200 10 3",
        "INFO t h GET /a 200 10 3",
        "t INFO h GET /a 99 10 3",
        "t INFO h GET /a 600 10 3",
        "t INFO h GET /a x 10 3",
        "t INFO h GET /a 200 -1 3",
        "t INFO h GET /a 200 +1 3",
        "t INFO h GET /a 200 1.5 3",
        "t INFO h GET /a 200 1234567890123 3",
        "t INFO h GET /a 200 10 3\r",
        "t INFO h GET /a 200\t10 3",
    };
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        struct task task;
        const struct result *result = analyse(&task, broken[i], "lines=10");
        const struct result expected = { .broken = 1, .lines = 1 };
        if (memcmp(result, &expected, sizeof expected) != 0)
            fail_msg("not broken: \"%s\"", broken[i]);
        task_close(&task);
    }
}

/* With and without a newline at the end. */
static void blocks_of_every_size(void **state)
{
    (void)state;
    char text[2000] = "", assignment[32];
    for (int i = 0; i < 23; i++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "t WARN h GET /%d 200 1 %d\n", i, i);
    }
    for (int last = 0; last < 2; last++, text[strlen(text) - 1] = '\0')
        for (unsigned lines = 1; lines <= 25; lines++) {
            struct task task;
            snprintf(assignment, sizeof assignment, "lines=%u", lines);
            const struct result *result = analyse(&task, text, assignment);
            assert_int_equal(task.job.items, (23 + lines - 1) / lines);
            for (size_t i = 0; i < task.job.items; i++) {
                uint64_t before = i * lines, here = 23 - before < lines ? 23 - before : lines;
                assert_int_equal(result[i].lines, here);
                assert_int_equal(result[i].level[2], here);
                assert_int_equal(result[i].bytes, here);
                assert_int_equal(result[i].slowest_ms, before + here - 1);
            }
            task_close(&task);
        }
}

static void the_sample_has_all_kinds(void **state)
{
    (void)state;
    struct task task;
    struct fb_error error = { 0 };
    struct result sum = { 0 };
    task_open(&task, arena, kernel_named("logs"), (const char *const[]){ NULL });
    task_run_single(&task, arena);
    assert_int_equal(task_check(&task, &error), 0);
    const struct result *result = task.job.results;
    for (size_t i = 0; i < task.job.items; i++) {
        sum.lines += result[i].lines;
        sum.broken += result[i].broken;
        for (int k = 0; k < 4; k++)
            sum.level[k] += result[i].level[k];
        for (int k = 0; k < 5; k++)
            sum.class[k] += result[i].class[k];
    }
    assert_int_equal(sum.lines, 200000);
    assert_in_range(sum.broken, 10, 100);
    for (int k = 0; k < 4; k++)
        assert_in_range(sum.level[k], 40000, 60000);
    for (int k = 1; k < 5; k++) /* there is no 1xx */
        assert_in_range(sum.class[k], 15000, 120000);
    task_close(&task);
}

static void tampered_results_are_noticed(void **state)
{
    (void)state;
    struct task task;
    struct fb_error error = { 0 };
    struct result *result = analyse(&task, "t INFO h GET /a 200 10 3\nx\n", "lines=1");
    uint64_t digest = task_digest(&task);
    uint32_t *fields[] = { &result[0].broken, &result[0].level[3], &result[0].class[4],
                           &result[0].lines };
    for (size_t i = 0; i < 4; i++) {
        ++*fields[i];
        assert_int_equal(task_check(&task, &error), -EBADMSG);
        assert_non_null(strstr(error.text, "block 0 has 1 lines"));
        assert_true(task_digest(&task) != digest);
        --*fields[i];
    }
    result[1].bytes++;
    assert_int_equal(task_check(&task, &error), -EBADMSG);
    assert_true(task_digest(&task) != digest);
    task_close(&task);
}

static bool stop_now(struct fb_yield *yield)
{
    (void)yield;
    return true;
}

static void it_stops_when_the_job_is_given_up(void **state)
{
    (void)state;
    _Atomic uint32_t request = 1;
    struct fb_yield yield = { .request = &request, .safepoint = stop_now };
    struct task task;
    task_open(&task, arena, kernel_named("logs"), (const char *const[]){ NULL });
    task_forget(&task);
    task.kernel->run(task.input, NULL, 0, task.job.items, task.job.results, &yield);
    assert_int_equal(((const struct result *)task.job.results)->lines, 0);
    task_close(&task);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(known_lines),
        TEST(broken_lines),
        TEST(blocks_of_every_size),
        TEST(the_sample_has_all_kinds),
        TEST(tampered_results_are_noticed),
        TEST(it_stops_when_the_job_is_given_up),
    };
    return RUN_TESTS(tests);
}
