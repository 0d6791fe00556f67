/* bench/overhead/overhead_report.c: the table, sentences and files for made-up figures. */
#include "tests/support/support.h"

#include "tests/support/csv_reader.h"
#include "tests/support/folder.h"
#include "tests/support/near.h"

#include "bench/overhead/overhead_report.h"

#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct fb_interval unknown = { NAN, NAN, NAN, 1 };

/* ---- made-up figures ---- */

static const struct fb_machine machine = { .cpu = "Invented, 3 GHz",
                                           .kernel = "Linux 1.2",
                                           .utc = "2026-01-31T12:34:56Z",
                                           .cpus = { .effective = 2.5 } };

static void put(struct fb_metrics *metrics, const char *name, const char *harness, unsigned workers,
                const char *unit, struct fb_interval of)
{
    struct fb_metric metric = { .workers = workers, .state = "warm", .binding = "bound", .of = of };
    snprintf(metric.name, sizeof metric.name, "%s", name);
    snprintf(metric.harness, sizeof metric.harness, "%s", harness);
    snprintf(metric.unit, sizeof metric.unit, "%s", unit);
    assert_int_equal(fb_metrics_add(metrics, &metric), 0);
}

static struct fb_interval around(double value)
{
    return (struct fb_interval){ value, 0.5 * value, 2 * value, 6 };
}

static void put_account(struct fb_metrics *metrics, const char *harness, double unexplained)
{
    struct fb_interval rest = { unexplained, -1e6, 5e6, 6 };
    put(metrics, "account.time", harness, 2, "ns", around(40e6));
    put(metrics, "account.ceiling", harness, 2, "ns", around(30e6));
    put(metrics, "account.excess", harness, 2, "ns", around(10e6));
    put(metrics, "account.unexplained", harness, 2, "ns", rest);
    put(metrics, "account.explained", harness, 2, "per cent", around(80));
}

/* ---- reading the output ---- */

/* Returns the printed text, which the caller frees. */
static char *printed(const struct fb_metrics *metrics)
{
    struct fb_overhead_report report = { &machine, metrics };
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    assert_non_null(to);
    fb_overhead_print(&report, to);
    assert_int_equal(fclose(to), 0);
    return text;
}

#define CELLS 11
enum { NAME, HARNESS, STATE, BINDING, WORKERS, MEDIAN, BOUNDS, UNIT, RATIO, ITS_BOUNDS, TO };

struct row {
    char cell[CELLS][48];
};

/* Splits a line into cells, which are separated by two or more blanks. */
static size_t cut(const char *line, struct row *row)
{
    size_t count = 0, length = strcspn(line, "\n");
    for (const char *at = line, *end = line + length; at < end && count < CELLS; count++) {
        at += strspn(at, " ");
        const char *gap = at;
        while (gap < end && !(gap[0] == ' ' && gap[1] == ' '))
            gap++;
        snprintf(row->cell[count], sizeof row->cell[count], "%.*s", (int)(gap - at), at);
        at = gap;
    }
    return count;
}

/* Finds the row of the table with that metric, harness and workers; false if there is none. Fails
 * the test if there are two. */
static bool find_row(const char *text, const char *name, const char *harness, const char *workers,
                     struct row *ret_row)
{
    unsigned found = 0;
    for (const char *line = text; *line && *line != '\n'; line += strcspn(line, "\n") + 1) {
        struct row row;
        if (cut(line, &row) == CELLS && strcmp(row.cell[NAME], name) == 0 &&
            strcmp(row.cell[HARNESS], harness) == 0 && strcmp(row.cell[WORKERS], workers) == 0) {
            *ret_row = row;
            found++;
        }
    }
    assert_true(found <= 1);
    return found == 1;
}

static struct row row_of(const char *text, const char *name, const char *harness)
{
    struct row row;
    if (!find_row(text, name, harness, "2", &row))
        fail_msg("no row for %s of %s in:\n%s", name, harness, text);
    return row;
}

