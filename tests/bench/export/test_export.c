/* bench/export/: run.json compared with the data it was written from, and folders that can't be
 * written to. */
#include "tests/support/support.h"

#include "tests/support/folder.h"
#include "tests/bench/export/invented_run.h"
#include "tests/support/near.h"

#include "bench/format/result_dir.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

static const char *const files[] = { "run.json",    "samples.csv", "summary.csv", "comparisons.csv",
                                     "scaling.csv", "why.csv",     "summary.md" };

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

static void write_all(void)
{
    struct fb_error error = { 0 };
    if (fb_export_all(&invented.run, folder, &error) != 0)
        fail_msg("%s", error.text);
}

static json_t *read_json(void)
{
    json_error_t where;
    char *text = file_read(folder, "run.json");
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &where);
    free(text);
    if (!root)
        fail_msg("run.json:%d: %s", where.line, where.text);
    return root;
}

/* ---- run.json ---- */

static void check_text(const json_t *object, const char *key, const char *wanted)
{
    const char *text = json_string_value(json_object_get(object, key));
    if (!text)
        fail_msg("no text: %s", key);
    assert_string_equal(text, wanted);
}

static void check_number(const json_t *object, const char *key, uint64_t wanted)
{
    const json_t *number = json_object_get(object, key);
    if (!json_is_integer(number))
        fail_msg("no whole number: %s", key);
    assert_int_equal(json_integer_value(number), wanted);
}

/* NaN is null; other numbers are exact to the last bit. */
static void check_real(const json_t *object, const char *key, double wanted)
{
    const json_t *number = json_object_get(object, key);
    if (isnan(wanted))
        assert_true(json_is_null(number));
    else
        assert_near(json_number_value(number), wanted, 0);
}

static void check_index(const json_t *object, const char *key, size_t wanted)
{
    if (wanted == FB_NO_CELL)
        assert_true(json_is_null(json_object_get(object, key)));
    else
        check_number(object, key, wanted);
}

static void check_interval(const json_t *object, const char *key, bool wanted,
                           const struct fb_interval *interval)
{
    const json_t *found = json_object_get(object, key);
    assert_int_equal(found != NULL, wanted);
    if (!wanted)
        return;
    check_real(found, "median", interval->value);
    check_real(found, "low", interval->low);
    check_real(found, "high", interval->high);
    check_number(found, "blocks", interval->samples);
}

static void check_head(const json_t *root)
{
    const struct fb_machine *machine = &invented.machine;
    const json_t *found = json_object_get(root, "machine");
    check_number(root, "schema", FB_SCHEMA);
    const json_t *build = json_object_get(root, "build");
    check_text(build, "version", "0.9");
    check_text(build, "commit", "abc1234");
    check_text(build, "compiler", "gcc 12.2.0");
    check_text(build, "kernels", "00112233");
    check_text(build, "harnesses", "44556677");
    assert_true(json_is_null(json_object_get(root, "against")));
    check_text(root, "started_utc", machine->utc);
    assert_true(json_is_true(json_object_get(root, "complete")));
    check_text(found, "cpu", machine->cpu);
    check_text(found, "kernel", machine->kernel);
    check_number(found, "memory_mib", machine->memory_mib);
    check_number(found, "cpus_online", machine->cpus.online);
    check_number(found, "cpus_allowed", machine->cpus.allowed);
    check_real(found, "cpus_effective", machine->cpus.effective);
    check_real(found, "cpu_quota", machine->cpus.cgroup.quota);
}

static void check_plan(const json_t *root)
{
    const json_t *plan = json_object_get(root, "plan");
    const json_t *cells = json_object_get(plan, "cells");
    const json_t *budget = json_object_get(plan, "budget_s");
    check_number(plan, "seed", invented.run.seed);
    check_real(budget, "C", invented.budget_s[FB_FAMILY_C]);
    check_real(budget, "CPython", invented.budget_s[FB_FAMILY_CPYTHON]);
    assert_int_equal(json_array_size(cells), INVENTED_CELLS);
    for (size_t i = 0; i < INVENTED_CELLS; i++) {
        const struct fb_cell *cell = &invented.cell[i];
        const json_t *found = json_array_get(cells, i);
        check_text(found, "kernel", cell->kernel->name);
        check_text(found, "parameters", cell->params);
        check_text(found, "harness", cell->label);
        check_text(found, "family", cell->family == FB_FAMILY_C ? "C" : "CPython");
        check_number(found, "workers", cell->workers);
        check_number(found, "copies", cell->copies);
        check_index(found, "base", cell->base);
        check_index(found, "ceiling", cell->ceiling);
    }
}

