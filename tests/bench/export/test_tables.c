/* bench/export/: the CSV files and tables compared with the data they were written from. */
#include "tests/support/support.h"

#include "tests/support/csv_reader.h"
#include "tests/support/folder.h"
#include "tests/bench/export/invented_run.h"
#include "tests/support/near.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct invented invented;
static char folder[FOLDER_NAME];

static int begin(void **state)
{
    (void)state;
    folder_make(folder);
    invented_make(&invented);
    return 0;
}

static int end(void **state)
{
    (void)state;
    folder_remove(folder);
    invented_clear(&invented);
    return 0;
}

static char *written(const char *name)
{
    struct fb_error error = { 0 };
    if (fb_export_all(&invented.run, folder, &error) != 0)
        fail_msg("%s", error.text);
    return file_read(folder, name);
}

static void read_csv(struct csv *csv, const char *name)
{
    char *text = written(name);
    csv_read(csv, text);
    free(text);
}

/* ---- CSV ---- */

/* Columns may be added, but none of these may be removed. */
static const char *const samples_columns[] = {
    "block",
    "position",
    "kernel",
    "parameters",
    "harness",
    "workers",
    "role",
    "build",
    "repeat",
    "run_ns",
    "took_ns",
    "prepare_ns",
    "setup_ns",
    "open_ns",
    "close_ns",
    "wall_ns",
    "user_ns",
    "system_ns",
    "digest",
    "voluntary_switches",
    "involuntary_switches",
    "minor_faults",
    "max_rss_bytes",
    "outlier_score",
    "disturbed",
    NULL,
};
static const char *const summary_columns[] = {
    "kernel",         "parameters",
    "harness",        "workers",
    "role",           "build",
    "speedup_mean",   "efficiency_median",
    "serial_median",  "serial_high",
    "blocks",         "run_ns_median",
    "disturbed",      "outliers",
    "run_ns_low",     "run_ns_high",
    "speedup_median", "speedup_low",
    "speedup_high",   "of_ceiling_median",
    "of_ceiling_low", "of_ceiling_high",
    "base",           "status",
    "cpus_effective", "cpu",
    "started_utc",    NULL,
};

/* Texts, counts and ratios have no unit. */
static const char *const without_unit[] = {
    "block",
    "blocks",
    "disturbed",
    "outliers",
    "outlier_score",
    "position",
    "kernel",
    "parameters",
    "harness",
    "workers",
    "role",
    "build",
    "repeat",
    "digest",
    "base",
    "status",
    "cpu",
    "cpus_effective",
    "started_utc",
    "voluntary_switches",
    "involuntary_switches",
    "minor_faults",
    "speedup_median",
    "speedup_low",
    "speedup_high",
    "of_ceiling_median",
    "of_ceiling_low",
    "of_ceiling_high",
    "speedup_mean",
    "speedup_mean_low",
    "speedup_mean_high",
    "efficiency_median",
    "efficiency_low",
    "efficiency_high",
    "serial_median",
    "serial_low",
    "serial_high",
    NULL,
};

static bool is_among(const char *name, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(name, *list) == 0)
            return true;
    return false;
}

static void check_header(const struct csv *csv, const char *const *columns)
{
    for (size_t i = 0; i < csv->columns; i++) {
        const char *name = csv->field[i];
        assert_true(strstr(name, "_ns") || strstr(name, "_bytes") || is_among(name, without_unit));
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(name, csv->field[k]);
    }
    for (; *columns; columns++)
        csv_at(csv, 0, *columns);
}

static void check_number(const struct csv *csv, size_t row, const char *column, uint64_t wanted)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, wanted);
    assert_string_equal(csv_at(csv, row, column), text);
}

static void check_cell(const struct csv *csv, size_t row, const struct fb_cell *cell)
{
    assert_string_equal(csv_at(csv, row, "kernel"), cell->kernel->name);
    assert_string_equal(csv_at(csv, row, "parameters"), cell->params);
    assert_string_equal(csv_at(csv, row, "harness"), cell->label);
    check_number(csv, row, "workers", cell->workers);
}

