/* `forkbench run --resume`: continues a run that was stopped, or reports why it can't. */
#include "tests/support/support.h"

#include "tests/support/folder.h"
#include "tests/support/programs/program.h"

#include <fcntl.h>
#include <jansson.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define JOURNAL "journal.jsonl"
#define FILES 7 /* of a complete run */
/* In the second block, where the warm-up has set the number of jobs a trial. A run has ten trials
 * at least: two blocks of null and primes under two harnesses, and one second label. */
#define STOP_AT 7

/* ---- runs that are stopped ---- */

#define SHORT_RUN "run", "-k", "null,primes", "-p", "hi=1000", "-H", "single,pthread", "-w", "2"
#define START(...) start((const char *const[]){ "forkbench", __VA_ARGS__, NULL })

static pid_t start(const char *const *words)
{
    const char *program = getenv("FORKBENCH");
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        int nothing = open("/dev/null", O_RDWR);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(nothing, STDOUT_FILENO);
        dup2(nothing, STDERR_FILENO);
        if (program && getppid() == parent)
            execv(program, (char *const *)words);
        _exit(126);
    }
    assert_true(pid > 0);
    return pid;
}

static size_t journal_lines(void)
{
    char *text = file_exists("out", JOURNAL) ? file_read("out", JOURNAL) : NULL;
    size_t lines = 0;
    for (const char *at = text; at && (at = strchr(at, '\n')); at++)
        lines++;
    free(text);
    return lines;
}

/* Sends the signal when the journal has its head and that many trials, and waits for the end. */
static void stop_run(pid_t run, size_t trials, int signal)
{
    int status = -1;
    uint64_t limit = clock_ms() + LIMIT_MS;
    bool ended = false;
    while (!ended && journal_lines() <= trials && clock_ms() < limit)
        ended = waitpid(run, &status, WNOHANG) != 0;
    if (!ended && kill(run, signal) == 0)
        waitpid(run, &status, 0);
    while (waitpid(-1, NULL, 0) > 0) /* this process is the subreaper */
        ;
    if (ended || clock_ms() >= limit || !file_exists("out", JOURNAL))
        fail_msg("not stopped: status %x", (unsigned)status);
    if (signal == SIGINT)
        assert_int_equal(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 130);
}

static void make_stopped_run(int signal)
{
    stop_run(START(SHORT_RUN, "-B", "2", "-S", "5", "-o", "out"), STOP_AT, signal);
}

static void check_said(struct said said, int code, const char *says)
{
    if (said.code != code || count_lines(said.err) != (code != 0) || !strstr(said.err, says))
        fail_msg("exit %d, '%s', not %d with '%s'", said.code, said.err, code, says);
    said_clear(&said);
}

static json_t *read_run(const char *where, bool complete)
{
    char *text = file_read(where, "run.json");
    json_t *root = json_loads(text, 0, NULL);
    free(text);
    assert_non_null(root);
    assert_int_equal(json_is_true(json_object_get(root, "complete")), complete);
    assert_int_equal(file_exists(where, JOURNAL), !complete);
    assert_int_equal(folder_count(where), FILES + !complete);
    return root;
}

/* ---- results ---- */

