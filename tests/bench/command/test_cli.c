/* The command line that others rely on: bad usage is one line and exit 2, help is exit 0. */
#include "tests/support/support.h"

#include "tests/support/programs/program.h"

#include <stdio.h>
#include <string.h>

#define WORDS_MOST 10

/* ---- bad usage ---- */

#define EXEC "exec", "-k", "null", "-H", "single"

static const char *const bad_usage[][WORDS_MOST] = {
    { NULL },
    { "" },
    { "nothing" },
    { "lis" },
    { "LIST" },
    { "--nothing" },
    { "-k", "primes" },
    { "--versio" },
    { "list", "nothing" },
    { "list", "kernel" },
    { "list", "--nothing" },
    { "list", "--json=1" },
    { "list", "-x" },
    { "list", "kernels", "and" },
    { "exec" },
    { "exec", "-k", "primes" },
    { "exec", "-H", "single" },
    { "exec", "-k" },
    { "exec", "--kernel" },
    { "exec", "-k", "" },
    { "exec", "-k", "prime", "-H", "single" },
    { "exec", "-k", "primes,null", "-H", "single" },
    { "exec", "-k", "null", "-H" },
    { "exec", "-k", "null", "-H", "" },
    { "exec", "-k", "null", "-H", "=" },
    { "exec", "-k", "null", "-H", "thread" },
    { "exec", "-k", "null", "-H", "single=3" },
    { "exec", "-k", "null", "-H", "single=" },
    { EXEC, "--nothing" },
    { EXEC, "-Z" },
    { EXEC, "more" },
    { EXEC, "--", "more" },
    { EXEC, "--json=yes" },
    { EXEC, "-w" },
    { EXEC, "-w", "0" },
    { EXEC, "-w", "-1" },
    { EXEC, "-w", "1025" },
    { EXEC, "-w", "4294967297" },
    { EXEC, "-w", "18446744073709551617" },
    { EXEC, "-w", "" },
    { EXEC, "-w", " 1" },
    { EXEC, "-w", "1 " },
    { EXEC, "-w", "+1" },
    { EXEC, "-w", "0x1" },
    { EXEC, "-w", "1e2" },
    { EXEC, "-w", "two" },
    { EXEC, "--workers=" },
    { EXEC, "-c", "0" },
    { EXEC, "-c", "-1" },
    { EXEC, "-c", "18446744073709551615" },
    { EXEC, "-c", "x" },
    { EXEC, "-s", "" },
    { EXEC, "-s", "dyn" },
    { EXEC, "-s", "Static" },
    { EXEC, "-b", "all" },
    { EXEC, "-b", "" },
    { EXEC, "--bind" },
    { EXEC, "-b", "0,1" },
    { EXEC, "-b", "0," },
    { EXEC, "-b", "0x" },
    { EXEC, "-b", "65535" },
    { EXEC, "-b", "99999999999" },
    { EXEC, "-r", "0" },
    { EXEC, "-r", "1000001" },
    { EXEC, "-r", "1.5" },
    { EXEC, "-C", "0" },
    { EXEC, "-C", "1025" },
    { EXEC, "-C", "-3" },
    { "exec", "-k", "null", "-H", "pthread", "-C", "2" },
    { EXEC, "-i", "0" },
    { EXEC, "-i", "-1" },
    { EXEC, "-i", "nan" },
    { EXEC, "-i", "inf" },
    { EXEC, "-i", "" },
    { EXEC, "-i", "5ms" },
    { EXEC, "-i", "1e300" },
    { EXEC, "-p" },
    { EXEC, "-p", "" },
    { EXEC, "-p", "items" },
    { EXEC, "-p", "items=" },
    { EXEC, "-p", "items=-1" },
    { EXEC, "-p", "items=1e3" },
    { EXEC, "-p", "items=268435457" },
    { EXEC, "-p", "item=5" },
    { EXEC, "-p", "=5" },
    { EXEC, "-p", "items=5", "-p", "count=1" },
    { "exec", "-k", "divisors", "-H", "single", "-p", "first=0" },
    { "exec", "-k", "primes", "-H", "single", "-p", "lo=9", "-p", "hi=8" },
    { "overhead", "--nothing" },
    { "overhead", "now" },
    { "run", "--nothing" },
    { "run", "-k", "nothing" },
    { "run", "-H", "nothing" },
    { "run", "-w", "0" },
    { "run", "-w", "" },
    { "run", "-w", "," },
    { "run", "-w", "1," },
    { "run", "-w", ",1" },
    { "run", "-w", "1,,2" },
    { "run", "-w", "1,x" },
    { "run", "-k", "null," },
    { "run", "-H", ",single" },
    { "run", "-p", "nothing" },
    { "run", "-B", "-1" },
    { "run", "-S", "x" },
    { "run", "more" },
};

