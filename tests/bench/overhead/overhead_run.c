#include "tests/support/support.h"

#include "tests/bench/overhead/overhead_run.h"
#include "tests/support/programs/background_program.h"
#include "tests/support/csv_reader.h"
#include "tests/support/folder.h"
#include "tests/support/near.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[FOLDER_NAME];
static cpu_set_t allowed;

int overhead_begin(void **state)
{
    (void)state;
    folder_make(folder);
    assert_int_equal(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    return chdir(folder);
}

int overhead_end(void **state)
{
    (void)state;
    int result = chdir("/");
    /* A failed test leaves the affinity restricted. */
    result |= sched_setaffinity(0, sizeof allowed, &allowed);
    folder_remove(folder);
    return result;
}

struct said overhead_run(const char *const *arguments)
{
    char mark[MARK_SIZE];
    mark_new(mark);
    signal(SIGALRM, SIG_IGN); /* inherited: disables the limit of program_run */
    struct said said = program_run(arguments);
    signal(SIGALRM, SIG_DFL);
    size_t left = marked(mark, NULL, 0);
    if (!wait_for_none_marked(mark) || left > 0)
        fail_msg("%zu processes are left", left);
    if (said.code != 0)
        fail_msg("exit %d: %s", said.code, said.err);
    assert_string_equal(said.err, "");
    return said;
}

/* ---- files ---- */

static void check_number(const struct csv *csv, size_t row, const char *column,
                         const json_t *object, const char *key)
{
    const char *text = csv_at(csv, row, column);
    double wanted = figure_value(object, key);
    if (isnan(wanted)) /* JSON has no infinity */
        assert_true(strcmp(text, "") == 0 || strcmp(text, "inf") == 0);
    else
        assert_near(strtod(text, NULL), wanted, 1e-5 * fabs(wanted));
}

static void check_texts(const struct csv *csv, size_t row, const json_t *object,
                        const char *const *names)
{
    for (; *names; names++)
        assert_string_equal(csv_at(csv, row, *names),
                            json_string_value(json_object_get(object, *names)));
}

static void open_csv(struct csv *csv, const char *name)
{
    char *text = file_read("out", name);
    csv_read(csv, text);
    free(text);
}

static void check_files(const struct measured *measured)
{
    static const char *const figure[] = { "name", "harness", "state", "binding", "unit", NULL },
                             *const point[] = { "harness", "binding", NULL },
                             *const numbers[] = { "workers", "value", "low", "high", "rounds" };
    struct csv csv;
    const json_t *object;
    size_t row;
    open_csv(&csv, "overhead.csv");
    assert_int_equal(csv.rows, json_array_size(measured->metrics));
    json_array_foreach(measured->metrics, row, object)
    {
        check_texts(&csv, row, object, figure);
        for (size_t i = 0; i < 5; i++)
            check_number(&csv, row, numbers[i], object, numbers[i]);
    }
    csv_clear(&csv);
    open_csv(&csv, "curves.csv");
    assert_int_equal(csv.rows, json_array_size(measured->curves));
    json_array_foreach(measured->curves, row, object)
    {
        check_texts(&csv, row, object, point);
        check_number(&csv, row, "workers", object, "workers");
        check_number(&csv, row, "length_ns", object, "length_ns");
        check_number(&csv, row, "efficiency", object, "efficiency");
        check_number(&csv, row, "efficiency_low", object, "low");
        check_number(&csv, row, "efficiency_high", object, "high");
    }
    csv_clear(&csv);
}

void overhead_check_files(const char *rounds)
{
    struct measured measured;
    struct said said = OVERHEAD("-n", rounds, "-o", "out");
    assert_non_null(strstr(said.out, "dispatch.metg90"));
    assert_null(strstr(said.out, "nan"));
    char *text = file_read("out", "overhead.json");
    measured_read(&measured, text, strtoul(rounds, NULL, 10));
    measured_check(&measured);
    check_files(&measured);
    assert_int_equal(folder_count("out"), 3);
    assert_int_equal(folder_count("."), 1);
    json_decref(measured.root);
    free(text);
    said_clear(&said);
}
