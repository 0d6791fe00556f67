/* `forkbench run` from end to end: what it writes, where, and what it refuses. */
#include "tests/support/support.h"

#include "tests/support/csv_reader.h"
#include "tests/support/folder.h"
#include "tests/support/near.h"
#include "tests/support/programs/program.h"

#include "base/stats.h"

#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The shortest runs: one block after the warm-up, or a few. */
#define SMALL "run", "-k", "null,primes", "-p", "items=16", "-p", "hi=1000", "-w", "2"
#define TINY "run", "-k", "null", "-H", "single"
#define QUICK "-B", "0.01", "-P", "0.01"

static const char *const files[] = { "run.json",    "samples.csv", "summary.csv", "comparisons.csv",
                                     "scaling.csv", "why.csv",     "summary.md" };
#define FILES (sizeof files / sizeof *files)

static void check_said(struct said *said, int code, size_t lines)
{
    if (said->code != code || count_lines(said->err) != lines)
        fail_msg("exit %d, %s", said->code, said->err);
    said_clear(said);
}

static void read_csv(struct csv *csv, const char *where, const char *name)
{
    char *text = file_read(where, name);
    csv_read(csv, text);
    free(text);
}

static json_t *read_json(const char *where)
{
    char *text = file_read(where, "run.json");
    json_t *root = json_loads(text, 0, NULL);
    free(text);
    assert_non_null(root);
    return root;
}

/* ---- files ---- */

static bool same_cell(const struct csv *samples, size_t sample, const struct csv *summary,
                      size_t row)
{
    static const char *const columns[] = { "kernel",  "parameters", "harness",
                                           "workers", "role",       "build" };
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        if (strcmp(csv_at(samples, sample, columns[i]), csv_at(summary, row, columns[i])) != 0)
            return false;
    return true;
}

static bool is_warm_up(const struct csv *samples, size_t sample)
{
    return strcmp(csv_at(samples, sample, "block"), "0") == 0;
}

/* After the warm-up all trials of a cell have the same number of jobs. */
static void check_repeats(const struct csv *samples)
{
    for (size_t i = 0; i < samples->rows; i++)
        for (size_t k = 0; k < i && !is_warm_up(samples, i); k++)
            if (!is_warm_up(samples, k) && same_cell(samples, i, samples, k))
                assert_string_equal(csv_at(samples, i, "repeat"), csv_at(samples, k, "repeat"));
}

/* The medians in summary.csv are those of samples.csv without the warm-up, and all samples of a
 * kernel have the same digest. */
static void check_tables(const char *where)
{
    struct csv samples, summary;
    read_csv(&samples, where, "samples.csv");
    read_csv(&summary, where, "summary.csv");
    double *times = calloc(samples.rows + 1, sizeof *times);
    assert_non_null(times);
    size_t counted = 0, warm_ups = 0;
    for (size_t i = 0; i < samples.rows; i++)
        warm_ups += is_warm_up(&samples, i);
    assert_int_equal(warm_ups, summary.rows);
    for (size_t row = 0; row < summary.rows; row++) {
        const char *digest = NULL;
        size_t count = 0;
        for (size_t i = 0; i < samples.rows; i++) {
            if (strcmp(csv_at(&samples, i, "kernel"), csv_at(&summary, row, "kernel")) == 0) {
                digest = digest ? digest : csv_at(&samples, i, "digest");
                assert_string_equal(csv_at(&samples, i, "digest"), digest);
            }
            if (same_cell(&samples, i, &summary, row) && !is_warm_up(&samples, i))
                times[count++] = strtod(csv_at(&samples, i, "run_ns"), NULL);
        }
        assert_true(count > 0);
        assert_string_equal(csv_at(&summary, row, "status"), "ok");
        assert_int_equal(strtoul(csv_at(&summary, row, "blocks"), NULL, 10), count);
        assert_near(strtod(csv_at(&summary, row, "run_ns_median"), NULL), fb_median(times, count),
                    0.51);
        counted += count;
    }
    assert_int_equal(counted + warm_ups, samples.rows);
    check_repeats(&samples);
    free(times);
    csv_clear(&samples);
    csv_clear(&summary);
}