static void check_figure(const char *text, const char *name, const char *median, const char *bounds,
                         const char *unit)
{
    struct row row = row_of(text, name, "pthread");
    assert_string_equal(row.cell[MEDIAN], median);
    assert_string_equal(row.cell[BOUNDS], bounds);
    assert_string_equal(row.cell[UNIT], unit);
}

static void assert_says(const char *text, const char *words)
{
    if (!text || !strstr(text, words))
        fail_msg("\"%s\" is not in:\n%s", words, text ? text : "nothing");
}

/* ---- the table ---- */

static void units_fit_the_values(void **state)
{
    (void)state;
    struct fb_metrics metrics = { 0 };
    put(&metrics, "a.ns", "pthread", 2, "ns", around(999));
    put(&metrics, "a.us", "pthread", 2, "ns", around(1000));
    put(&metrics, "b.us", "pthread", 2, "ns", around(999900));
    put(&metrics, "a.ms", "pthread", 2, "ns", around(1e6));
    put(&metrics, "a.minus", "pthread", 2, "ns", (struct fb_interval){ -2.5e6, -3e6, -2e6, 6 });
    put(&metrics, "a.part", "pthread", 2, "per cent", around(2000));
    put(&metrics, "a.once", "pthread", 2, "ns", (struct fb_interval){ 7000, NAN, NAN, 1 });
    char *text = printed(&metrics);
    check_figure(text, "a.ns", "999", "[499.5, 1998]", "ns");
    check_figure(text, "a.us", "1", "[0.5, 2]", "µs");
    check_figure(text, "b.us", "999.9", "[499.9, 2000]", "µs");
    check_figure(text, "a.ms", "1", "[0.5, 2]", "ms");
    check_figure(text, "a.minus", "-2.5", "[-3, -2]", "ms");
    check_figure(text, "a.part", "2000", "[1000, 4000]", "per cent");
    check_figure(text, "a.once", "7", "-", "µs");
    struct row row = row_of(text, "a.ns", "pthread");
    assert_string_equal(row.cell[STATE], "warm");
    assert_string_equal(row.cell[BINDING], "bound");
    assert_says(text, "Invented, 3 GHz, 2.5 effective CPUs, Linux 1.2, 2026-01-31T12:34:56Z.");
    free(text);
    fb_metrics_clear(&metrics);
}

static void infinity_is_printed_as_never(void **state)
{
    (void)state;
    struct fb_metrics metrics = { 0 };
    put(&metrics, "dispatch.metg50", "pthread", 2, "ns",
        (struct fb_interval){ INFINITY, 50, INFINITY, 6 });
    put(&metrics, "dispatch.metg90", "pthread", 2, "ns",
        (struct fb_interval){ 50, 40, INFINITY, 6 });
    char *text = printed(&metrics);
    struct row row = row_of(text, "dispatch.metg50", "pthread");
    assert_string_equal(row.cell[MEDIAN], "never");
    assert_string_equal(row.cell[BOUNDS], "[50, never]");
    row = row_of(text, "dispatch.metg90", "pthread");
    assert_string_equal(row.cell[MEDIAN], "50");
    assert_string_equal(row.cell[BOUNDS], "[40, never]");
    assert_null(strstr(text, "inf"));
    free(text);
    fb_metrics_clear(&metrics);
}

static void creation_is_shown_for_one_and_for_most_workers(void **state)
{
    (void)state;
    static const struct {
        unsigned workers;
        const char *text;
        bool shown;
    } counts[] = { { 1, "1", true }, { 2, "2", false }, { 4, "4", false }, { 8, "8", true } };
    struct fb_metrics metrics = { 0 };
    for (size_t i = 0; i < 4; i++) {
        put(&metrics, "create.ready", "fork", counts[i].workers, "ns", around(100));
        put(&metrics, "create.ready.ratio", "fork", counts[i].workers, "ratio to pthread",
            around(3));
        put(&metrics, "dispatch.empty", "fork", counts[i].workers, "ns", around(100));
    }
    char *text = printed(&metrics);
    for (size_t i = 0; i < 4; i++) {
        struct row row;
        assert_int_equal(find_row(text, "create.ready", "fork", counts[i].text, &row),
                         counts[i].shown);
        /* Other figures are shown for any number of workers. */
        assert_true(find_row(text, "dispatch.empty", "fork", counts[i].text, &row));
    }
    free(text);
    fb_metrics_clear(&metrics);
}