static json_int_t number_of(const json_t *entry, const char *name)
{
    const json_t *value = json_object_get(entry, name);
    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

/* Checks that both are the same trial, and if whole, the same measurement. */
static void check_same(const json_t *left, const json_t *right, bool whole)
{
    static const char *const names[] = { "block", "position", "cell", "took_ns" };
    for (size_t i = 0; i < (whole ? 4 : 3); i++)
        assert_int_equal(number_of(left, names[i]), number_of(right, names[i]));
    if (whole)
        assert_true(json_equal(json_object_get(left, "exec"), json_object_get(right, "exec")));
}

/* Checks that each trial is there once, in order. */
static void check_order(const json_t *samples)
{
    for (size_t i = 0; i < json_array_size(samples); i++) {
        const json_t *now = json_array_get(samples, i), *next = json_array_get(samples, i + 1);
        json_int_t block = number_of(now, "block"), position = number_of(now, "position");
        assert_true(i > 0 || (block == 0 && position == 0));
        if (next && number_of(next, "position") == 0)
            assert_int_equal(number_of(next, "block"), block + 1);
        else if (next)
            assert_true(number_of(next, "block") == block &&
                        number_of(next, "position") == position + 1);
    }
}

/* The trials in the journal, without an incomplete line: an array. */
static json_t *read_journal(void)
{
    char *text = file_read("out", JOURNAL), *line = text;
    json_t *entries = json_array();
    for (char *stop; (stop = strchr(line, '\n')); line = stop + 1)
        json_array_append_new(entries, json_loadb(line, (size_t)(stop - line), 0, NULL));
    free(text);
    assert_true(json_array_size(entries) > 1);
    json_array_remove(entries, 0);
    return entries;
}

/* Resumes the run and checks that the trials of the journal are in the result unchanged. */
static void check_resumed(void)
{
    json_t *before = read_journal();
    check_said(RUN("run", "--resume", "out"), 0, "");
    json_t *root = read_run("out", true), *samples = json_object_get(root, "samples");
    check_order(samples);
    assert_true(json_array_size(samples) > json_array_size(before));
    for (size_t i = 0; i < json_array_size(before); i++)
        check_same(json_array_get(before, i), json_array_get(samples, i), true);
    json_decref(before);
    json_decref(root);
}

/* ---- resuming ---- */

static void a_resumed_run_measures_the_same_trials_in_the_same_order(void **state)
{
    (void)state;
    make_stopped_run(SIGKILL);
    assert_int_equal(folder_count("out"), 1); /* only the journal */
    check_resumed();
    check_said(RUN(SHORT_RUN, "-B", "2", "-S", "5", "-o", "whole"), 0, "");
    json_t *resumed = read_run("out", true), *whole = read_run("whole", true);
    const json_t *left = json_object_get(resumed, "samples");
    const json_t *right = json_object_get(whole, "samples");
    size_t both = json_array_size(left) < json_array_size(right) ? json_array_size(left)
                                                                 : json_array_size(right);
    assert_true(both > STOP_AT);
    for (size_t i = 0; i < both; i++)
        check_same(json_array_get(left, i), json_array_get(right, i), false);
    assert_true(json_equal(json_object_get(json_object_get(resumed, "plan"), "cells"),
                           json_object_get(json_object_get(whole, "plan"), "cells")));
    json_decref(resumed);
    json_decref(whole);
}

/* Once in the warm-up, once in the next block. */
static void a_run_can_be_killed_twice(void **state)
{
    (void)state;
    stop_run(START(SHORT_RUN, "-B", "2", "-o", "out"), 2, SIGKILL);
    stop_run(START("run", "--resume", "out"), STOP_AT, SIGKILL);
    check_resumed();
}

static void an_incomplete_last_line_is_dropped(void **state)
{
    (void)state;
    make_stopped_run(SIGKILL);
    char *text = file_read("out", JOURNAL);
    text[strlen(text) - 10] = '\0';
    file_write("out", JOURNAL, text);
    free(text);
    check_resumed();
}

static void an_interrupted_run_can_be_resumed(void **state)
{
    (void)state;
    make_stopped_run(SIGINT);
    json_t *root = read_run("out", false);
    json_t *utc = json_incref(json_object_get(root, "started_utc"));
    json_t *samples = json_incref(json_object_get(root, "samples")), *entries = read_journal();
    assert_int_equal(json_array_size(samples), json_array_size(entries));
    json_decref(root);
    json_decref(entries);
    check_resumed();
    root = read_run("out", true);
    assert_true(json_equal(utc, json_object_get(root, "started_utc")));
    for (size_t i = 0; i < json_array_size(samples); i++)
        assert_true(json_equal(json_array_get(samples, i),
                               json_array_get(json_object_get(root, "samples"), i)));
    json_decref(root);
    json_decref(samples);
    json_decref(utc);
}

static void failed_cells_are_not_tried_again(void **state)
{
    (void)state;
    stop_run(START("run", "-k", "null,primes", "-p", "hi=1000", "-H",
                   "single,pthread,cpython-single=/bin/false", "-w", "2", "-B", "2", "-o", "out"),
             10, SIGKILL);
    json_t *entries = read_journal();
    size_t failed = 0;
    for (size_t i = 0; i < json_array_size(entries); i++)
        failed += json_object_get(json_array_get(entries, i), "failed") != NULL;
    json_decref(entries);
    assert_true(failed > 0);
    check_said(RUN("run", "--resume", "out"), 1, "cpython-single=/bin/false");
    json_t *root = read_run("out", true);
    const json_t *summary = json_object_get(root, "summary");
    size_t valid = 0;
    for (size_t i = 0; i < json_array_size(summary); i++)
        valid += json_is_true(json_object_get(json_array_get(summary, i), "valid"));
    assert_int_equal(valid,
                     json_array_size(summary) - 2); /* all but this cell and its second label */
    json_decref(root);
}

/* ---- refusals ---- */

static void other_options_are_refused(void **state)
{
    (void)state;
    static const char *const others[][3] = {
        { "-k", "null", "--kernel" },   { "-H", "single", "--harness" },
        { "-w", "2", "--workers" },     { "-p", "hi=9", "--param" },
        { "-A", "other", "--against" }, { "-b", "core", "--bind" },
        { "-e", "2", "--precision" },   { "-B", "2", "--budget" },
        { "-S", "1", "--seed" },        { "-P", "2", "--cpython-budget" },
        { "-o", "out", "--output" },
    };
    assert_int_equal(mkdir("out", 0777), 0);
    file_write("out", JOURNAL, "mine\n");
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        const char *option = others[i][0], *value = others[i][1];
        check_said(RUN("run", option, value, "--resume", "out"), 2, others[i][2]);
        check_said(RUN("run", "--resume", "out", option, value), 2, others[i][2]);
    }
    assert_int_equal(folder_count("out"), 1);
    assert_int_equal(journal_lines(), 1);
}

