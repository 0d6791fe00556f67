/* `forkbench claims`: the tutorials' claims, judged by the lessons' measurements. */
#include "tests/support/support.h"

#include "tests/support/folder.h"
#include "tests/support/programs/program.h"
#include "tests/support/programs/python.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Runs it for these claims, up to the first NULL. Returns its JSON. */
static json_t *run_claims(const char *first, const char *second, const char *third)
{
    struct said said = RUN("claims", "--json", first, second, third);
    assert_int_equal(said.code, 0);
    json_t *root = json_loads(said.out, 0, NULL);
    assert_non_null(root);
    said_clear(&said);
    return root;
}

static const char *text(const json_t *object, const char *key)
{
    const char *found = json_string_value(json_object_get(object, key));
    assert_non_null(found);
    return found;
}

static const json_t *find(const json_t *root, const char *claim)
{
    json_t *one;
    size_t i;
    json_array_foreach(json_object_get(root, "claims"), i, one)
    {
        if (strcmp(text(one, "claim"), claim) == 0)
            return one;
    }
    fail_msg("%s was not tested", claim);
    return NULL;
}

static double number(const json_t *claim, const char *key)
{
    const json_t *found = json_object_get(claim, key);
    assert_true(json_is_number(found));
    return json_number_value(found);
}

static void only_requested_claims_are_tested(void **state)
{
    (void)state;
    json_t *root = run_claims("C20", "C9", "C19");
    assert_int_equal(json_array_size(json_object_get(root, "claims")), 3);
    assert_int_equal(json_array_size(json_object_get(root, "not_tested")), 0);
    const json_t *first = json_array_get(json_object_get(root, "claims"), 0);
    assert_string_equal(text(first, "claim"), "C9"); /* in their order */
    json_decref(root);
}

/* The claims whose verdicts don't depend on durations. */
static void verdicts_follow_from_the_measurements(void **state)
{
    (void)state;
    json_t *root = run_claims("C9", "C14", "C21");
    const json_t *lost = find(root, "C9"), *crash = find(root, "C14"), *order = find(root, "C21");
    unsigned losing; /* one lost update is enough, even if the interval does not show it */
    assert_int_equal(sscanf(text(lost, "condition"), "lost in %u of 31 tries", &losing), 1);
    assert_string_equal(text(lost, "verdict"), losing > 0 ? "holds" : "does not hold");
    assert_true(number(lost, "low") >= 40000 || losing > 0);
    assert_true(number(crash, "measured") > 0);
    assert_string_not_equal(text(crash, "verdict"), "holds"); /* this runtime reports it */
    assert_string_equal(text(order, "verdict"),
                        number(order, "measured") > 0 ? "does not hold" : "depends");
    json_decref(root);
    root = run_claims("C10", "C11", "C15");
    bool shared = number(find(root, "C10"), "measured") < 0.1;
    assert_string_equal(text(find(root, "C10"), "verdict"), shared ? "holds" : "does not hold");
    assert_string_not_equal(text(find(root, "C11"), "verdict"),
                            "does not hold"); /* possible in this runtime */
    assert_int_equal((int)number(find(root, "C15"), "measured"), 1);
    assert_string_equal(text(find(root, "C15"), "verdict"), "depends");
    json_decref(root);
}

/* Python versions that exit with 4 (a measurement was not observed) and with 1 (a fact was not). */
static void python_notes_count_unless_a_fact_fails(void **state)
{
    (void)state;
    const char *python = python_any();
    if (!python)
        skip();
    for (int code = 1; code <= 4; code += 3) {
        char script[5000];
        snprintf(script, sizeof script, "#!/bin/sh\n'%s' \"$@\"\nexit %d\n", python, code);
        file_write_bytes(".", "python", script, strlen(script));
        assert_int_equal(chmod("python", 0755), 0);
        char *path = realpath("python", NULL);
        setenv("FORKBENCH_PYTHON", path, 1);
        json_t *root = run_claims("C10", NULL, NULL);
        bool used = strstr(text(find(root, "C10"), "unit"), "Python") != NULL;
        assert_int_equal(used, code == 4);
        json_decref(root);
        free(path);
    }
    unsetenv("FORKBENCH_PYTHON");
}

static void files_and_terminal_agree(void **state)
{
    (void)state;
    struct said said = RUN("claims", "C15", "-o", "out");
    assert_int_equal(said.code, 0);
    assert_non_null(strstr(said.out, "C15"));
    assert_non_null(strstr(said.out, "depends"));
    said_clear(&said);
    char *table = file_read("out", "claims.md"), *json = file_read("out", "claims.json");
    assert_non_null(strstr(table, "| C15"));
    json_t *root = json_loads(json, 0, NULL);
    assert_string_equal(text(find(root, "C15"), "lesson"), "no_join");
    json_decref(root);
    free(table);
    free(json);
}

static void unknown_claims_are_refused(void **state)
{
    (void)state;
    static const char *const words[] = { "C0", "C23", "C", "9", "C9x", "M1" };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        struct said said = RUN("claims", words[i]);
        assert_int_equal(said.code, 2);
        assert_int_equal(count_lines(said.err), 1);
        assert_non_null(strstr(said.err, words[i]));
        said_clear(&said);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_requested_claims_are_tested),
        cmocka_unit_test(verdicts_follow_from_the_measurements),
        cmocka_unit_test_setup_teardown(python_notes_count_unless_a_fact_fails, folder_enter,
                                        folder_leave),
        cmocka_unit_test_setup_teardown(files_and_terminal_agree, folder_enter, folder_leave),
        cmocka_unit_test(unknown_claims_are_refused),
    };
    return RUN_TESTS(tests);
}