static void check_samples(const json_t *root)
{
    const json_t *list = json_object_get(root, "samples");
    assert_int_equal(json_array_size(list), INVENTED_SAMPLES);
    for (size_t i = 0; i < INVENTED_SAMPLES; i++) {
        const struct fb_sample *sample = &invented.sample[i];
        const json_t *found = json_array_get(list, i), *raw = json_object_get(found, "exec");
        check_number(found, "block", sample->block);
        check_number(found, "position", sample->position);
        check_number(found, "cell", sample->cell);
        check_number(found, "run_ns", sample->run_ns);
        if (sample->raw)
            assert_true(json_equal(raw, sample->raw));
        else
            assert_null(raw);
    }
}

static void check_summary(const json_t *root)
{
    const json_t *list = json_object_get(root, "summary");
    assert_int_equal(json_array_size(list), INVENTED_CELLS);
    for (size_t i = 0; i < INVENTED_CELLS; i++) {
        const struct fb_summary *summary = &invented.summary[i];
        const struct fb_outcome *outcome = &invented.outcome[i];
        const json_t *found = json_array_get(list, i);
        check_number(found, "cell", i);
        check_interval(found, "run_ns", true, &summary->run_ns);
        check_interval(found, "speedup", summary->has_speedup, &summary->speedup);
        check_interval(found, "of_ceiling", summary->has_ceiling, &summary->of_ceiling);
        check_interval(found, "efficiency", summary->has_speedup, &summary->efficiency);
        check_interval(found, "serial_fraction", summary->has_speedup, &summary->serial);
        check_text(found, "answer", outcome->answer);
        assert_int_equal(json_is_true(json_object_get(found, "valid")),
                         outcome->checked && !outcome->failed);
        assert_int_equal(json_object_get(found, "failed") != NULL, outcome->failed);
        assert_int_equal(json_object_get(found, "description") != NULL,
                         outcome->description[0] != '\0');
        if (outcome->failed)
            check_text(found, "failed", outcome->failure);
        if (outcome->description[0])
            check_text(found, "description", outcome->description);
    }
}

static void check_comparisons(const json_t *root)
{
    const json_t *list = json_object_get(root, "comparisons");
    const json_t *noise = json_object_get(json_object_get(root, "noise"), "C");
    const struct fb_null *null = &invented.analysis.null[FB_FAMILY_C];
    assert_int_equal(json_array_size(list), 1);
    const json_t *found = json_array_get(list, 0);
    check_number(found, "reference", INVENTED_BASE);
    check_number(found, "cell", INVENTED_PTHREAD);
    check_text(found, "factor", "harness");
    check_text(found, "verdict", "faster");
    check_interval(found, "ratio", true, &invented.finding[0].ratio);
    check_interval(noise, "null_ratio", true, &null->ratio);
    check_real(noise, "floor", null->floor);
    check_real(noise, "detectable", null->detectable);
    assert_true(json_is_null(json_object_get(json_object_get(root, "noise"), "CPython")));
}

static void run_json_has_all_data(void **state)
{
    (void)state;
    write_all();
    json_t *root = read_json();
    check_head(root);
    check_plan(root);
    check_samples(root);
    check_summary(root);
    check_comparisons(root);
    json_decref(root);
}

static void an_incomplete_run_can_be_exported(void **state)
{
    (void)state;
    invented.run.complete = false;
    invented.machine.cpus.cgroup.quota = 0; /* no quota */
    invented.samples.count = 0;
    write_all();
    json_t *root = read_json();
    assert_true(json_is_false(json_object_get(root, "complete")));
    assert_true(json_is_null(json_object_get(json_object_get(root, "machine"), "cpu_quota")));
    assert_int_equal(json_array_size(json_object_get(root, "samples")), 0);
    json_decref(root);
}

/* A path may be any bytes, and a text that was cut may end inside a character. Such texts must not
 * make cells disappear from JSON, because then the indices of the others would be wrong. */
static void texts_that_are_not_utf8_are_valid_json(void **state)
{
    (void)state;
    strcpy(invented.cell[INVENTED_FEW].label, "cpython-process=/home/j\xf6rg/python3");
    strcpy(invented.cell[INVENTED_PTHREAD].params, "lo=1 \xff");
    strcpy(invented.outcome[INVENTED_FAILED].failure, "no such folder: /home/j\xc3");
    strcpy(invented.outcome[INVENTED_QUOTED].description, "\xe2\x80");
    strcpy(invented.outcome[INVENTED_QUOTED].answer, "\xc3");
    write_all();
    json_t *root = read_json();
    const json_t *plan = json_object_get(root, "plan");
    const json_t *summary = json_object_get(root, "summary");
    assert_int_equal(json_array_size(json_object_get(plan, "cells")), INVENTED_CELLS);
    assert_int_equal(json_array_size(summary), INVENTED_CELLS);
    for (size_t i = 0; i < INVENTED_CELLS; i++)
        check_number(json_array_get(summary, i), "cell", i);
    assert_non_null(json_object_get(json_array_get(summary, INVENTED_FAILED), "failed"));
    json_decref(root);
}