static void check_refusal(const char *const *words)
{
    char line[400] = "forkbench";
    for (size_t i = 0; words[i] && i < WORDS_MOST; i++) {
        strncat(line, " ", sizeof line - strlen(line) - 1);
        strncat(line, words[i], sizeof line - strlen(line) - 1);
    }
    struct said said = program_run(words);
    if (said.code != 2)
        fail_msg("`%s` exits with %d: %s%s", line, said.code, said.out, said.err);
    if (said.out[0])
        fail_msg("`%s` prints: %s", line, said.out);
    if (strncmp(said.err, "forkbench: ", 11) != 0 || count_lines(said.err) != 1)
        fail_msg("`%s` does not say it in one line: %s", line, said.err);
    said_clear(&said);
}

static void bad_usage_is_refused_in_one_line(void **state)
{
    (void)state;
    for (size_t i = 1; i < sizeof bad_usage / sizeof *bad_usage; i++)
        check_refusal(bad_usage[i]);
}

static void no_command_is_refused_in_one_line(void **state)
{
    (void)state;
    check_refusal(bad_usage[0]);
}

static void a_line_break_in_an_argument_does_not_make_two_lines(void **state)
{
    (void)state;
    check_refusal((const char *const[]){ "a\nb", NULL });
    check_refusal((const char *const[]){ "exec", "-k", "a\nb", NULL });
    check_refusal((const char *const[]){ "exec", "-H", "a\nb", NULL });
    check_refusal((const char *const[]){ EXEC, "-w", "1\n2", NULL });
    check_refusal((const char *const[]){ EXEC, "-p", "items=1\n2", NULL });
    check_refusal((const char *const[]){ EXEC, "a\nb", NULL });
}

static void too_many_parameters_are_refused(void **state)
{
    (void)state;
    const char *words[ARGUMENTS_MOST + 1] = { "exec", "-k", "null", "-H", "single" };
    for (size_t i = 5; i < ARGUMENTS_MOST - 1; i += 2) {
        words[i] = "-p";
        words[i + 1] = "items=1";
    }
    check_refusal(words);
}

/* ---- help ---- */

static void help_and_version_succeed(void **state)
{
    (void)state;
    struct said said = RUN("--help");
    assert_int_equal(said.code, 0);
    assert_string_equal(said.err, "");
    assert_non_null(strstr(said.out, "exec"));
    said_clear(&said);
    said = RUN("--version");
    assert_int_equal(said.code, 0);
    assert_string_equal(said.err, "");
    assert_int_equal(count_lines(said.out), 1);
    assert_int_equal(strncmp(said.out, "forkbench ", 10), 0);
    said_clear(&said);
}

/* Takes the commands from `forkbench --help`, so that new ones are tested, too. */
static void each_command_has_help(void **state)
{
    (void)state;
    struct said all = RUN("--help");
    char *list = strstr(all.out, "Commands:\n");
    assert_non_null(list);
    size_t commands = 0;
    char name[32];
    for (char *line = strchr(list, '\n') + 1; sscanf(line, "  %31[a-z]", name) == 1; commands++) {
        struct said said = RUN(name, "--help");
        if (said.code != 0 || said.err[0] || !strstr(said.out, name))
            fail_msg("`%s --help` exits with %d: %s%s", name, said.code, said.out, said.err);
        assert_true(count_lines(said.out) > 3);
        said_clear(&said);
        line = strchr(line, '\n') + 1;
    }
    assert_true(commands >= 3);
    said_clear(&all);
}

/* argp has more ways to ask for help than we support. */
static void other_ways_to_ask_for_help_work_or_are_refused(void **state)
{
    (void)state;
    static const char *const ways[] = { "--usage", "-?",       "--hel", "--usag",
                                        "-h",      "--HANG=0", "-help", "--program-name=x" };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct said said = RUN("list", ways[i]);
        bool helps = said.code == 0 && strstr(said.out, "Usage:") && !said.err[0];
        bool refuses = said.code == 2 && !said.out[0] && count_lines(said.err) == 1;
        if (!helps && !refuses)
            fail_msg("`list %s` exits with %d: %s%s", ways[i], said.code, said.out, said.err);
        said_clear(&said);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_usage_is_refused_in_one_line),
        cmocka_unit_test(no_command_is_refused_in_one_line),
        cmocka_unit_test(a_line_break_in_an_argument_does_not_make_two_lines),
        cmocka_unit_test(too_many_parameters_are_refused),
        cmocka_unit_test(help_and_version_succeed),
        cmocka_unit_test(each_command_has_help),
        cmocka_unit_test(other_ways_to_ask_for_help_work_or_are_refused),
    };
    return RUN_TESTS(tests);
}
