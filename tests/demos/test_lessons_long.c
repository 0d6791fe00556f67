/* All lessons, and their Python versions under every interpreter of this machine: all claims are observed,
 * including measured ones, and not without the mechanism. All claims of the tutorials. */
#include "tests/support/support.h"

#include "bench/command/lessons.h"
#include "harness/cpython/interpreters.h"

#include "tests/support/programs/program.h"
#include "tests/demos/lesson_runner.h"

#include <jansson.h>
#include <string.h>

#define TRIES 3 /* other load may disturb measurements */
#define CLAIMS 22

/* The number of lessons, or of their Python versions under an interpreter, that fail. */
static unsigned count_failed(const char *python)
{
    unsigned failed = 0;
    for (size_t i = 0; fb_lessons[i]; i++) {
        struct lesson_result result = { .code = 4 }, broken = { .code = 0 };
        for (int try = 0; try < TRIES && result.code == 4; try++)
            lesson_run(fb_lessons[i], python, false, &result);
        /* A lesson that only measures may pass by chance; one with a fact must fail. */
        for (int try = 0; try < TRIES && broken.code == 0 && !strchr(broken.claims, '='); try++)
            lesson_run(fb_lessons[i], python, true, &broken);
        bool fails = result.code != 0 || (broken.code != 1 && broken.code != 4);
        if (fails)
            print_error("%s by %s: exit %d, with --break %d\n%s%s", fb_lessons[i],
                        python ? python : "forkbench", result.code, broken.code, result.output,
                        broken.output);
        failed += fails;
    }
    return failed;
}

static void every_lesson(void **state)
{
    (void)state;
    assert_int_equal(count_failed(NULL), 0);
}

/* A missing fact (1) takes precedence over a missing measurement (4), in any order. */
static void the_exit_code_of_all_is_the_worst(void **state)
{
    (void)state;
    struct said said = RUN("lesson", "--all", "--break");
    assert_int_equal(said.code, 1);
    assert_non_null(strstr(said.err, "lesson globals: exit code 1"));
    assert_non_null(strstr(said.err, "lesson lost_update: exit code 4"));
    said_clear(&said);
}

static void python_versions_under_every_interpreter(void **state)
{
    (void)state;
    const struct fb_interpreter *list;
    size_t count;
    unsigned failed = 0;
    assert_int_equal(fb_interpreters_list(&list, &count), 0);
    for (size_t i = 0; i < count; i++)
        failed += count_failed(list[i].path);
    assert_int_equal(failed, 0);
}

static void every_claim_is_tested_once(void **state)
{
    (void)state;
    struct said said = RUN("claims", "--json");
    assert_int_equal(said.code, 0);
    json_t *root = json_loads(said.out, 0, NULL), *claim;
    const json_t *claims = json_object_get(root, "claims");
    size_t i;
    assert_int_equal(json_array_size(claims), CLAIMS);
    json_array_foreach(claims, i, claim)
    {
        char row[24];
        snprintf(row, sizeof row, "C%zu", i + 1);
        assert_string_equal(json_string_value(json_object_get(claim, "claim")), row);
        const char *verdict = json_string_value(json_object_get(claim, "verdict"));
        assert_true(strcmp(verdict, "holds") == 0 || strcmp(verdict, "does not hold") == 0 ||
                    (strcmp(verdict, "depends") == 0 &&
                     *json_string_value(json_object_get(claim, "condition"))));
    }
    json_decref(root);
    said_clear(&said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_lesson),
        cmocka_unit_test(the_exit_code_of_all_is_the_worst),
        cmocka_unit_test(python_versions_under_every_interpreter),
        cmocka_unit_test(every_claim_is_tested_once),
    };
    return RUN_TESTS(tests);
}
