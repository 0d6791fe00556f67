/* kernels/params.c: which values are accepted and which are refused, and that a refusal changes nothing. */
#include "tests/support/support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const colours[] = { "red", "green", "greenish", NULL };

static const struct fb_param table[] = {
    { "size", FB_PARAM_NUMBER, "10", 2, 100, NULL, "a small range" },
    { "sizes", FB_PARAM_NUMBER, "3", 0, UINT64_MAX, NULL,
      "all numbers; another name is a prefix of this one" },
    { "colour", FB_PARAM_CHOICE, "green", 0, 0, colours, "one of a few" },
    { "title", FB_PARAM_TEXT, "none yet", 0, 0, NULL, "any text" },
    { 0 },
};
static const struct fb_kernel sample = { .name = "sample", .params = table };

static const struct fb_param no_params[] = { { 0 } };
static const struct fb_kernel bare = { .name = "bare", .params = no_params };

static struct fb_params params;
static struct fb_error error;

static int open_params(void **state)
{
    (void)state;
    error = (struct fb_error){ 0 };
    return fb_params_init(&params, &sample);
}

static int close_params(void **state)
{
    (void)state;
    fb_params_clear(&params);
    return 0;
}

static void check_initial(void)
{
    assert_int_equal(fb_params_number(&params, "size"), 10);
    assert_int_equal(fb_params_number(&params, "sizes"), 3);
    assert_int_equal(fb_params_number(&params, "colour"), 1);
    assert_string_equal(fb_params_text(&params, "size"), "10");
    assert_string_equal(fb_params_text(&params, "colour"), "green");
    assert_string_equal(fb_params_text(&params, "title"), "none yet");
}

/* Fails the test unless the assignment is refused with a sentence of one line that contains `word`, and no value
 * changes. */
static void refuse(const char *assignment, const char *word)
{
    error = (struct fb_error){ .code = 1, .text = "" };
    int result = fb_params_set(&params, assignment, &error);
    if (result != -EINVAL)
        fail_msg("\"%s\" gave %d", assignment, result);
    assert_int_equal(error.code, -EINVAL);
    assert_true(strlen(error.text) > 10 && strlen(error.text) < FB_ERROR_TEXT);
    if (strchr(error.text, '\n'))
        fail_msg("more than one line: %s", error.text);
    if (!strstr(error.text, word))
        fail_msg("\"%s\" does not mention %s: %s", assignment, word, error.text);
    assert_int_equal(fb_params_set(&params, assignment, NULL), -EINVAL);
    check_initial();
}

static void accept(const char *assignment)
{
    if (fb_params_set(&params, assignment, &error) != 0)
        fail_msg("%s", error.text);
}

static void initial_values_are_set(void **state)
{
    (void)state;
    check_initial();
    assert_ptr_equal(params.kernel, &sample);
}

static void values_that_are_no_numbers_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "size=",     "size= ",    "size= 5",
        "size=5 ",   "size=5\t",  "size=5\r",
        "size=+5",   "size=-5",   "size=-0",
        "size=0x10", "size=1e1",  "size=5.0",
        "size=5,0",  "size=five", "size=5x",
        "size==5",   "size=''",   "size=५",
        "size=5\v",  "size=1_0",  "sizes=-1",
        "sizes=+1",  "sizes=0x1", "sizes=",
        "sizes=1 2", "sizes=inf", "sizes=-18446744073709551615",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refuse(bad[i], "size");
}

static void numbers_out_of_range_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "size=0",
        "size=1",
        "size=101",
        "size=4294967301", /* 5 in 32 bits */
        "size=18446744073709551615",
        "size=18446744073709551616", /* 0 in 64 bits */
        "size=18446744073709551626", /* 10 in 64 bits */
        "size=99999999999999999999999999999999999999999999999999999999999999",
        "sizes=18446744073709551616",
        "sizes=100000000000000000000",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refuse(bad[i], "whole number");
    refuse("size=1", "from 2 to 100");
}

static void ranges_include_both_ends(void **state)
{
    (void)state;
    accept("size=2");
    assert_int_equal(fb_params_number(&params, "size"), 2);
    accept("size=100");
    assert_int_equal(fb_params_number(&params, "size"), 100);
    accept("sizes=0");
    assert_true(fb_params_number(&params, "sizes") == 0);
    accept("sizes=18446744073709551615");
    assert_true(fb_params_number(&params, "sizes") == UINT64_MAX);
}

static void leading_zeros_are_decimal(void **state)
{
    (void)state;
    accept("size=010");
    assert_int_equal(fb_params_number(&params, "size"), 10);
    accept("size=0000000000000000000000000000000000000000000000007");
    assert_int_equal(fb_params_number(&params, "size"), 7);
}

static void unknown_names_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "colours=red", "siz=5", "s=5", "Size=5", "SIZE=5", " size=5",  "size =5",
        "-p=5",        "=5",    "=",   "==",     "=size",  "sizess=1",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refuse(bad[i], "no such parameter");
    refuse("siz=5", "sample");
}

