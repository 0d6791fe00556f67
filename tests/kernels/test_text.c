/* kernels/text/text.c: words, distinct words and letters of known texts, and files that are refused. */
#include "tests/support/support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct result {
    int32_t status;
    uint32_t reserved;
    uint64_t words, unique, letters;
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

/* Opens a task on these texts and runs it. */
static struct result *analyse(struct task *task, const char *bytes, size_t size)
{
    char assignment[64] = "texts=";
    struct fb_error error = { 0 };
    if (file >= 0)
        close(file);
    file = memory_file(bytes, size, assignment + 6, sizeof assignment - 6);
    task_open(task, arena, kernel_named("text"), (const char *const[]){ assignment, NULL });
    task_run_single(task, arena);
    if (task_check(task, &error) < 0)
        fail_msg("%s", error.text);
    return task->job.results;
}

static void check_result(const struct result *result, uint64_t words, uint64_t unique,
                         uint64_t letters)
{
    assert_int_equal(result->status, 0);
    assert_int_equal(result->words, words);
    assert_int_equal(result->unique, unique);
    assert_int_equal(result->letters, letters);
}

static void known_texts(void **state)
{
    (void)state;
    static const char bytes[] =
        "The cat the CAT\tsat\f\f  one \r\n\f\v\f\xc3\x84h \xc3\xa4h \xff\f,. ,. a,.\fend";
    struct task task;
    const struct result *result = analyse(&task, bytes, sizeof bytes - 1);
    assert_int_equal(task.job.items, 7);
    check_result(&result[0], 5, 3, 15);
    check_result(&result[1], 0, 0, 0);
    check_result(&result[2], 1, 1, 3);
    check_result(&result[3], 0, 0, 0);
    check_result(&result[4], 3, 3, 7); /* only A to Z are converted to lower case */
    check_result(&result[5], 3, 2, 7);
    check_result(&result[6], 1, 1, 3);
    task_close(&task);
    result = analyse(&task, "\f", 1);
    assert_int_equal(task.job.items, 2);
    check_result(&result[0], 0, 0, 0);
    check_result(&result[1], 0, 0, 0);
    task_close(&task);
}

/* More words than the initial size of the table, each twice. */
static void many_distinct_words(void **state)
{
    (void)state;
    enum { WORDS = 30000 };
    size_t size = 0, letters = 0;
    char *bytes = malloc(2 * WORDS * 8);
    for (int i = 0; i < 2 * WORDS; i++) {
        int length = sprintf(bytes + size, i % 2 ? "w%d " : "W%d ", i % WORDS);
        size += (size_t)length;
        letters += (size_t)length - 1;
    }
    struct task task;
    const struct result *result = analyse(&task, bytes, size);
    check_result(result, 2 * WORDS, WORDS, letters);
    task_close(&task);
    free(bytes);
}

static void the_sample_is_64_texts(void **state)
{
    (void)state;
    struct task task;
    char text[200];
    struct fb_error error = { 0 };
    task_open(&task, arena, kernel_named("text"), (const char *const[]){ NULL });
    assert_int_equal(task.job.items, 64);
    task_run_single(&task, arena);
    assert_int_equal(task_check(&task, &error), 0);
    task.kernel->answer(task.input, task.job.results, text, sizeof text);
    assert_int_equal(strncmp(text, "64 texts, 768000 words of ", 26), 0);
    const struct result *result = task.job.results;
    for (size_t i = 0; i < task.job.items; i++)
        assert_in_range(result[i].unique, 1000, result[i].words - 1000);
    task_close(&task);
}

static void tampered_results_are_noticed(void **state)
{
    (void)state;
    struct task task;
    struct fb_error error = { 0 };
    struct result *result = analyse(&task, "one two\fthree", 13);
    uint64_t *fields[] = { &result[1].words, &result[1].unique, &result[1].letters };
    uint64_t digest = task_digest(&task);
    for (int i = 0; i < 3; i++) {
        ++*fields[i];
        assert_int_equal(task_check(&task, &error), -EBADMSG);
        assert_non_null(strstr(error.text, "text 1 has 1 words"));
        assert_true(task_digest(&task) != digest);
        --*fields[i];
    }
    assert_true(task_digest(&task) == digest);
    task_close(&task);
}

static void other_files_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *assignment, *words;
        int code;
    } refused[] = {
        { "texts=/nowhere/at/all", "/nowhere/at/all", -ENOENT },
        { "texts=/proc", "not a file", -EINVAL },
        { "texts=/dev/null", "not a file", -EINVAL },
    };
    const struct fb_kernel *text = kernel_named("text");
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct fb_params params;
        struct fb_input *input;
        struct fb_error error = { 0 };
        assert_int_equal(fb_params_init(&params, text), 0);
        assert_int_equal(fb_params_set(&params, refused[i].assignment, NULL), 0);
        assert_int_equal(text->setup(&params, arena, &input, &error), refused[i].code);
        if (!strstr(error.text, refused[i].words))
            fail_msg("no \"%s\": %s", refused[i].words, error.text);
        fb_params_clear(&params);
    }
}

static bool stop_now(struct fb_yield *yield)
{
    (void)yield;
    return true;
}

/* In the middle of a text, whose slot stays empty. */
static void it_stops_when_the_job_is_given_up(void **state)
{
    (void)state;
    _Atomic uint32_t request = 1;
    struct fb_yield yield = { .request = &request, .safepoint = stop_now };
    struct task task;
    void *scratch;
    task_open(&task, arena, kernel_named("text"), (const char *const[]){ NULL });
    task_forget(&task);
    assert_int_equal(task.kernel->worker_begin(task.input, &scratch), 0);
    task.kernel->run(task.input, scratch, 0, 64, task.job.results, &yield);
    task.kernel->worker_end(scratch);
    check_result(task.job.results, 0, 0, 0);
    task_close(&task);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(known_texts),
        TEST(many_distinct_words),
        TEST(the_sample_is_64_texts),
        TEST(tampered_results_are_noticed),
        TEST(other_files_are_refused),
        TEST(it_stops_when_the_job_is_given_up),
    };
    return RUN_TESTS(tests);
}
