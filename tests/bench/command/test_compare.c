/* `forkbench compare` on invented runs: its verdicts, the differences it names, what it refuses. */
#include "tests/support/support.h"

#include "tests/support/folder.h"
#include "tests/support/programs/program.h"

#include "bench/format/result_dir.h"

#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The indices of the cells of an invented run. The last three must not be compared. */
enum { SINGLE, PTHREAD, CEILING, AGAIN, AGAINST, CELLS };
#define BLOCKS 16 /* without the warm-up */

static const double cell_ns[CELLS] = { 64e6, 35e6, 65e6, 35e6, 35e6 };

static json_t *make_sample(size_t block, size_t cell)
{
    /* Scatter of up to 1 %, the same in each quarter of a run. */
    static const double factor[] = { 1, 1.004, 0.994, 1.002 };
    return json_pack("{sI sI sI s{s{ss ss} ss ss}}", "block", (json_int_t)block, "cell",
                     (json_int_t)cell, "run_ns", (json_int_t)(cell_ns[cell] * factor[block % 4]),
                     "exec", "parameters", "hi", "1000", "out", "/proc/self/fd/5", "digest", "00ff",
                     "description", "");
}

/* A run of block 0, the warm-up, and `blocks` more. */
static json_t *make_run(size_t blocks)
{
    json_t *samples = json_array(), *cells = json_array();
    for (size_t i = 0; i < (blocks + 1) * CELLS; i++)
        json_array_append_new(samples, make_sample(i / CELLS, i % CELLS));
    for (int i = 0; i < CELLS; i++)
        json_array_append_new(cells, json_pack("{ss ss ss si si sb sb}", "kernel", "primes",
                                               "parameters", "hi=1000", "harness",
                                               i == SINGLE ? "single" : "pthread", "workers",
                                               i == SINGLE ? 1 : 2, "copies", i == CEILING ? 2 : 0,
                                               "again", i == AGAIN, "against", i == AGAINST));
    json_t *run = json_pack("{si s{ss ss ss ss} ss sb s{ss si} s{sb so} so}", "schema", FB_SCHEMA,
                            "build", "commit", "abc", "compiler", "gcc 12", "kernels", "k1",
                            "harnesses", "h1", "started_utc", "2026-01-01T00:00:00Z", "complete", 1,
                            "machine", "cpu", "Some CPU", "memory_mib", 1000, "plan", "bind", 0,
                            "cells", cells, "samples", samples);
    assert_non_null(run);
    return run;
}

/* Merges text into object. It is JSON with ' in place of ". */
static void change(json_t *object, const char *text)
{
    char *json = strdup(text);
    assert_non_null(json);
    for (char *quote = json; (quote = strchr(quote, '\''));)
        *quote = '"';
    json_t *news = json_loads(json, 0, NULL);
    assert_int_equal(json_object_update_recursive(object, news), 0);
    json_decref(news);
    free(json);
}

/* These functions change a run and return it. */
static json_t *change_cell(json_t *run, size_t cell, const char *text)
{
    change(json_array_get(json_object_get(json_object_get(run, "plan"), "cells"), cell), text);
    return run;
}

static json_t *sample_of(const json_t *run, size_t block, size_t cell)
{
    return json_array_get(json_object_get(run, "samples"), block * CELLS + cell);
}

/* Changes the "exec" object of all samples of a cell. */
static json_t *change_exec(json_t *run, size_t cell, const char *text)
{
    for (size_t block = 0; sample_of(run, block, cell); block++)
        change(json_object_get(sample_of(run, block, cell), "exec"), text);
    return run;
}

/* Multiplies the times of a cell by `by`, plus `rise` for each block. */
static json_t *slow_down(json_t *run, size_t cell, double by, double rise)
{
    for (size_t block = 0; sample_of(run, block, cell); block++) {
        json_t *time = json_object_get(sample_of(run, block, cell), "run_ns");
        double run_ns = json_number_value(time) * (by + rise * (double)block);
        assert_int_equal(json_integer_set(time, (json_int_t)run_ns), 0);
    }
    return run;
}

/* Writes folder name/ with the run in it. */
static void write_run(const char *name, const json_t *run)
{
    char *text = json_dumps(run, JSON_ENCODE_ANY);
    assert_non_null(text);
    mkdir(name, 0777);
    file_write(name, "run.json", text);
    free(text);
}

static void write_and_release_run(const char *name, json_t *run)
{
    write_run(name, run);
    json_decref(run);
}