/* ---- files ---- */

static void exactly_these_files_are_written(void **state)
{
    (void)state;
    for (int times = 0; times < 2; times++) {
        write_all();
        for (size_t i = 0; i < sizeof files / sizeof *files; i++)
            assert_true(file_exists(folder, files[i]));
        assert_int_equal(folder_count(folder), sizeof files / sizeof *files);
    }
}

static void check_refused(const char *where, const char *file)
{
    struct fb_error error = { 0 };
    int result = fb_export_all(&invented.run, where, &error);
    assert_true(result < 0);
    assert_int_equal(error.code, result);
    assert_non_null(strstr(error.text, file));
    assert_null(strchr(error.text, '\n'));
}

static void a_missing_folder_is_an_error(void **state)
{
    (void)state;
    char path[FOLDER_NAME + 16];
    file_write(folder, "a-file", "kept");
    snprintf(path, sizeof path, "%s/a-file", folder);
    check_refused(path, "run.json");
    char *text = file_read(folder, "a-file");
    assert_string_equal(text, "kept");
    free(text);
    snprintf(path, sizeof path, "%s/nothing", folder);
    check_refused(path, "run.json");
    assert_int_equal(folder_count(folder), 1);
}

/* A folder with the name of a file can't be replaced. */
static void a_folder_with_the_name_of_a_file_is_an_error(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[FOLDER_NAME + 16];
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        assert_int_equal(mkdir(path, 0777), 0);
        check_refused(folder, files[i]);
        char part[64];
        snprintf(part, sizeof part, "%s.part", files[i]);
        assert_false(file_exists(folder, part));
        assert_int_equal(remove(path), 0);
        file_write(folder, files[i], "");
    }
}

static size_t size_of(const char *name)
{
    char *text = file_read(folder, name);
    size_t size = strlen(text);
    free(text);
    return size;
}

/* A limit on file sizes acts like a full disk. `file` can't be written, so the old one must remain. */
static void check_full_disk(size_t room, const char *file)
{
    struct rlimit before;
    struct fb_error error = { 0 };
    file_write(folder, file, "old");
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit limit = { room, before.rlim_max };
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    int result = fb_export_all(&invented.run, folder, &error);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_DFL);
    assert_true(result < 0);
    assert_non_null(strstr(error.text, file));
    char *text = file_read(folder, file);
    assert_string_equal(text, "old");
    free(text);
    assert_int_equal(folder_count(folder), sizeof files / sizeof *files);
}

/* Writing fails inside the exporter, or at the end, when the buffer is written. */
static void old_files_survive_a_full_disk(void **state)
{
    (void)state;
    write_all();
    size_t whole = size_of("run.json");
    const size_t room[] = { 0, 100, whole / 2, whole - 1 };
    for (size_t i = 0; i < sizeof room / sizeof *room; i++)
        check_full_disk(room[i], "run.json");
    write_all();
    json_decref(read_json());
}

/* The same for a table, with space for run.json, which is smaller without the output of exec. */
static void old_tables_survive_a_full_disk(void **state)
{
    (void)state;
    static struct fb_sample many[1000];
    static double score[1000];
    for (size_t i = 0; i < sizeof many / sizeof *many; i++) {
        many[i] = invented.sample[2];
        memset(many[i].disturbed, 'x', sizeof many[i].disturbed - 1);
    }
    invented.analysis.score = score;
    invented.samples.list = many;
    invented.samples.count = sizeof many / sizeof *many;
    write_all();
    size_t json = size_of("run.json");
    assert_true(size_of("samples.csv") > json + 10000);
    check_full_disk(json, "samples.csv");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(run_json_has_all_data, begin, end),
        cmocka_unit_test_setup_teardown(an_incomplete_run_can_be_exported, begin, end),
        cmocka_unit_test_setup_teardown(texts_that_are_not_utf8_are_valid_json, begin, end),
        cmocka_unit_test_setup_teardown(exactly_these_files_are_written, begin, end),
        cmocka_unit_test_setup_teardown(a_missing_folder_is_an_error, begin, end),
        cmocka_unit_test_setup_teardown(a_folder_with_the_name_of_a_file_is_an_error, begin, end),
        cmocka_unit_test_setup_teardown(old_files_survive_a_full_disk, begin, end),
        cmocka_unit_test_setup_teardown(old_tables_survive_a_full_disk, begin, end),
    };
    return RUN_TESTS(tests);
}