/* A ratio has no row of its own; it is in the row of its figure. */
static void ratios_are_in_the_row_of_their_figure(void **state)
{
    (void)state;
    struct fb_metrics metrics = { 0 };
    put(&metrics, "dispatch.claim", "pthread", 2, "ns", around(2000));
    put(&metrics, "dispatch.claim.ratio", "pthread", 2, "ratio to openmp", around(0.5));
    put(&metrics, "dispatch.claim", "openmp", 2, "ns", around(4000));
    put(&metrics, "dispatch.empty", "pthread", 2, "ns", around(7));
    put(&metrics, "dispatch.empty.ratio", "pthread", 2, "ratio to openmp",
        (struct fb_interval){ 1.25, NAN, NAN, 1 });
    char *text = printed(&metrics);
    assert_null(strstr(text, ".ratio"));
    struct row row = row_of(text, "dispatch.claim", "pthread");
    assert_string_equal(row.cell[RATIO], "0.5");
    assert_string_equal(row.cell[ITS_BOUNDS], "[0.25, 1]");
    assert_string_equal(row.cell[TO], "openmp");
    row = row_of(text, "dispatch.empty", "pthread");
    assert_string_equal(row.cell[RATIO], "1.25");
    assert_string_equal(row.cell[ITS_BOUNDS], "-");
    assert_string_equal(row.cell[TO], "openmp");
    row = row_of(text, "dispatch.claim", "openmp");
    assert_string_equal(row.cell[RATIO], "-");
    assert_string_equal(row.cell[ITS_BOUNDS], "-");
    assert_string_equal(row.cell[TO], "-");
    free(text);
    fb_metrics_clear(&metrics);
}

/* ---- the sentences ---- */

static void accounts_are_printed_in_words(void **state)
{
    (void)state;
    struct fb_metrics metrics = { 0 };
    put_account(&metrics, "forkpool", 2e6);
    put_account(&metrics, "pthread", -0.5e6);
    char *text = printed(&metrics);
    assert_says(text, "\nforkpool: a coarse job (primes) on 2 workers took 40.00 ms where the "
                      "hardware allows 30.00 ms.\n  Of the 10.00 ms beyond that its parts explain "
                      "80 %; unexplained: 2.00 ms [-1.00, 5.00].\n");
    assert_says(text, "\npthread: a coarse job");
    assert_says(text, "unexplained: -0.50 ms [-1.00, 5.00].\n");
    assert_null(strstr(text, "Left out"));
    free(text);
    fb_metrics_clear(&metrics);
}

/* With fewer than 6 rounds. */
static void an_account_without_intervals(void **state)
{
    (void)state;
    static const char *const names[] = { "account.time", "account.ceiling", "account.excess",
                                         "account.unexplained", "account.explained" };
    struct fb_metrics metrics = { 0 };
    struct fb_interval once = unknown;
    for (size_t i = 0; i < 5; i++) {
        once.value = 1e6 * (double)(i + 1);
        put(&metrics, names[i], "pthread", 2, i < 4 ? "ns" : "per cent", once);
    }
    char *text = printed(&metrics);
    assert_says(text, "unexplained: 4.00 ms");
    assert_null(strstr(text, "nan"));
    free(text);
    fb_metrics_clear(&metrics);
}