/* Each test has a folder of its own with an unchanged run `a` in it. */
static char folder[FOLDER_NAME];

static int begin(void **state)
{
    (void)state;
    folder_make(folder);
    int result = chdir(folder);
    write_and_release_run("a", make_run(BLOCKS));
    return result;
}

static int end(void **state)
{
    (void)state;
    int result = chdir("/");
    folder_remove(folder);
    return result;
}

/* ---- checks ---- */

/* Expects this exit code and all these words; one line on stderr for a refusal, none for a verdict. */
static void check_said(struct said said, int code, const char *const *words)
{
    if (said.code != code || count_lines(said.err) != (code == 2 || code == 5))
        fail_msg("exit %d, not %d: %s%s", said.code, code, said.out, said.err);
    for (; *words; words++)
        if (!strstr(said.out, *words) && !strstr(said.err, *words))
            fail_msg("no \"%s\" in: %s%s", *words, said.out, said.err);
    said_clear(&said);
}
#define CHECK(said, code, ...) check_said(said, code, (const char *const[]){ __VA_ARGS__, NULL })

/* Compares the unchanged run with this one, which it releases. */
#define CHECK_RUN(b, code, ...)                                                                    \
    do {                                                                                           \
        write_and_release_run("b", b);                                                             \
        CHECK(RUN("compare", "a", "b"), code, __VA_ARGS__);                                        \
    } while (0)

/* ---- verdicts ---- */

static void a_run_is_no_worse_than_itself(void **state)
{
    (void)state;
    CHECK(RUN("compare", "a", "a"), 0, "is the same.", "none of 2 cells", "16, 16", "abc");
    CHECK_RUN(make_run(BLOCKS), 0, "is the same.", "none of 2 cells", "[1.000, 1.000]");
    /* A real run, as short as possible. */
    CHECK(RUN("run", "-k", "null", "-H", "pthread", "-w", "2", "-B", "0.01", "-P", "0.01", "-o",
              "measured"),
          0, "measured");
    CHECK(RUN("compare", "measured", "measured"), 0, "is the same.", "none of 2 cells");
}

static void a_slower_cell_is_named(void **state)
{
    (void)state;
    json_t *run = slow_down(make_run(BLOCKS), PTHREAD, 1.2, 0);
    write_run("b", run);
    CHECK(RUN("compare", "a", "b"), 1, "Worse: 1 of 2 cells more than 5 % slower",
          "most of all primes under pthread on 2: 1.200 times");
    CHECK(RUN("compare", "a", "b", "--max-regress", "25"), 0, "more than 25 %");
    CHECK(RUN("compare", "--max-regress=19", "a", "b"), 1, "more than 19 %");
    /* In the other direction it is faster. */
    CHECK(RUN("compare", "b", "a"), 0, "No worse", "0.833");
    write_run("b", slow_down(run, SINGLE, 1.1, 0));
    CHECK(RUN("compare", "a", "b"), 1, "2 of 2 cells", "under pthread on 2: 1.200");
    CHECK_RUN(slow_down(run, SINGLE, 1.4, 0), 1, "2 of 2 cells", "under single on 1: 1.540");
}

static void too_few_blocks_give_no_verdict(void **state)
{
    (void)state;
    CHECK_RUN(slow_down(make_run(3), PTHREAD, 1.2, 0), 4,
              "Can't tell: 2 of 2 cells have fewer than 8 blocks", "16, 3", "8 blocks");
    /* One cell that is certainly worse decides. Failed trials have no time. */
    json_t *run = slow_down(make_run(BLOCKS), PTHREAD, 1.2, 0);
    for (size_t block = 4; block <= BLOCKS; block++)
        change(sample_of(run, block, SINGLE), "{'run_ns': 0}");
    CHECK_RUN(run, 1, "Worse: 1 of 2 cells", "16, 3", "can't tell");
}

static void drifting_runs_get_the_advice_to_measure_in_one_run(void **state)
{
    (void)state;
    write_and_release_run("a", slow_down(make_run(BLOCKS), PTHREAD, 1, 0.05));
    CHECK_RUN(slow_down(make_run(BLOCKS), PTHREAD, 1.01, 0.05), 4, "Can't tell: 1 of 2",
              "no number of blocks up to 400 would do", "forkbench run --against");
}

/* All of them ten times as slow. */
static void ceilings_and_second_labels_are_not_compared(void **state)
{
    (void)state;
    json_t *run = make_run(BLOCKS);
    for (size_t cell = CEILING; cell < CELLS; cell++)
        slow_down(change_exec(run, cell, "{'digest': 'another'}"), cell, 10, 0);
    CHECK_RUN(run, 0, "none of 2 cells");
}

