/* demos/: every lesson shows what it claims, fails without its mechanism, and has a twin that says the
 * same. */
#include "support.h"

#include "bench/lessons.h"

#include "program.h"
#include "python.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define TRIES 3 /* what it shows is measured, and something may disturb it */

#define LESSONS_MOST 64

static const char *python;
static char facts[LESSONS_MOST][1000]; /* that each lesson showed */

/* The lines of what is claimed, of all that a lesson or its twin printed. */
static void keep_facts(const char *text, char *ret_facts, size_t size)
{
    ret_facts[0] = '\0';
    for (const char *line = text; line && *line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, "  = ", 4) == 0)
            snprintf(ret_facts + strlen(ret_facts), size - strlen(ret_facts), "%.*s\n",
                     (int)strcspn(line, "\n"), line);
    }
}

static bool shows_itself(const char *name, char *ret_facts, size_t size)
{
    int code = 1;
    for (int i = 0; i < TRIES && code == 1; i++) {
        struct said said = RUN("lesson", name, "--no-ask");
        keep_facts(said.out, ret_facts, size);
        code = said.code;
        if (code != 0)
            print_message("%s", said.out);
        said_clear(&said);
    }
    return code == 0;
}

static void every_lesson_shows_what_it_claims(void **state)
{
    (void)state;
    for (size_t i = 0; fb_lessons[i]; i++) {
        assert_true(i < LESSONS_MOST);
        if (!shows_itself(fb_lessons[i], facts[i], sizeof facts[i]) || !facts[i][0])
            fail_msg("%s did not show itself", fb_lessons[i]);
    }
}

static void without_its_mechanism_a_lesson_fails(void **state)
{
    (void)state;
    for (size_t i = 0; fb_lessons[i]; i++) {
        struct said said = RUN("lesson", fb_lessons[i], "--no-ask", "--break");
        if (said.code != 1 || !strstr(said.out, "  ! did not show itself: "))
            fail_msg("%s: exit %d: %s", fb_lessons[i], said.code, said.out);
        said_clear(&said);
    }
}

/* ---- twins ---- */

/* What a twin prints, and its exit code. */
static int run_twin(const char *interpreter, const char *name, const char *option, char *ret_text,
                    size_t size)
{
    char command[600];
    const char *tests = getenv("FORKBENCH_TESTS");
    assert_non_null(tests);
    snprintf(command, sizeof command, "'%s' '%s/../demos/%s.py' %s 2>&1", interpreter, tests, name,
             option);
    FILE *from = popen(command, "re");
    assert_non_null(from);
    size_t length = fread(ret_text, 1, size - 1, from);
    ret_text[length] = '\0';
    int status = pclose(from);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void expect_same(const char *name, const char *wanted)
{
    char said[6000], twins[1000];
    int code = 1;
    for (int i = 0; i < TRIES && code == 1; i++)
        code = run_twin(python, name, "", said, sizeof said);
    if (code != 0)
        fail_msg("%s by %s: exit %d: %s", name, python, code, said);
    keep_facts(said, twins, sizeof twins);
    assert_string_equal(twins, wanted);
}

static void every_twin_says_the_same(void **state)
{
    (void)state;
    if (!python)
        skip();
    for (size_t i = 0; fb_lessons[i]; i++)
        expect_same(fb_lessons[i], facts[i]);
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
