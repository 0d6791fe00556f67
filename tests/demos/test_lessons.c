/* demos/: facts are observed in every lesson, and fail without its mechanism; the Python versions make the
 * same claims. Load may hide what is measured, so only test_lessons_long requires that. */
#include "tests/support/support.h"

#include "bench/command/lessons.h"

#include "tests/support/programs/program.h"
#include "tests/support/programs/python.h"
#include "tests/demos/lesson_runner.h"

#include <string.h>

#define LESSONS_MOST 64

static const char *python;
static struct lesson_result results[LESSONS_MOST]; /* of the lessons in C */

/* All facts were observed, and the exit code is 4 if something measured was not. */
static void expect_facts(const char *name, const struct lesson_result *result)
{
    if (!result->claims[0] || result->missing_facts > 0 ||
        result->code != (result->missing_measurements ? 4 : 0))
        fail_msg("%s: exit %d: %s", name, result->code, result->output);
}

static void facts_are_observed_in_every_lesson(void **state)
{
    (void)state;
    for (size_t i = 0; fb_lessons[i]; i++) {
        assert_true(i < LESSONS_MOST);
        lesson_run(fb_lessons[i], NULL, false, &results[i]);
        expect_facts(fb_lessons[i], &results[i]);
    }
}

/* A lesson that only measures may pass by chance; one with a fact must fail. */
static void a_lesson_fails_without_its_mechanism(void **state)
{
    (void)state;
    for (size_t i = 0; fb_lessons[i]; i++) {
        struct lesson_result broken;
        lesson_run(fb_lessons[i], NULL, true, &broken);
        int wanted = broken.missing_facts ? 1 : broken.missing_measurements ? 4 : 0;
        if (broken.code != wanted || (wanted == 0 && strchr(broken.claims, '=')) ||
            !strstr(broken.output, "Broken on purpose: "))
            fail_msg("%s: exit %d: %s", fb_lessons[i], broken.code, broken.output);
    }
}

static void python_versions_make_the_same_claims(void **state)
{
    (void)state;
    if (!python)
        skip();
    for (size_t i = 0; fb_lessons[i]; i++) {
        struct lesson_result python_result;
        lesson_run(fb_lessons[i], python, false, &python_result);
        expect_facts(fb_lessons[i], &python_result);
        assert_string_equal(python_result.claims, results[i].claims);
    }
}

/* ---- the command ---- */

static void expect_refused(struct said said, const char *words)
{
    assert_int_equal(said.code, 2);
    assert_int_equal(count_lines(said.err), 1);
    assert_non_null(strstr(said.err, words));
    said_clear(&said);
}

static void lessons_are_listed(void **state)
{
    (void)state;
    struct said all = RUN("lesson"), list = RUN("list", "lessons");
    assert_int_equal(all.code, 0);
    assert_string_equal(all.out, list.out);
    for (size_t i = 0; fb_lessons[i]; i++)
        assert_non_null(strstr(all.out, fb_lessons[i]));
    said_clear(&all);
    said_clear(&list);
}

static void unknown_lessons_are_refused(void **state)
{
    (void)state;
    expect_refused(RUN("lesson", "nonsense"), "nonsense");
    expect_refused(RUN("lesson", "pipe", "pool_map"), "pool_map");
    expect_refused(RUN("lesson", "pipe", "--all"), "pipe");
    expect_refused(RUN("lesson", "--nonsense"), "--nonsense");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_are_observed_in_every_lesson),
        cmocka_unit_test(a_lesson_fails_without_its_mechanism),
        cmocka_unit_test(python_versions_make_the_same_claims),
        cmocka_unit_test(lessons_are_listed),
        cmocka_unit_test(unknown_lessons_are_refused),
    };
    python = python_any();
    return RUN_TESTS(tests);
}