static void a_small_run_writes_all_files(void **state)
{
    (void)state;
    struct said said = RUN(SMALL, "-B", "0.2", "-o", "out");
    assert_non_null(strstr(said.out, "speedup"));
    assert_non_null(strstr(said.out, "Results: out\n"));
    check_said(&said, 0, 0);
    for (size_t i = 0; i < FILES; i++)
        assert_true(file_exists("out", files[i]));
    assert_int_equal(folder_count("out"), FILES); /* no journal */
    assert_int_equal(folder_count("."), 1);
    json_t *root = read_json("out");
    const json_t *summary = json_object_get(root, "summary");
    assert_true(json_is_true(json_object_get(root, "complete")));
    assert_int_equal(json_integer_value(json_object_get(root, "schema")), 3);
    for (size_t i = 0; i < json_array_size(summary); i++)
        assert_true(json_is_true(json_object_get(json_array_get(summary, i), "valid")));
    assert_true(json_array_size(summary) >= 8);
    json_decref(root);
    check_tables("out");
}

/* A precision that the pilot blocks reach, long before the budget is used up. */
static void a_reached_precision_ends_the_run(void **state)
{
    (void)state;
    struct said said = RUN("run", "-k", "null", "-H", "pthread", "-w", "1", "--bind", "core",
                           "--precision", "100000000", "-B", "100000", "-o", "out");
    check_said(&said, 0, 0);
    check_tables("out");
    json_t *root = read_json("out"), *plan = json_object_get(root, "plan");
    json_t *blocks = json_object_get(plan, "blocks"),
           *wanted = json_object_get(plan, "blocks_wanted");
    assert_true(json_is_true(json_object_get(plan, "bind")));
    assert_near(json_number_value(json_object_get(plan, "precision")), 1e6, 1e-3);
    assert_int_equal(json_integer_value(json_object_get(blocks, "C")), 8);
    assert_int_equal(json_integer_value(json_object_get(wanted, "C")), 8);
    json_decref(root);
}

/* The other build is this one, given by a relative path. */
static void cells_of_another_build_are_in_the_tables(void **state)
{
    (void)state;
    assert_int_equal(symlink(getenv("FORKBENCH"), "other"), 0);
    struct said said = RUN("run", "-k", "null", "-H", "pthread", "-w", "2", "--against", "./other",
                           QUICK, "-o", "out");
    check_said(&said, 0, 0);
    check_tables("out");
    struct csv table;
    size_t found = 0;
    read_csv(&table, "out", "summary.csv");
    for (size_t row = 0; row < table.rows; row++)
        found += strcmp(csv_at(&table, row, "build"), "against") == 0;
    assert_int_equal(found, 2);
    csv_clear(&table);
    found = 0;
    read_csv(&table, "out", "comparisons.csv");
    for (size_t row = 0; row < table.rows; row++) {
        bool build = strcmp(csv_at(&table, row, "factor"), "build") == 0;
        found += build;
        assert_string_equal(csv_at(&table, row, "build"), "this");
        assert_string_equal(csv_at(&table, row, "reference_build"), build ? "against" : "this");
        assert_true(build || strcmp(csv_at(&table, row, "role"), "again") == 0);
        assert_true(strtod(csv_at(&table, row, "ratio_median"), NULL) > 0);
    }
    assert_int_equal(found, 2);
    assert_int_equal(table.rows, 3);
    csv_clear(&table);
}

/* The order of the warm-up block: how many blocks follow depends on the machine. */
static void first_order(const char *seed, char *ret_order, size_t size)
{
    struct csv samples;
    struct said said = RUN(SMALL, "-H", "single,pthread,forkpool", QUICK, "-S", seed, "-o", "out");
    check_said(&said, 0, 0);
    read_csv(&samples, "out", "samples.csv");
    ret_order[0] = '\0';
    for (size_t i = 0; i < samples.rows && is_warm_up(&samples, i); i++)
        snprintf(ret_order + strlen(ret_order), size - strlen(ret_order), "%s/%s/%s ",
                 csv_at(&samples, i, "kernel"), csv_at(&samples, i, "harness"),
                 csv_at(&samples, i, "role"));
    csv_clear(&samples);
    folder_remove("out");
}