static void samples_csv_has_all_samples(void **state)
{
    (void)state;
    struct csv csv;
    read_csv(&csv, "samples.csv");
    check_header(&csv, samples_columns);
    assert_int_equal(csv.rows, INVENTED_SAMPLES);
    for (size_t row = 0; row < csv.rows; row++) {
        const struct fb_sample *sample = &invented.sample[row];
        char digest[20];
        snprintf(digest, sizeof digest, "%016" PRIx64, sample->digest);
        check_cell(&csv, row, &invented.cell[sample->cell]);
        check_number(&csv, row, "block", sample->block);
        check_number(&csv, row, "position", sample->position);
        check_number(&csv, row, "prepare_ns", sample->prepare_ns);
        check_number(&csv, row, "setup_ns", sample->setup_ns);
        check_number(&csv, row, "open_ns", sample->open_ns);
        check_number(&csv, row, "run_ns", sample->run_ns);
        check_number(&csv, row, "close_ns", sample->close_ns);
        check_number(&csv, row, "wall_ns", sample->wall_ns);
        check_number(&csv, row, "user_ns", sample->user_ns);
        check_number(&csv, row, "system_ns", sample->system_ns);
        check_number(&csv, row, "voluntary_switches", sample->voluntary_switches);
        check_number(&csv, row, "involuntary_switches", sample->involuntary_switches);
        check_number(&csv, row, "minor_faults", sample->minor_faults);
        check_number(&csv, row, "max_rss_bytes", sample->max_rss_bytes);
        assert_string_equal(csv_at(&csv, row, "digest"), digest);
    }
    csv_clear(&csv);
}

/* Checks a number, with this relative error; empty if it is not known. */
static void check_real(const struct csv *csv, size_t row, const char *column, double wanted,
                       double error)
{
    const char *text = csv_at(csv, row, column);
    char *rest;
    if (!isfinite(wanted)) {
        assert_string_equal(text, "");
        return;
    }
    assert_near(strtod(text, &rest), wanted, fabs(wanted) * error + 0.5 * (error == 0));
    assert_true(rest != text && !*rest);
}

static void check_interval(const struct csv *csv, size_t row, const char *name, bool known,
                           const struct fb_interval *interval, double error)
{
    static const char *const parts[] = { "median", "low", "high" };
    const double values[] = { interval->value, interval->low, interval->high };
    for (size_t i = 0; i < 3; i++) {
        char column[40];
        snprintf(column, sizeof column, "%s_%s", name, parts[i]);
        check_real(csv, row, column, known ? values[i] : NAN, error);
    }
}

/* Whole ns, ratios to six digits. The CPU's name has no commas, because scripts split lines at
 * them. */
static void summary_csv_has_all_cells(void **state)
{
    (void)state;
    struct csv csv;
    read_csv(&csv, "summary.csv");
    check_header(&csv, summary_columns);
    assert_int_equal(csv.rows, INVENTED_CELLS);
    for (size_t row = 0; row < csv.rows; row++) {
        const struct fb_cell *cell = &invented.cell[row];
        const struct fb_summary *summary = &invented.summary[row];
        check_cell(&csv, row, cell);
        check_number(&csv, row, "blocks", summary->run_ns.samples);
        check_real(&csv, row, "cpus_effective", invented.machine.cpus.effective, 1e-9);
        check_interval(&csv, row, "run_ns", true, &summary->run_ns, 0);
        check_interval(&csv, row, "speedup", summary->has_speedup, &summary->speedup, 1e-5);
        check_interval(&csv, row, "of_ceiling", summary->has_ceiling, &summary->of_ceiling, 1e-5);
        check_interval(&csv, row, "efficiency", summary->has_speedup, &summary->efficiency, 1e-5);
        check_interval(&csv, row, "serial", summary->has_speedup, &summary->serial, 1e-5);
        assert_string_equal(csv_at(&csv, row, "base"),
                            cell->base == FB_NO_CELL ? "" : invented.cell[cell->base].label);
        assert_string_equal(csv_at(&csv, row, "status"),
                            invented.outcome[row].failed ? "failed" : "ok");
        assert_string_equal(csv_at(&csv, row, "cpu"), "Some CPU  3.7 GHz \"fast\"");
        assert_string_equal(csv_at(&csv, row, "started_utc"), invented.machine.utc);
    }
    csv_clear(&csv);
}

static void line_breaks_in_fields_are_quoted(void **state)
{
    (void)state;
    struct csv csv;
    strcpy(invented.cell[INVENTED_BASE].label, "two\nlines");
    strcpy(invented.cell[INVENTED_PTHREAD].label, "a\rreturn");
    read_csv(&csv, "summary.csv");
    assert_int_equal(csv.rows, INVENTED_CELLS);
    check_cell(&csv, INVENTED_BASE, &invented.cell[INVENTED_BASE]);
    check_cell(&csv, INVENTED_PTHREAD, &invented.cell[INVENTED_PTHREAD]);
    csv_clear(&csv);
}

