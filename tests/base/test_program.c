/* base/program: other programs, started and read from. */
#include "tests/support/support.h"

#include "base/program.h"

#include <errno.h>
#include <string.h>

#define ARGUMENTS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* Its exit code or error; its first line into text if that is asked for. */
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

static void what_it_prints_is_read_and_its_code_told(void **state)
{
    (void)state;
    char text[100];
    assert_int_equal(run(ARGUMENTS("sh", "-c", "echo said; exit 3"), text, sizeof text, NULL), 3);
    assert_string_equal(text, "said\n");
    assert_int_equal(run(ARGUMENTS("/bin/true"), NULL, 0, NULL), 0);
}

static void who_is_killed_or_not_there_is_an_error(void **state)
{
    (void)state;
    struct fb_error error = { 0 };
    assert_int_equal(run(ARGUMENTS("sh", "-c", "kill -9 $$"), NULL, 0, &error), -EBADMSG);
    assert_non_null(strstr(error.text, "sh was killed by signal 9"));
    char text[10];
    assert_int_equal(run(ARGUMENTS("/nonsense/nobody"), text, sizeof text, &error), -ENOPKG);
    assert_non_null(strstr(error.text, "/nonsense/nobody can't be started"));
}

/* Nobody reads on: it ends all the same, by SIGPIPE. */
static void who_prints_without_end_is_ended(void **state)
{
    (void)state;
    char text[10];
    assert_int_equal(run(ARGUMENTS("yes"), text, sizeof text, NULL), -EBADMSG);
    assert_string_equal(text, "y\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_prints_is_read_and_its_code_told),
        cmocka_unit_test(who_is_killed_or_not_there_is_an_error),
        cmocka_unit_test(who_prints_without_end_is_ended),
    };
    return RUN_TESTS(tests);
}