static void the_seed_decides_the_order(void **state)
{
    (void)state;
    char one[1000], again[1000], other[1000];
    first_order("1", one, sizeof one);
    first_order("1", again, sizeof again);
    first_order("2", other, sizeof other);
    assert_string_equal(one, again);
    assert_string_not_equal(one, other);
    assert_int_equal(strlen(one), strlen(other));
}

static void a_failed_cell_is_reported_and_the_others_are_measured(void **state)
{
    (void)state;
    struct said said = RUN("run", "-k", "primes", "-p", "hi=1000", "-H",
                           "single,cpython-single=/bin/false", QUICK, "-o", "out");
    assert_non_null(strstr(said.err, "cpython-single=/bin/false"));
    check_said(&said, 1, 1);
    struct csv summary;
    read_csv(&summary, "out", "summary.csv");
    assert_int_equal(summary.rows, 2 * 2); /* each has a second label */
    for (size_t row = 0; row < summary.rows; row++) {
        bool good = strcmp(csv_at(&summary, row, "harness"), "single") == 0;
        assert_string_equal(csv_at(&summary, row, "status"), good ? "ok" : "failed");
        assert_int_equal(csv_at(&summary, row, "run_ns_median")[0] != '\0', good);
    }
    csv_clear(&summary);
    char *text = file_read("out", "summary.md");
    assert_non_null(strstr(text, "failed: primes under cpython-single=/bin/false"));
    free(text);
}

/* ---- where it writes ---- */

static void results_go_to_the_given_folder(void **state)
{
    (void)state;
    struct said said = RUN(TINY, QUICK, "-o", "a/b/c");
    check_said(&said, 0, 0);
    assert_int_equal(folder_count("a/b/c"), FILES);
    /* An existing folder with another file in it. */
    file_write("a/b", "notes", "mine");
    said = RUN(TINY, QUICK, "-o", "a/b/");
    check_said(&said, 0, 0);
    assert_int_equal(folder_count("a/b"), 2 + FILES);
    /* An existing run must not be overwritten. */
    file_write("a/b/c", "run.json", "old");
    said = RUN(TINY, QUICK, "-o", "a/b/c/");
    assert_non_null(strstr(said.err, "a/b/c"));
    check_said(&said, 2, 1);
    char *old = file_read("a/b/c", "run.json");
    assert_string_equal(old, "old");
    free(old);
    char path[FOLDER_NAME + 8];
    snprintf(path, sizeof path, "%s/out", folder_entered);
    said = RUN(TINY, QUICK, "-o", path);
    check_said(&said, 0, 0);
    assert_int_equal(folder_count(path), FILES);
    assert_int_equal(folder_count("."), 2);
}

static void check_latest(char *ret_name, size_t size)
{
    ssize_t length = readlink("results/latest", ret_name, size - 1);
    assert_true(length > 0);
    ret_name[length] = '\0';
    assert_null(strchr(ret_name, '/')); /* a relative link, so that results/ can be moved */
    unsigned day, time, end = 0;
    sscanf(ret_name, "%8uT%6uZ-%n", &day, &time, &end);
    assert_int_equal(end, strlen("20260131T123456Z-"));
    assert_int_equal(folder_count("results/latest"), FILES);
    json_decref(read_json("results/latest"));
}

/* Also two runs in the same second. */
static void each_run_has_a_default_folder_of_its_own(void **state)
{
    (void)state;
    char first[FOLDER_NAME], second[FOLDER_NAME];
    struct said said = RUN(TINY, QUICK);
    check_said(&said, 0, 0);
    check_latest(first, sizeof first);
    assert_int_equal(folder_count("results"), 2);
    said = RUN(TINY, QUICK);
    check_said(&said, 0, 0);
    check_latest(second, sizeof second);
    assert_int_equal(folder_count("."), 1);
    assert_string_not_equal(first, second);
    assert_int_equal(folder_count("results"), 3);
}

