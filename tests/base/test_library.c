/* base/library.c: loading functions; missing ones are reported and leave the pointers unchanged. */
#include "tests/support/support.h"

#include "base/library.h"

#include <errno.h>
#include <string.h>

static size_t (*length)(const char *text);
static void *nothing = &length;

static void functions_are_found(void **state)
{
    (void)state;
    const struct fb_symbol symbols[] = { { "strlen", &length } };
    for (int i = 0; i < 2; i++) {
        length = NULL;
        assert_int_equal(fb_library_load("libc.so.6", symbols, 1, NULL), 0);
        assert_int_equal(length("four"), 4);
    }
}

static void a_missing_library_is_an_error(void **state)
{
    (void)state;
    struct fb_error error = { 0 };
    const struct fb_symbol symbols[] = { { "strlen", &nothing } };
    assert_int_equal(fb_library_load("libnowhere.so.4", symbols, 1, &error), -ENOPKG);
    assert_int_equal(error.code, -ENOPKG);
    assert_non_null(strstr(error.text, "can't load libnowhere.so.4"));
    assert_non_null(strstr(error.text, "install it"));
    assert_int_equal(fb_library_load("libnowhere.so.4", symbols, 1, NULL), -ENOPKG);
    assert_ptr_equal(nothing, &length);
}

static void a_missing_function_is_an_error(void **state)
{
    (void)state;
    struct fb_error error = { 0 };
    const struct fb_symbol symbols[] = { { "no_such_function", &nothing }, { "strlen", &length } };
    assert_int_equal(fb_library_load("libc.so.6", symbols, 2, &error), -ENOPKG);
    assert_string_equal(error.text, "libc.so.6 has no no_such_function: install a newer one");
    assert_ptr_equal(nothing, &length);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_are_found),
        cmocka_unit_test(a_missing_library_is_an_error),
        cmocka_unit_test(a_missing_function_is_an_error),
    };
    return RUN_TESTS(tests);
}