static void a_folder_without_a_journal_is_refused(void **state)
{
    (void)state;
    assert_int_equal(mkdir("out", 0777), 0);
    check_said(RUN("run", "--resume", "out"), 2, "out");
    check_said(RUN("run", "--resume", "nothing"), 2, "nothing");
    check_said(RUN("run", "--resume", ""), 2, "");
    file_write("out", "run.json", "mine"); /* as in a complete run */
    check_said(RUN("run", "--resume", "out"), 2, "out");
    check_said(RUN("run", "--resume", "out/run.json"), 2, "out/run.json");
    assert_int_equal(folder_count("out"), 1);
}

/* Checks that resuming fails with this code and changes nothing. */
static void check_refused(const char *text, int code, const char *says)
{
    file_write("out", JOURNAL, text);
    check_said(RUN("run", "--resume", "out"), code, says);
    char *after = file_read("out", JOURNAL);
    assert_string_equal(after, text);
    free(after);
    assert_int_equal(folder_count("out"), 1);
}

/* A copy of text with `size` bytes at `at` replaced by `by`; owned. */
static char *replace(const char *text, const char *at, size_t size, const char *by)
{
    char *copy = NULL;
    assert_true(asprintf(&copy, "%.*s%s%s", (int)(at - text), text, by, at + size) > 0);
    return copy;
}

static void another_build_or_machine_is_refused(void **state)
{
    (void)state;
    make_stopped_run(SIGKILL);
    char *text = file_read("out", JOURNAL);
    static const struct {
        const char *key, *by, *says;
    } cases[] = {
        { "\"commit\":\"", "\"commit\":\"0-", "commit" },
        { "\"cpus_effective\":", "\"cpus_effective\":1", "cpus_effective" },
        { "\"compiler\":\"", "\"compiler\":\"another ", "compiler" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *at = strstr(text, cases[i].key);
        assert_non_null(at);
        char *other = replace(text, at, strlen(cases[i].key), cases[i].by);
        check_refused(other, 5, cases[i].says);
        free(other);
    }
    free(text);
}

static void a_damaged_journal_is_refused(void **state)
{
    (void)state;
    make_stopped_run(SIGKILL);
    char *text = file_read("out", JOURNAL);
    const char *second = strchr(text, '\n') + 1, *third = strchr(second, '\n') + 1;
    static const char *const garbage[] = { "garbage\n", "\n", "[]\n", "{\"block\":\n", "1\n" };
    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
        char *other = replace(text, third, 0, garbage[i]);
        check_refused(other, 1, JOURNAL);
        free(other);
    }
    char *other = replace(text, text, 1, ""); /* the head */
    check_refused(other, 1, JOURNAL);
    free(other);
    check_refused("", 1, JOURNAL);
    check_refused("{\"schema\":2", 1, JOURNAL);
    /* Valid JSON, but a trial is missing. */
    other = replace(text, second, (size_t)(third - second), "");
    check_refused(other, 1, "journal");
    free(other);
    free(text);
}

static void a_run_in_progress_is_refused(void **state)
{
    (void)state;
    pid_t run = START(SHORT_RUN, "-B", "100000", "-o", "out");
    for (uint64_t limit = clock_ms() + LIMIT_MS; journal_lines() < 2 && clock_ms() < limit;)
        sched_yield();
    struct said resumed = RUN("run", "--resume", "out"), begun = RUN(SHORT_RUN, "-o", "out");
    stop_run(run, 3, SIGKILL);
    check_said(resumed, 2, "out");
    check_said(begun, 2, "out");
    json_t *entries = read_journal();
    check_order(entries);
    json_decref(entries);
}

int main(void)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_resumed_run_measures_the_same_trials_in_the_same_order,
                                        folder_enter, folder_leave),
        cmocka_unit_test_setup_teardown(a_run_can_be_killed_twice, folder_enter, folder_leave),
        cmocka_unit_test_setup_teardown(an_incomplete_last_line_is_dropped, folder_enter,
                                        folder_leave),
        cmocka_unit_test_setup_teardown(an_interrupted_run_can_be_resumed, folder_enter,
                                        folder_leave),
        cmocka_unit_test_setup_teardown(failed_cells_are_not_tried_again, folder_enter,
                                        folder_leave),
        cmocka_unit_test_setup_teardown(other_options_are_refused, folder_enter, folder_leave),
        cmocka_unit_test_setup_teardown(a_folder_without_a_journal_is_refused, folder_enter,
                                        folder_leave),
        cmocka_unit_test_setup_teardown(another_build_or_machine_is_refused, folder_enter,
                                        folder_leave),
        cmocka_unit_test_setup_teardown(a_damaged_journal_is_refused, folder_enter, folder_leave),
        cmocka_unit_test_setup_teardown(a_run_in_progress_is_refused, folder_enter, folder_leave),
    };
    return RUN_TESTS(tests);
}