static void the_warm_up_does_not_count(void **state)
{
    (void)state;
    json_t *run = make_run(BLOCKS);
    change(sample_of(run, 0, PTHREAD), "{'run_ns': 9000000000}");
    CHECK_RUN(run, 0, "16, 16", "[1.000, 1.000]");
    /* Seven blocks and the warm-up are not eight. */
    CHECK_RUN(slow_down(make_run(7), PTHREAD, 1.2, 0), 4, "16, 7", "8 blocks");
}

/* ---- what differs ---- */

/* Changes to a run and to the "exec" object of a cell, and the expected answer. */
struct difference {
    const char *run, *exec;
    int code;
    const char *words;
};

static const struct difference differences[] = {
    { "{'build': {'kernels': 'k2'}}", "{}", 0, "What differs: the kernels' machine code." },
    { "{'build': {'harnesses': 'h2'}}", "{}", 0, "What differs: the harnesses' machine code." },
    { "{'plan': {'bind': true}}", "{}", 0, "What differs: the binding to CPUs." },
    { "{}", "{'description': 'Python 3.12'}", 0, "What differs: the interpreter." },
    { "{'build': {'commit': 'def'}}", "{}", 0, "is the same." },
    /* Another compiler makes other machine code from the same source. */
    { "{'build': {'compiler': 'clang', 'kernels': 'k2', 'harnesses': 'h2'}}", "{}", 0,
      "What differs: the compiler." },
    { "{'build': {'kernels': 'k2', 'harnesses': 'h2'}}", "{}", 5,
      "factor differs: the kernels' machine code, the harnesses' machine code:" },
    { "{'build': {'compiler': 'clang'}, 'plan': {'bind': true}}", "{}", 5,
      "factor differs: the compiler, the binding to CPUs:" },
    { "{'build': {'kernels': 'k2'}}", "{'description': 'Python 3.12'}", 5,
      "factor differs: the kernels' machine code, the interpreter:" },
    { "{'machine': {'cpu': 'Another CPU'}}", "{}", 5, "the machine differs: cpu:" },
    /* A field that only one of the runs has. */
    { "{'machine': {'cpuset': '0-1'}}", "{}", 5, "the machine differs: cpuset:" },
    { "{}", "{'parameters': {'hi': '2000'}}", 5, "parameters differ: primes: hi:" },
    { "{}", "{'digest': 'ff00'}", 5, "results differ: primes under pthread:" },
    { "{'schema': 2}", "{}", 5, "schema differs" },
    /* Numbers of descriptors differ from run to run. */
    { "{}", "{'parameters': {'out': '/proc/self/fd/9'}}", 0, "none of 2 cells" },
    { "{}", "{'parameters': {'out': '/tmp/out'}}", 5, "parameters differ: primes: out:" },
    { "{'complete': false}", "{}", 0, ", commit abc, interrupted" },
};

/* In both directions. A slower run is worse whatever else differs. */
static void one_difference_is_named_and_two_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof differences / sizeof *differences; i++) {
        const struct difference *difference = &differences[i];
        json_t *run = change_exec(make_run(BLOCKS), PTHREAD, difference->exec);
        change(run, difference->run);
        write_run("b", run);
        CHECK(RUN("compare", "a", "b"), difference->code, difference->words);
        CHECK(RUN("compare", "b", "a"), difference->code, difference->words);
        write_and_release_run("b", slow_down(run, SINGLE, 1.2, 0));
        if (difference->code == 0 && strncmp(difference->words, "none", 4) != 0)
            CHECK(RUN("compare", "a", "b"), 1, difference->words, "primes under single");
    }
}

static void cells_of_only_one_run_are_counted(void **state)
{
    (void)state;
    CHECK_RUN(change_cell(make_run(BLOCKS), AGAIN, "{'harness': 'gil', 'again': false}"), 0,
              "Not compared: 1 cell that", "none of 2 cells");
    CHECK(RUN("compare", "b", "a"), 0, "Not compared: 1 cell that", "none of 2 cells");
    /* One cell in each run. */
    json_t *run = change_cell(make_run(BLOCKS), SINGLE, "{'harness': 'gil'}");
    write_run("b", run);
    CHECK(RUN("compare", "a", "b"), 0, "Not compared: 2 cells", "none of 1 cells");
    CHECK_RUN(change_cell(run, PTHREAD, "{'workers': 7}"), 5, "no cell in common");
}

