/* The JSON of `exec` and `list`, and exit codes. */
#include "tests/support/support.h"

#include "tests/support/small_images.h"
#include "tests/support/programs/program.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static json_t *run_json(const char *const *words, int code)
{
    struct said said = program_run(words);
    json_error_t where;
    if (said.code != code)
        fail_msg("exits with %d: %s", said.code, said.err);
    json_t *root = json_loads(said.out, 0, &where);
    if (!root)
        fail_msg("not JSON, line %d: %s: %s", where.line, where.text, said.out);
    if (code == 0)
        assert_string_equal(said.err, "");
    said_clear(&said);
    return root;
}
#define RUN_JSON(...) run_json((const char *const[]){ __VA_ARGS__, "--json", NULL }, 0)

static const char *text_of(const json_t *root, const char *key)
{
    const char *text = json_string_value(json_object_get(root, key));
    if (!text)
        fail_msg("no text: %s", key);
    return text;
}

static json_int_t number_of(const json_t *root, const char *key)
{
    const json_t *number = json_object_get(root, key);
    if (!json_is_integer(number))
        fail_msg("no whole number: %s", key);
    assert_true(json_integer_value(number) >= 0);
    return json_integer_value(number);
}

static void check_keys(const json_t *root)
{
    static const char *const numbers[] = {
        "workers",
        "chunk",
        "items",
        "setup_ns",
        "open_ns",
        "run_ns",
        "close_ns",
        "wall_ns",
        "user_ns",
        "system_ns",
        "voluntary_switches",
        "involuntary_switches",
        "minor_faults",
        "max_rss_bytes",
    };
    static const char *const texts[] = { "kernel", "harness", "schedule", "digest", "answer" };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        number_of(root, numbers[i]);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        text_of(root, texts[i]);
    assert_true(json_is_true(json_object_get(root, "valid")));
    assert_true(number_of(root, "wall_ns") >= number_of(root, "run_ns"));
    assert_true(number_of(root, "run_ns") > 0);
    assert_true(number_of(root, "max_rss_bytes") > 0);
    assert_int_equal(strlen(text_of(root, "digest")), 16);
}

static void exec_prints_all_keys(void **state)
{
    (void)state;
    for (const struct fb_harness *const *harness = fb_harnesses; *harness; harness++) {
        if (!(*harness)->native)
            continue;
        json_t *root = RUN_JSON("exec", "-k", "primes", "-H", (*harness)->name, "-w", "2", "-c",
                                "3", "-s", "guided", "-p", "hi=10000", "-p", "ranges=20");
        check_keys(root);
        assert_string_equal(text_of(root, "kernel"), "primes");
        assert_string_equal(text_of(root, "harness"), (*harness)->name);
        assert_string_equal(text_of(root, "schedule"), "guided");
        assert_string_equal(text_of(root, "answer"), "1229 primes");
        assert_int_equal(number_of(root, "workers"), (*harness)->base ? 2 : 1);
        assert_int_equal(number_of(root, "chunk"), 3);
        assert_int_equal(number_of(root, "items"), 20);
        json_decref(root);
    }
}

static int compare_numbers(const void *a, const void *b)
{
    const json_int_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static void repeat_lists_each_run(void **state)
{
    (void)state;
    json_t *root = RUN_JSON("exec", "-k", "divisors", "-H", "pthread", "-w", "2", "-p",
                            "first=1000", "--repeat", "5");
    json_t *runs = json_object_get(root, "runs_ns");
    json_int_t sorted[5];
    assert_int_equal(json_array_size(runs), 5);
    for (size_t i = 0; i < 5; i++)
        sorted[i] = json_integer_value(json_array_get(runs, i));
    qsort(sorted, 5, sizeof *sorted, compare_numbers);
    assert_true(sorted[0] > 0);
    assert_int_equal(number_of(root, "run_ns"), sorted[2]);
    json_decref(root);
}

static void copies_run_at_once(void **state)
{
    (void)state;
    json_t *root = RUN_JSON("exec", "-k", "primes", "-H", "single", "--copies", "3", "-p",
                            "hi=20000", "--bind", "core", "--repeat", "2");
    check_keys(root);
    assert_int_equal(number_of(root, "copies"), 3);
    assert_int_equal(json_array_size(json_object_get(root, "runs_ns")), 3);
    assert_string_equal(text_of(root, "answer"), "2262 primes");
    json_decref(root);
}

/* An answer that was cut must still be valid text. */
static void long_answers_are_still_json(void **state)
{
    (void)state;
    static const char *const counts[] = { "count=31",  "count=32",  "count=33", "count=60",
                                          "count=61",  "count=62",  "count=63", "count=64",
                                          "count=100", "count=5000" };
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        json_t *root =
            RUN_JSON("exec", "-k", "divisors", "-H", "single", "-p", "first=1", "-p", counts[i]);
        check_keys(root);
        json_decref(root);
        root =
            RUN_JSON("exec", "-k", "divisors", "-H", "single", "-p", "first=100", "-p", counts[i]);
        check_keys(root);
        json_decref(root);
    }
}

