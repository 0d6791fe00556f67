/* Builds: how `list` identifies this one, and a run with another build. */
#include "tests/support/support.h"

#include "tests/support/folder.h"
#include "tests/support/programs/program.h"

#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RUN_AGAINST(program)                                                                       \
    RUN("run", "-k", "null", "-H", "pthread", "-w", "2", "--against", program, "-B", "0.01", "-o", \
        "out")

static void check_said(struct said said, int code, const char *words)
{
    if (said.code != code || count_lines(said.err) != (code != 0) || !strstr(said.err, words))
        fail_msg("exit %d, %s", said.code, said.err);
    said_clear(&said);
}

/* The "build" object of `list --json`; owned. */
static json_t *ask_build(void)
{
    struct said said = RUN("list", "--json");
    json_t *root = json_loads(said.out, 0, NULL);
    json_t *build = json_incref(json_object_get(root, "build"));
    assert_non_null(build);
    json_decref(root);
    said_clear(&said);
    return build;
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    assert_non_null(text);
    return text;
}

static void a_build_identifies_itself(void **state)
{
    (void)state;
    json_t *build = ask_build();
    const char *kernels = text_of(build, "kernels"), *harnesses = text_of(build, "harnesses");
    assert_int_equal(strspn(kernels, "0123456789abcdef"), 16);
    assert_int_equal(strspn(harnesses, "0123456789abcdef"), 16);
    assert_string_not_equal(kernels, harnesses);
    assert_true(strlen(text_of(build, "compiler")) > 4);
    struct said said = RUN("--version");
    assert_non_null(strstr(said.out, text_of(build, "version")));
    assert_non_null(strstr(said.out, text_of(build, "commit")));
    said_clear(&said);
    json_decref(build);
}

static void a_run_names_both_builds(void **state)
{
    (void)state;
    json_t *build = ask_build();
    check_said(RUN_AGAINST(getenv("FORKBENCH")), 0, "");
    char *text = file_read("out", "run.json");
    json_t *root = json_loads(text, 0, NULL);
    assert_true(json_equal(json_object_get(root, "build"), build));
    assert_true(json_equal(json_object_get(root, "against"), build));
    json_decref(root);
    json_decref(build);
    free(text);
}

/* Makes a program in this folder; returns its path. */
static const char *make_program(const char *script)
{
    file_write(".", "other", script);
    assert_int_equal(chmod("other", 0755), 0);
    return "./other";
}

static void a_program_that_is_no_forkbench_is_refused(void **state)
{
    (void)state;
    check_said(RUN_AGAINST("/bin/true"), 2, "/bin/true");
    check_said(RUN_AGAINST("/bin/false"), 2, "/bin/false");
    check_said(RUN_AGAINST("."), 2, "--against .");
    check_said(RUN_AGAINST("nothing"), 2, "nothing");
    check_said(RUN_AGAINST(make_program("#!/bin/sh\necho '{}'\n")), 2, "other");
    check_said(RUN_AGAINST(make_program("#!/bin/sh\nkill -9 $$\n")), 2, "other");
    assert_false(file_exists(".", "out"));
}

/* The other build is replaced after the run was killed. */
static void a_changed_build_ends_a_resumed_run(void **state)
{
    (void)state;
    make_program("#!/bin/sh\n[ \"$1\" = list ] || kill -9 $PPID\ncat build\n");
    file_write(".", "build", "{\"build\": {\"commit\": \"first\"}}");
    struct said said = RUN_AGAINST("./other");
    assert_int_equal(said.code, 128 + 9);
    said_clear(&said);
    file_write(".", "build", "{\"build\": {\"commit\": \"second\"}}");
    check_said(RUN("run", "--resume", "out"), 5, "other");
    assert_true(file_exists("out", "journal.jsonl"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_build_identifies_itself),
        cmocka_unit_test_setup_teardown(a_run_names_both_builds, folder_enter, folder_leave),
        cmocka_unit_test_setup_teardown(a_program_that_is_no_forkbench_is_refused, folder_enter,
                                        folder_leave),
        cmocka_unit_test_setup_teardown(a_changed_build_ends_a_resumed_run, folder_enter,
                                        folder_leave),
    };
    return RUN_TESTS(tests);
}