/* ---- refusals ---- */

static void bad_arguments_are_refused(void **state)
{
    (void)state;
    CHECK(RUN("compare"), 2, "two folders");
    CHECK(RUN("compare", "a"), 2, "two folders");
    CHECK(RUN("compare", "a", "a", "a"), 2, "unexpected argument: a");
    static const char *const values[] = { "0", "-1", "x", "", "5%", "nan", "inf", "1e999" };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        CHECK(RUN("compare", "a", "a", "--max-regress", values[i]), 2, "--max-regress");
}

static void a_folder_without_a_run_is_refused(void **state)
{
    (void)state;
    /* Incomplete, not UTF-8, without a plan, without a schema. */
    static const char *const texts[] = {
        "", "null", "[]", "{", "{\"a\n", "\xff", "{\"schema\": 3}", "{\"plan\": {}}"
    };
    mkdir("b", 0777);
    CHECK(RUN("compare", "a", "b"), 2, "b: there is no run.json");
    CHECK(RUN("compare", "nothing", "a"), 2, "nothing: there is no run.json");
    CHECK(RUN("compare", "a/run.json", "a"), 2, "there is no run.json");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        file_write("b", "run.json", texts[i]);
        CHECK(RUN("compare", "a", "b"), 2, "not a run: b/run.json");
    }
}

/* ---- damaged runs ---- */

/* Any file gets a verdict or a refusal, never a crash; only a refusal prints a line on stderr. */
static void check_damaged(const json_t *run, unsigned *count)
{
    write_run("b", run);
    struct said said[] = { RUN("compare", "a", "b"), RUN("compare", "b", "a"),
                           RUN("compare", "b", "b") };
    for (size_t i = 0; i < sizeof said / sizeof *said; i++, (*count)++) {
        bool refused = said[i].code == 2 || said[i].code == 5;
        bool judged = said[i].code == 0 || said[i].code == 1 || said[i].code == 4;
        if ((!refused && !judged) || count_lines(said[i].err) != refused)
            fail_msg("exit %d, %s: %s", said[i].code, said[i].err, json_dumps(run, 0));
        said_clear(&said[i]);
    }
}

static void replace_child(json_t *parent, void *key, size_t index, json_t *child)
{
    int result = key ? json_object_iter_set_new(parent, key, child)
                     : json_array_set_new(parent, index, child);
    assert_int_equal(result, 0);
}

/* Replaces each value below this one by odd ones, one at a time. */
static void damage_below(json_t *root, json_t *parent, unsigned *count)
{
    static const char *const odd[] = { "null", "7", "\"x\"", "[]", "{}" };
    void *key = json_object_iter(parent);
    for (size_t i = 0; key || i < json_array_size(parent); i++) {
        json_t *child = json_incref(key ? json_object_iter_value(key) : json_array_get(parent, i));
        damage_below(root, child, count);
        for (size_t k = 0; k < sizeof odd / sizeof *odd; k++) {
            replace_child(parent, key, i, json_loads(odd[k], JSON_DECODE_ANY, NULL));
            check_damaged(root, count);
        }
        replace_child(parent, key, i, child);
        key = json_object_iter_next(parent, key);
    }
}

/* A run with one cell and two trials, so that the test is fast. */
static void damaged_runs_get_an_answer(void **state)
{
    (void)state;
    json_t *run = make_run(1), *samples = json_object_get(run, "samples");
    json_t *cells = json_object_get(json_object_get(run, "plan"), "cells");
    unsigned count = 0;
    while (json_array_size(cells) > 1)
        json_array_remove(cells, 1);
    for (size_t i = json_array_size(samples); i-- > 0;)
        if (i % CELLS != SINGLE)
            json_array_remove(samples, i);
    write_run("a", run);
    check_damaged(run, &count);
    damage_below(run, run, &count);
    assert_true(count > 400);
    json_decref(run);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_run_is_no_worse_than_itself),
        TEST(a_slower_cell_is_named),
        TEST(too_few_blocks_give_no_verdict),
        TEST(drifting_runs_get_the_advice_to_measure_in_one_run),
        TEST(ceilings_and_second_labels_are_not_compared),
        TEST(the_warm_up_does_not_count),
        TEST(one_difference_is_named_and_two_are_refused),
        TEST(cells_of_only_one_run_are_counted),
        TEST(bad_arguments_are_refused),
        TEST(a_folder_without_a_run_is_refused),
        TEST(damaged_runs_get_an_answer),
    };
    return RUN_TESTS(tests);
}