/* ---- tables ---- */

/* Counts the bars that separate cells, without escaped ones. */
static size_t count_bars(const char *line)
{
    size_t bars = 0;
    for (size_t i = 0; line[i] && line[i] != '\n'; i++)
        bars += line[i] == '|' && (i == 0 || line[i - 1] != '\\');
    return bars;
}

static size_t count_rows(const char *text)
{
    size_t rows = 0, bars = count_bars(text);
    assert_true(bars > 1);
    for (const char *line = text; *line == '|'; line += strcspn(line, "\n") + 1, rows++)
        assert_int_equal(count_bars(line), bars);
    return rows;
}

static void summary_md_is_a_table(void **state)
{
    (void)state;
    char *text = written("summary.md");
    assert_int_equal(count_rows(text), 2 + INVENTED_CELLS);
    static const char *const wanted[] = {
        "|---",
        "64.00",
        "1.933",
        "[1.875, 1.950]",
        "0.984",
        "failed",
        "never\", then",
        "1.975",
        "cpython-process=/home/jörg",
        "/opt/a,b/\"py\"",
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (!strstr(text, wanted[i]))
            fail_msg("not in summary.md: %s", wanted[i]);
    assert_null(strstr(text, "nan"));
    free(text);
}

static void bars_in_labels_are_escaped(void **state)
{
    (void)state;
    strcpy(invented.cell[INVENTED_FEW].label, "cpython-process=/opt/a|b/python3");
    strcpy(invented.cell[INVENTED_PTHREAD].params, "images=/tmp/a|b");
    char *text = written("summary.md");
    assert_int_equal(count_rows(text), 2 + INVENTED_CELLS);
    free(text);
}

static void the_table_for_terminals_is_aligned(void **state)
{
    (void)state;
    strcpy(invented.cell[INVENTED_FEW].label, "cpython-process=/home/joerg/python3");
    strcpy(invented.outcome[INVENTED_QUOTED].description, "3.13.1");
    char *text = NULL;
    size_t size = 0, rows = 0;
    FILE *to = open_memstream(&text, &size);
    assert_non_null(to);
    fb_export_table(&invented.run, to);
    assert_int_equal(fclose(to), 0);
    size_t width = strcspn(text, "\n");
    for (const char *line = text; *line && *line != '\n'; line += strcspn(line, "\n") + 1, rows++)
        assert_int_equal(strcspn(line, "\n"), width);
    assert_int_equal(rows, 1 + INVENTED_CELLS);
    for (size_t i = 0; i < size; i++)
        assert_true(text[i] == '\n' || (text[i] >= ' ' && text[i] <= '~'));
    free(text);
}

/* A time of microseconds must not be printed as 0. */
static void short_times_are_not_printed_as_0(void **state)
{
    (void)state;
    invented.summary[INVENTED_BASE].run_ns = (struct fb_interval){ 1570, 1300, 1600, 9 };
    char *text = written("summary.md");
    assert_null(strstr(text, " 0.00 "));
    free(text);
}

static void summary_md_reports_an_incomplete_run(void **state)
{
    (void)state;
    char *text = written("summary.md");
    assert_null(strstr(text, "was interrupted"));
    assert_non_null(strstr(text, "Cells left out: 3"));
    free(text);
    invented.run.complete = false;
    invented.plan.left_out = 0;
    text = written("summary.md");
    assert_non_null(strstr(text, "was interrupted"));
    assert_null(strstr(text, "left out"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(samples_csv_has_all_samples, begin, end),
        cmocka_unit_test_setup_teardown(summary_csv_has_all_cells, begin, end),
        cmocka_unit_test_setup_teardown(line_breaks_in_fields_are_quoted, begin, end),
        cmocka_unit_test_setup_teardown(summary_md_is_a_table, begin, end),
        cmocka_unit_test_setup_teardown(bars_in_labels_are_escaped, begin, end),
        cmocka_unit_test_setup_teardown(the_table_for_terminals_is_aligned, begin, end),
        cmocka_unit_test_setup_teardown(short_times_are_not_printed_as_0, begin, end),
        cmocka_unit_test_setup_teardown(summary_md_reports_an_incomplete_run, begin, end),
    };
    return RUN_TESTS(tests);
}
