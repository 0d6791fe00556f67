/* `forkbench exec -k resize` as a user runs it: exit codes, messages, saved files. */
#include "tests/support/support.h"

#include "tests/support/folder.h"
#include "tests/kernels/images/image_fixture.h"
#include "tests/kernels/images/image_folder.h"
#include "tests/support/programs/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[FOLDER_NAME], out[FOLDER_NAME];
static char images_option[FOLDER_NAME + 16], out_option[FOLDER_NAME + 16];

static int begin(void **state)
{
    (void)state;
    mixed_make(folder);
    folder_make(out);
    snprintf(images_option, sizeof images_option, "images=%s", folder);
    snprintf(out_option, sizeof out_option, "out=%s", out);
    return 0;
}

static int end(void **state)
{
    (void)state;
    folder_remove(folder);
    folder_remove(out);
    return 0;
}

#define RESIZE(...) RUN("exec", "-k", "resize", "-p", images_option, __VA_ARGS__)

static void expect_code(const struct said *said, int code)
{
    if (said->code != code)
        fail_msg("exit code %d, not %d: %s%s", said->code, code, said->out, said->err);
}

/* Fails the test unless stderr is one line that contains `part`. */
static void expect_refusal(struct said said, int code, const char *part)
{
    expect_code(&said, code);
    if (count_lines(said.err) != 1 || strncmp(said.err, "forkbench: ", 11) != 0 ||
        !strstr(said.err, part))
        fail_msg("said: %s", said.err);
    assert_string_equal(said.out, "");
    said_clear(&said);
}

static unsigned times(const char *text, const char *part)
{
    unsigned count = 0;
    while ((text = strstr(text, part))) {
        count++;
        text++;
    }
    return count;
}

/* Fails the test unless each broken file is named once with its reason, and no others. */
static void expect_broken_named(const char *err, size_t more)
{
    assert_int_equal(count_lines(err), mixed_broken() + more);
    for (size_t i = 0; i < mixed_count(); i++) {
        char begin_of_line[400];
        snprintf(begin_of_line, sizeof begin_of_line,
                 "forkbench: resize: %s: ", mixed_files[i].name);
        unsigned count = times(err, begin_of_line);
        if (count != (mixed_files[i].reason != NULL))
            fail_msg("%s was named %u times:\n%s", mixed_files[i].name, count, err);
        if (mixed_files[i].reason)
            assert_non_null(strstr(strstr(err, begin_of_line), mixed_files[i].reason));
    }
}

static void read_digest(const struct said *said, char ret_digest[17])
{
    const char *at = strstr(said->out, "digest ");
    assert_non_null(at);
    snprintf(ret_digest, 17, "%.16s", at + 7);
    assert_int_equal(strspn(ret_digest, "0123456789abcdef"), 16);
}

/* ---- good and broken images ---- */

static void a_mixed_folder(void **state)
{
    (void)state;
    char answer[64];
    snprintf(answer, sizeof answer, "%zu images to 128x128, %zu broken",
             mixed_count() - mixed_broken(), mixed_broken());
    for (int round = 0; round < 2; round++) {
        struct said said = RESIZE("-H", "single", "-p", out_option);
        expect_code(&said, 1);
        assert_non_null(strstr(said.out, answer));
        expect_broken_named(said.err, 0);
        assert_int_equal(folder_count(out), mixed_count() - mixed_broken());
        said_clear(&said);
    }
    for (size_t i = 0; i < mixed_count(); i++) {
        char name[300];
        snprintf(name, sizeof name, "processed_%s", mixed_files[i].name);
        assert_int_equal(file_exists(out, name), !mixed_files[i].reason);
    }
}

static void every_native_harness_gives_the_same(void **state)
{
    (void)state;
    static const char *const ways[][2] = {
        { "single", "1" },  { "forkpool", "3" }, { "gil", "3" },
        { "pthread", "3" }, { "forkpool", "1" }, { "gil", "1" }
    };
    static const char *const schedules[] = { "static", "dynamic", "guided" };
    char digest[17], other[17];
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        for (int k = 0; k < 3; k++) {
            folder_remove(out);
            struct said said = RESIZE("-H", ways[i][0], "-w", ways[i][1], "-s", schedules[k], "-p",
                                      out_option, "--repeat", "2");
            expect_code(&said, 1);
            expect_broken_named(said.err, 0);
            read_digest(&said, i + k ? other : digest);
            if (i + k)
                assert_string_equal(other, digest);
            assert_int_equal(folder_count(out), mixed_count() - mixed_broken());
            said_clear(&said);
        }
}

static void without_broken_images_it_succeeds(void **state)
{
    (void)state;
    char path[PATH_MAX];
    for (size_t i = 0; i < mixed_count(); i++)
        if (mixed_files[i].reason) {
            snprintf(path, sizeof path, "%s/%s", folder, mixed_files[i].name);
            assert_int_equal(unlink(path), 0);
        }
    struct said said = RESIZE("-H", "forkpool", "-w", "2", "-p", out_option);
    expect_code(&said, 0);
    assert_string_equal(said.err, "");
    assert_non_null(strstr(said.out, "checked"));
    assert_null(strstr(said.out, "broken"));
    said_clear(&said);
}