static void an_assignment_needs_an_equals_sign(void **state)
{
    (void)state;
    static const char *const bad[] = { "", " ", "size", "5", "size:5", "no such thing", "\t" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refuse(bad[i], "NAME=VALUE");
}

static void only_the_choices_are_choices(void **state)
{
    (void)state;
    static const char *const bad[] = { "colour=",     "colour=Red",  "colour=gree",    "colour=0",
                                       "colour=red ", "colour= red", "colour=redgreen" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refuse(bad[i], "red, green, greenish");
    accept("colour=red");
    assert_int_equal(fb_params_number(&params, "colour"), 0);
    accept("colour=greenish");
    assert_int_equal(fb_params_number(&params, "colour"), 2);
    assert_string_equal(fb_params_text(&params, "colour"), "greenish");
}

static void a_text_is_accepted_unchanged(void **state)
{
    (void)state;
    static const char *const texts[] = { "", " ", "a=b=c", "=", "/tmp/a b", "ü", "-1", "%s%n" };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char assignment[64];
        snprintf(assignment, sizeof assignment, "title=%s", texts[i]);
        accept(assignment);
        assert_string_equal(fb_params_text(&params, "title"), texts[i]);
    }
}

static void a_text_may_be_very_long(void **state)
{
    (void)state;
    char *assignment = malloc(100000);
    memset(assignment, 'x', 99999);
    assignment[99999] = '\0';
    memcpy(assignment, "title=", 6);
    accept(assignment);
    assert_int_equal(strlen(fb_params_text(&params, "title")), 99999 - 6);
    accept("title=none yet");
    memcpy(assignment, "siz_e=", 6);
    refuse(assignment, "no such parameter");
    memcpy(assignment, "size=_", 6);
    refuse(assignment, "whole number");
    memcpy(assignment, "colour=", 7);
    refuse(assignment, "choices");
    memset(assignment, 'y', 50);
    refuse(assignment, "NAME=VALUE");
    memset(assignment, 'z', 99998);
    assignment[99998] = '=';
    refuse(assignment, "no such parameter");
    free(assignment);
}

static void a_sentence_has_no_line_break_in_it(void **state)
{
    (void)state;
    refuse("si\nze=5", "no such parameter");
    refuse("size=5\n", "whole number");
    refuse("colour=r\ned", "choices");
    refuse("a\nb", "NAME=VALUE");
}

static void the_last_one_wins(void **state)
{
    (void)state;
    accept("size=20");
    accept("colour=red");
    accept("size=30");
    accept("title=one");
    accept("title=two");
    assert_int_equal(fb_params_number(&params, "size"), 30);
    assert_string_equal(fb_params_text(&params, "size"), "30");
    assert_string_equal(fb_params_text(&params, "title"), "two");
    assert_int_equal(fb_params_number(&params, "colour"), 0);
    assert_int_equal(fb_params_number(&params, "sizes"), 3);
    /* A refusal does not restore the initial value. */
    assert_int_equal(fb_params_set(&params, "size=1000", &error), -EINVAL);
    assert_int_equal(fb_params_number(&params, "size"), 30);
}

static void the_assignment_is_copied(void **state)
{
    (void)state;
    char assignment[] = "title=mine";
    accept(assignment);
    memset(assignment, '?', sizeof assignment - 1);
    assert_string_equal(fb_params_text(&params, "title"), "mine");
}

static void clearing_twice_is_harmless(void **state)
{
    (void)state;
    accept("title=again");
    fb_params_clear(&params);
    fb_params_clear(&params);
    assert_int_equal(fb_params_init(&params, &sample), 0);
    check_initial();
}

static void a_kernel_may_have_no_parameters(void **state)
{
    (void)state;
    struct fb_params none;
    assert_int_equal(fb_params_init(&none, &bare), 0);
    assert_int_equal(fb_params_set(&none, "size=5", &error), -EINVAL);
    assert_int_equal(fb_params_set(&none, "=", &error), -EINVAL);
    fb_params_clear(&none);
}

/* The table of every kernel is valid, and so are its initial values. */
static void real_kernels_accept_their_defaults(void **state)
{
    (void)state;
    for (const struct fb_kernel *const *kernel = fb_kernels; *kernel; kernel++) {
        struct fb_params real;
        size_t count = 0;
        assert_int_equal(fb_params_init(&real, *kernel), 0);
        for (const struct fb_param *param = (*kernel)->params; param->name; param++, count++) {
            char assignment[200];
            assert_string_equal(fb_params_text(&real, param->name), param->initial);
            snprintf(assignment, sizeof assignment, "%s=%s", param->name, param->initial);
            assert_int_equal(fb_params_set(&real, assignment, NULL), 0);
            assert_null(strpbrk(param->name, "= ,"));
            assert_true(param->help && *param->help && !strchr(param->help, '\n'));
            snprintf(assignment, sizeof assignment, "%s=\x01", param->name);
            assert_int_equal(fb_params_set(&real, assignment, NULL),
                             param->type == FB_PARAM_TEXT ? 0 : -EINVAL);
        }
        assert_true(count <= FB_PARAMS_MOST);
        assert_int_equal(fb_params_set(&real, "no such=1", &error), -EINVAL);
        assert_non_null(strstr(error.text, (*kernel)->name));
        fb_params_clear(&real);
    }
}

#define WITH_PARAMS(test) cmocka_unit_test_setup_teardown(test, open_params, close_params)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PARAMS(initial_values_are_set),
        WITH_PARAMS(values_that_are_no_numbers_are_refused),
        WITH_PARAMS(numbers_out_of_range_are_refused),
        WITH_PARAMS(ranges_include_both_ends),
        WITH_PARAMS(leading_zeros_are_decimal),
        WITH_PARAMS(unknown_names_are_refused),
        WITH_PARAMS(an_assignment_needs_an_equals_sign),
        WITH_PARAMS(only_the_choices_are_choices),
        WITH_PARAMS(a_text_is_accepted_unchanged),
        WITH_PARAMS(a_text_may_be_very_long),
        WITH_PARAMS(a_sentence_has_no_line_break_in_it),
        WITH_PARAMS(the_last_one_wins),
        WITH_PARAMS(the_assignment_is_copied),
        WITH_PARAMS(clearing_twice_is_harmless),
        cmocka_unit_test(a_kernel_may_have_no_parameters),
        cmocka_unit_test(real_kernels_accept_their_defaults),
    };
    return RUN_TESTS(tests);
}
