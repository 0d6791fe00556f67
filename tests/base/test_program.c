/* base/program.c. */
#include "tests/support/support.h"

#include "base/program.h"

#include <errno.h>
#include <string.h>

#define ARGUMENTS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* Runs a program: its exit code or error; if text isn't NULL, also its first line. */
static int run(const char *const *arguments, char *text, size_t size, struct fb_error *error)
{
    struct fb_program program;
    int result = fb_program_start(arguments, text != NULL, &program, error);
    assert_int_equal(result, 0);
    assert_int_equal(text != NULL, program.output != NULL);
    if (text && !fgets(text, (int)size, program.output))
        text[0] = '\0';
    return fb_program_end(&program, arguments[0], error);
}

static void output_and_exit_code_are_returned(void **state)
{
    (void)state;
    char text[100];
    assert_int_equal(run(ARGUMENTS("sh", "-c", "echo said; exit 3"), text, sizeof text, NULL), 3);
    assert_string_equal(text, "said\n");
    assert_int_equal(run(ARGUMENTS("/bin/true"), NULL, 0, NULL), 0);
}

static void a_killed_or_missing_program_is_an_error(void **state)
{
    (void)state;
    struct fb_error error = { 0 };
    assert_int_equal(run(ARGUMENTS("sh", "-c", "kill -9 $$"), NULL, 0, &error), -EBADMSG);
    assert_non_null(strstr(error.text, "sh was killed by signal 9"));
    char text[10];
    assert_int_equal(run(ARGUMENTS("/nonsense/nobody"), text, sizeof text, &error), -ENOPKG);
    assert_non_null(strstr(error.text, "/nonsense/nobody can't be started"));
}

/* It is ended by SIGPIPE. */
static void closing_the_output_ends_an_endless_program(void **state)
{
    (void)state;
    char text[10];
    assert_int_equal(run(ARGUMENTS("yes"), text, sizeof text, NULL), -EBADMSG);
    assert_string_equal(text, "y\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(output_and_exit_code_are_returned),
        cmocka_unit_test(a_killed_or_missing_program_is_an_error),
        cmocka_unit_test(closing_the_output_ends_an_endless_program),
    };
    return RUN_TESTS(tests);
}