static bool has_name(const json_t *list, const char *name)
{
    size_t index;
    json_t *entry;
    json_array_foreach(list, index,
                       entry) if (strcmp(text_of(entry, "name"), name) == 0) return true;
    return false;
}

static void list_names_everything(void **state)
{
    (void)state;
    json_t *root = RUN_JSON("list");
    json_t *kernels = json_object_get(root, "kernels");
    json_t *harnesses = json_object_get(root, "harnesses");
    for (const struct fb_kernel *const *kernel = fb_kernels; *kernel; kernel++)
        assert_true(has_name(kernels, (*kernel)->name));
    for (const struct fb_harness *const *harness = fb_harnesses; *harness; harness++)
        assert_true(has_name(harnesses, (*harness)->name));
    for (const struct fb_missing *missing = fb_harnesses_missing; missing->name; missing++)
        assert_true(has_name(harnesses, missing->name));
    assert_false(has_name(kernels, "nothing"));
    json_decref(root);
    root = RUN_JSON("list", "harnesses");
    assert_null(json_object_get(root, "kernels"));
    assert_non_null(json_object_get(root, "harnesses"));
    json_decref(root);
    struct said said = RUN("list", "kernels");
    assert_int_equal(said.code, 0);
    assert_non_null(strstr(said.out, "divisors"));
    assert_null(strstr(said.out, "Harnesses"));
    said_clear(&said);
}

/* ---- other exits ---- */

static void broken_items_are_reported_and_exit_1(void **state)
{
    (void)state;
    char folder[300], parameter[320], path[320];
    if (!fb_kernel_find("resize"))
        skip();
    assert_true(images_make(folder, sizeof folder));
    snprintf(parameter, sizeof parameter, "images=%s", folder);
    snprintf(path, sizeof path, "%s/broken.jpg", folder);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs("not an image", file);
    fclose(file);
    const char *const words[] = { "exec", "-k", "resize", "-H",      "forkpool",
                                  "-w",   "2",  "-p",     parameter, NULL };
    struct said said = program_run(words);
    json_t *root = run_json((const char *const[]){ "exec", "-k", "resize", "-H", "single", "-p",
                                                   parameter, "--json", NULL },
                            1);
    unlink(path);
    images_remove(folder);
    assert_int_equal(said.code, 1);
    assert_int_equal(count_lines(said.err), 1);
    assert_non_null(strstr(said.err, "broken.jpg"));
    assert_non_null(strstr(said.out, "1 broken"));
    said_clear(&said);
    assert_true(json_is_false(json_object_get(root, "valid")));
    assert_int_equal(number_of(root, "failed_items"), 1);
    assert_int_equal(json_array_size(json_object_get(root, "failures")), 1);
    json_decref(root);
}

/* A file name is any bytes, not text. */
static void odd_names_are_still_json_and_one_line(void **state)
{
    (void)state;
    static const char *const names[] = { "a\nb", "\xff\xfe", "\xc3", "\"\\", "\x1b[31m", "€€" };
    char folder[300], parameter[320], path[320];
    if (!fb_kernel_find("resize"))
        skip();
    assert_true(images_make(folder, sizeof folder));
    snprintf(parameter, sizeof parameter, "images=%s", folder);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        FILE *file = fopen(path, "we");
        assert_non_null(file);
        fclose(file);
        const char *const words[] = { "exec", "-k",      "resize", "-H", "single",
                                      "-p",   parameter, "--json", NULL };
        struct said said = program_run(words);
        json_t *root = json_loads(said.out, 0, NULL);
        unlink(path);
        assert_int_equal(said.code, 1);
        assert_int_equal(count_lines(said.err), 1);
        assert_non_null(root);
        assert_int_equal(json_array_size(json_object_get(root, "failures")), 1);
        json_decref(root);
        said_clear(&said);
    }
    images_remove(folder);
}

static void a_missing_interpreter_exits_3(void **state)
{
    (void)state;
    const char *variant;
    if (!fb_harness_find("cpython-single", &variant))
        skip();
    struct said said = RUN("exec", "-k", "primes", "-H", "cpython-single=/nowhere/python");
    assert_int_equal(said.code, 3);
    assert_string_equal(said.out, "");
    assert_int_equal(count_lines(said.err), 1);
    assert_non_null(strstr(said.err, "/nowhere/python"));
    said_clear(&said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exec_prints_all_keys),
        cmocka_unit_test(repeat_lists_each_run),
        cmocka_unit_test(copies_run_at_once),
        cmocka_unit_test(long_answers_are_still_json),
        cmocka_unit_test(list_names_everything),
        cmocka_unit_test(broken_items_are_reported_and_exit_1),
        cmocka_unit_test(odd_names_are_still_json_and_one_line),
        cmocka_unit_test(a_missing_interpreter_exits_3),
    };
    return RUN_TESTS(tests);
}
