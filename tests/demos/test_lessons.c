/* demos/: every lesson shows what it claims, fails without its mechanism, and has a twin that says the
 * same. Here that is required of facts. What is measured may be hidden, as this machine may be busy; test_lessons_long
 * requires it. */
#include "tests/support/support.h"

#include "bench/command/lessons.h"

#include "tests/support/program.h"
#include "tests/support/python.h"
#include "tests/demos/lesson_runner.h"

#include <string.h>

#define LESSONS_MOST 64

static const char *python;
static struct taught taught[LESSONS_MOST]; /* by each lesson */

/* Facts have shown themselves, and the exit code says what has not. */
static void expect_facts(const char *name, const struct taught *taught)
{
    if (!taught->facts[0] || taught->missing > 0 || taught->code != (taught->hidden ? 4 : 0))
        fail_msg("%s: exit %d: %s", name, taught->code, taught->said);
}

static void every_lesson_shows_what_it_claims(void **state)
{
    (void)state;
    for (size_t i = 0; fb_lessons[i]; i++) {
        assert_true(i < LESSONS_MOST);
        teach(fb_lessons[i], NULL, false, &taught[i]);
        expect_facts(fb_lessons[i], &taught[i]);
    }
}

/* What is measured may show itself by chance, but not beside a fact: those lessons are certain. */
static void without_its_mechanism_a_lesson_fails(void **state)
{
    (void)state;
    for (size_t i = 0; fb_lessons[i]; i++) {
        struct taught broken;
        teach(fb_lessons[i], NULL, true, &broken);
        int wanted = broken.missing ? 1 : broken.hidden ? 4 : 0;
        if (broken.code != wanted || (wanted == 0 && strchr(broken.facts, '=')) ||
            !strstr(broken.said, "Broken on purpose: "))
            fail_msg("%s: exit %d: %s", fb_lessons[i], broken.code, broken.said);
    }
}

static void every_twin_says_the_same(void **state)
{
    (void)state;
    if (!python)
        skip();
    for (size_t i = 0; fb_lessons[i]; i++) {
        struct taught twin;
        teach(fb_lessons[i], python, false, &twin);
        expect_facts(fb_lessons[i], &twin);
        assert_string_equal(twin.facts, taught[i].facts);
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

static void what_is_no_lesson_is_refused(void **state)
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
        cmocka_unit_test(every_lesson_shows_what_it_claims),
        cmocka_unit_test(without_its_mechanism_a_lesson_fails),
        cmocka_unit_test(every_twin_says_the_same),
        cmocka_unit_test(lessons_are_listed),
        cmocka_unit_test(what_is_no_lesson_is_refused),
    };
    python = python_any();
    return RUN_TESTS(tests);
}