static void json_names_the_broken_images(void **state)
{
    (void)state;
    char field[64];
    struct said said = RESIZE("-H", "single", "--json");
    expect_code(&said, 1);
    snprintf(field, sizeof field, "\"failed_items\": %zu,", mixed_broken());
    assert_non_null(strstr(said.out, field));
    assert_non_null(strstr(said.out, "\"valid\": false"));
    for (size_t i = 0; i < mixed_count(); i++) {
        snprintf(field, sizeof field, "\"%.40s: ", mixed_files[i].name);
        assert_int_equal(times(said.out, field), mixed_files[i].reason != NULL);
    }
    said_clear(&said);
}

/* A file name can contain anything but "/" and 0. */
static void strange_names(void **state)
{
    (void)state;
    static const char *const names[] = { "two\nlines.jpg",  "latin-\xe9.jpg", "tab\t.jpg",
                                         "\x1b[31mred.jpg", "%s%n.jpg",       "-p.jpg" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        file_write(folder, names[i], "no image");
    struct said said = RESIZE("-H", "forkpool", "-w", "2", "-p", out_option);
    expect_code(&said, 1);
    expect_broken_named(said.err, sizeof names / sizeof *names);
    assert_null(strchr(said.err, '\x1b')); /* no escape sequences for the terminal */
    said_clear(&said);
    /* JSON is UTF-8, so the name is changed but not omitted. */
    said = RESIZE("-H", "single", "--json");
    expect_code(&said, 1);
    size_t broken = mixed_broken() + sizeof names / sizeof *names;
    const char *failures = strstr(said.out, "\"failures\": [");
    assert_non_null(failures);
    assert_non_null(strstr(failures, "latin-"));
    *strchr(failures, ']') = '\0';
    assert_int_equal(count_lines(failures), broken + 2); /* and two lines with brackets */
    said_clear(&said);
}

/* ---- named pipes, which would block ---- */

static void a_pipe_among_the_files(void **state)
{
    (void)state;
    mixed_add_pipe(folder);
    struct said said = RESIZE("-H", "pthread", "-w", "2", "-p", out_option);
    expect_code(&said, 1);
    expect_broken_named(said.err, 1);
    assert_non_null(strstr(said.err, "resize: x_pipe.jpg: not a regular file"));
    said_clear(&said);
}

static void a_pipe_instead_of_a_folder(void **state)
{
    (void)state;
    char pipe_option[PATH_MAX];
    mixed_add_pipe(folder);
    snprintf(pipe_option, sizeof pipe_option, "images=%s/x_pipe.jpg", folder);
    expect_refusal(RUN("exec", "-k", "resize", "-H", "single", "-p", pipe_option), 2,
                   "neither a folder nor a pack");
}

/* ---- refusals ---- */

static void bad_folders_are_refused(void **state)
{
    (void)state;
    char bad[PATH_MAX];
    snprintf(bad, sizeof bad, "images=%s/missing", folder);
    expect_refusal(RUN("exec", "-k", "resize", "-H", "single", "-p", bad), 2, "missing");
    snprintf(bad, sizeof bad, "images=%s", out); /* empty */
    expect_refusal(RUN("exec", "-k", "resize", "-H", "forkpool", "-p", bad), 2, "no files");
    snprintf(bad, sizeof bad, "images=%s/a grey.jpg", folder);
    expect_refusal(RUN("exec", "-k", "resize", "-H", "gil", "-p", bad), 2,
                   "neither a folder nor a pack");
    snprintf(bad, sizeof bad, "out=%s/a grey.jpg", folder);
    expect_refusal(RESIZE("-H", "single", "-p", bad), 2, "not a folder");
    snprintf(bad, sizeof bad, "out=%s/no/such/folder", folder);
    expect_refusal(RESIZE("-H", "single", "-p", bad), 2, "no/such/folder");
    expect_refusal(RESIZE("-H", "single", "-p", "width=0"), 2, "width");
    expect_refusal(RESIZE("-H", "single", "-p", "quality=101"), 2, "quality");
    expect_refusal(RESIZE("-H", "single", "-p", "filter=cubic"), 2, "filter");
}

static void a_new_folder_for_results_is_created(void **state)
{
    (void)state;
    char option[PATH_MAX], path[FOLDER_NAME + 16];
    snprintf(path, sizeof path, "%s/new one", out);
    snprintf(option, sizeof option, "out=%s", path);
    struct said said = RESIZE("-H", "single", "-p", option);
    expect_code(&said, 1);
    assert_int_equal(folder_count(path), mixed_count() - mixed_broken());
    said_clear(&said);
}

/* ---- the sample photographs ---- */

static void samples_without_a_folder(void **state)
{
    (void)state;
    char digest[17], other[17];
    struct said said = RUN("exec", "-k", "resize", "-H", "forkpool", "-w", "2");
    expect_code(&said, 0);
    assert_non_null(strstr(said.out, "64 images to 128x128"));
    read_digest(&said, digest);
    said_clear(&said);
    said = RUN("exec", "-k", "resize", "-H", "gil", "-w", "2", "-p", out_option);
    expect_code(&said, 0);
    read_digest(&said, other);
    assert_string_equal(other, digest);
    assert_int_equal(folder_count(out), 64);
    assert_true(file_exists(out, "processed_sample_01.jpg"));
    said_clear(&said);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_mixed_folder),
        TEST(every_native_harness_gives_the_same),
        TEST(without_broken_images_it_succeeds),
        TEST(json_names_the_broken_images),
        TEST(strange_names),
        TEST(a_pipe_among_the_files),
        TEST(a_pipe_instead_of_a_folder),
        TEST(bad_folders_are_refused),
        TEST(a_new_folder_for_results_is_created),
        TEST(samples_without_a_folder),
    };
    return RUN_TESTS(tests);
}