/* ---- bad usage ---- */

#define WORDS_MOST 6

static const char *const bad_usage[][WORDS_MOST] = {
    { "-k", "nothing" },
    { "-k", "" },
    { "-k", "primes,,null" },
    { "-H", "nothing" },
    { "-H", "single=3" },
    { "-w", "0" },
    { "-w", "1025" },
    { "-w", "2;4" },
    { "-w", "-2" },
    { "-B", "0" },
    { "-B", "nan" },
    { "-B", "inf" },
    { "-B", "1m" },
    { "-B", "" },
    { "-P", "0" },
    { "-P", "-1" },
    { "-e", "0" },
    { "-e", "2%" },
    { "-b", "socket" },
    { "-A", "nothing" },
    { "-R", "nothing" },
    { "-S", "-1" },
    { "-S", "1.5" },
    { "-S", "9223372036854775808" },
    { "-p", "ranges" },
    { "-p", "ranges=0" },
    { "-p", "ranges=8,x" },
    { "-p", "ranges=8 lo=1" },
    { "-p", "nothing=1" },
    { "-k", "null", "-p", "ranges=8" },
    { "-k", "null", "-H", "cpython-single=/bin/sh" },
    { "-o" },
    { "-o", "" },
    { "--nothing" },
    { "more" },
    { "-k", "null", "-B", "0.01", "-A", "/" },
};

static void bad_options_are_refused_in_one_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_usage / sizeof *bad_usage; i++) {
        const char *words[WORDS_MOST + 2] = { "run" };
        for (size_t k = 0; k < WORDS_MOST; k++)
            words[k + 1] = bad_usage[i][k];
        struct said said = program_run(words);
        if (said.code != 2 || count_lines(said.err) != 1 || said.out[0] ||
            strncmp(said.err, "forkbench: ", 11) != 0)
            fail_msg("run %s %s: exit %d, %s", words[1], words[2] ? words[2] : "", said.code,
                     said.err);
        said_clear(&said);
        assert_int_equal(folder_count("."), 0);
    }
}

static void a_missing_interpreter_exits_with_3(void **state)
{
    (void)state;
    struct said said = RUN("run", "-k", "primes", "-H", "cpython-single=/nothing/python3");
    check_said(&said, 3, 1);
    assert_int_equal(folder_count("."), 0);
}

static void an_impossible_folder_is_refused(void **state)
{
    (void)state;
    file_write(".", "a-file", "mine");
    static const char *const paths[] = { "a-file", "a-file/", "a-file/in/it" };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct said said = RUN(TINY, QUICK, "-o", paths[i]);
        check_said(&said, 2, 1);
    }
    char *text = file_read(".", "a-file");
    assert_string_equal(text, "mine");
    free(text);
    assert_int_equal(folder_count("."), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_small_run_writes_all_files, folder_enter, folder_leave),
        cmocka_unit_test_setup_teardown(a_reached_precision_ends_the_run, folder_enter,
                                        folder_leave),
        cmocka_unit_test_setup_teardown(cells_of_another_build_are_in_the_tables, folder_enter,
                                        folder_leave),
        cmocka_unit_test_setup_teardown(the_seed_decides_the_order, folder_enter, folder_leave),
        cmocka_unit_test_setup_teardown(a_failed_cell_is_reported_and_the_others_are_measured,
                                        folder_enter, folder_leave),
        cmocka_unit_test_setup_teardown(results_go_to_the_given_folder, folder_enter, folder_leave),
        cmocka_unit_test_setup_teardown(each_run_has_a_default_folder_of_its_own, folder_enter,
                                        folder_leave),
        cmocka_unit_test_setup_teardown(bad_options_are_refused_in_one_line, folder_enter,
                                        folder_leave),
        cmocka_unit_test_setup_teardown(a_missing_interpreter_exits_with_3, folder_enter,
                                        folder_leave),
        cmocka_unit_test_setup_teardown(an_impossible_folder_is_refused, folder_enter,
                                        folder_leave),
    };
    return RUN_TESTS(tests);
}