static void what_was_left_out_is_printed(void **state)
{
    (void)state;
    struct fb_metrics metrics = { 0 };
    put(&metrics, "dispatch.claim", "pthread", 2, "ns", around(2000));
    snprintf(metrics.left_out, sizeof metrics.left_out, "creation by a giant: no room");
    char *text = printed(&metrics);
    assert_says(text, "\nLeft out: creation by a giant: no room.\n");
    free(text);
    fb_metrics_clear(&metrics);
}

/* ---- files ---- */

static char folder[FOLDER_NAME];

static int begin(void **state)
{
    (void)state;
    folder_make(folder);
    return 0;
}

static int end(void **state)
{
    (void)state;
    folder_remove(folder);
    return 0;
}

static void check_json(void)
{
    char *text = file_read(folder, "overhead.json");
    json_t *root = json_loads(text, 0, NULL), *list = json_object_get(root, "metrics");
    assert_int_equal(json_array_size(list), 2);
    const json_t *never = json_array_get(list, 0), *known = json_array_get(list, 1);
    assert_true(json_is_null(json_object_get(never, "value")));
    assert_near(json_number_value(json_object_get(never, "low")), 50, 0);
    assert_true(json_is_null(json_object_get(never, "high")));
    assert_near(json_number_value(json_object_get(known, "value")), 1234.5678, 1e-9);
    assert_string_equal(json_string_value(json_object_get(root, "left_out")), "a, b");
    assert_int_equal(json_array_size(json_object_get(root, "curves")), 1);
    json_decref(root);
    free(text);
}

static void check_csv(const char *name, size_t rows, const char *value, const char *low)
{
    struct csv csv;
    char *text = file_read(folder, name);
    csv_read(&csv, text);
    assert_int_equal(csv.rows, rows);
    assert_string_equal(csv_at(&csv, 0, value), "inf");
    assert_string_equal(csv_at(&csv, 0, low), "50");
    /* Many readers split lines at commas. */
    assert_string_equal(csv_at(&csv, 0, "cpu"), "Invented  3 GHz");
    assert_string_equal(csv_at(&csv, 0, "cpus_effective"), "2.5");
    assert_string_equal(csv_at(&csv, 0, "started_utc"), machine.utc);
    csv_clear(&csv);
    free(text);
}

/* JSON has no infinity: a level that is never reached is null there, and empty in CSV. */
static void files_of_infinite_figures(void **state)
{
    (void)state;
    const struct fb_interval never = { INFINITY, 50, INFINITY, 6 };
    struct fb_metrics metrics = { .left_out = "a, b" };
    struct fb_point point = {
        .harness = "pthread", .workers = 2, .binding = "bound", .length_ns = 12, .efficiency = never
    };
    struct fb_overhead_report report = { &machine, &metrics };
    struct fb_error error = { 0 };
    put(&metrics, "dispatch.metg50", "pthread", 2, "ns", never);
    put(&metrics, "dispatch.claim", "pthread", 2, "ns", around(1234.5678));
    assert_int_equal(fb_metrics_add_point(&metrics, &point), 0);
    assert_int_equal(fb_overhead_save(&report, folder, &error), 0);
    assert_int_equal(folder_count(folder), 3);
    check_json();
    check_csv("overhead.csv", 2, "value", "low");
    check_csv("curves.csv", 1, "efficiency", "efficiency_low");
    assert_true(fb_overhead_save(&report, "/dev/null", &error) < 0);
    assert_says(error.text, "/dev/null");
    fb_metrics_clear(&metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units_fit_the_values),
        cmocka_unit_test(infinity_is_printed_as_never),
        cmocka_unit_test(creation_is_shown_for_one_and_for_most_workers),
        cmocka_unit_test(ratios_are_in_the_row_of_their_figure),
        cmocka_unit_test(accounts_are_printed_in_words),
        cmocka_unit_test(an_account_without_intervals),
        cmocka_unit_test(what_was_left_out_is_printed),
        cmocka_unit_test_setup_teardown(files_of_infinite_figures, begin, end),
    };
    return RUN_TESTS(tests);
}
