/* bench/trial/trace.c and `forkbench exec --trace`: the files that are written, and refusals. */
#include "tests/support/support.h"

#include "tests/support/csv_reader.h"
#include "tests/support/folder.h"
#include "tests/support/programs/program.h"

#include "bench/trial/trace.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* ---- an invented trace ---- */

static struct fb_trace_span written[] = {
    { 0, FB_TRACE_HOLD, 1500, 2250, 0 },
    { 0, FB_TRACE_CHUNK, 1750, 4000, 123456789012 },
    { 1, FB_TRACE_WAIT, 0, 2500, 0 },
};
static const struct fb_trace small = { .span = written, .count = 3, .lost = 11 };
static const struct fb_trace_job traced_job = {
    .kernel = "primes", .harness = "a,\"b\"=\xff", .workers = 2, .run_ns = 5250
};

static void write_small(const char *path)
{
    struct fb_error error = { 0 };
    if (fb_trace_write(&small, &traced_job, path, &error) != 0)
        fail_msg("%s", error.text);
}

static bool is_number(const json_t *event, const char *key, double value)
{
    const json_t *number = json_object_get(event, key);
    return json_is_number(number) && fabs(json_number_value(number) - value) < 1e-6;
}

static void check_event(const json_t *event, const struct fb_trace_span *span)
{
    static const char *const names[] = { "chunk", "wait", "hold" };
    assert_string_equal(json_string_value(json_object_get(event, "ph")), "X");
    assert_string_equal(json_string_value(json_object_get(event, "name")), names[span->kind]);
    assert_true(is_number(event, "tid", span->worker));
    assert_true(is_number(event, "pid", span->kind == FB_TRACE_CHUNK ? 1 : 2));
    assert_true(is_number(event, "ts", (double)span->begin_ns / 1000));
    assert_true(is_number(event, "dur", (double)(span->end_ns - span->begin_ns) / 1000));
    if (span->kind == FB_TRACE_CHUNK)
        assert_true(is_number(json_object_get(event, "args"), "first item", (double)span->item));
}

static void a_trace_becomes_trace_events(void **state)
{
    (void)state;
    write_small("t.json");
    char *text = file_read(folder_entered, "t.json");
    json_t *root = json_loads(text, 0, NULL);
    json_t *events = json_object_get(root, "traceEvents");
    /* First the names of two groups with two tracks each; last the end of the job. */
    assert_int_equal(json_array_size(events), 2 * 3 + 3 + 1);
    for (size_t i = 0; i < 3; i++)
        check_event(json_array_get(events, 6 + i), &written[i]);
    const json_t *last = json_array_get(events, 9);
    assert_string_equal(json_string_value(json_object_get(last, "ph")), "i");
    assert_true(is_number(last, "ts", 5.25));
    assert_true(is_number(json_object_get(last, "args"), "stamps lost", 11));
    json_decref(root);
    free(text);
    assert_int_equal(folder_count(folder_entered), 1);
}

static void a_trace_becomes_a_table(void **state)
{
    (void)state;
    struct csv csv;
    char path[FOLDER_NAME + 32];
    snprintf(path, sizeof path, "%s/t.csv", folder_entered);
    write_small(path);
    char *text = file_read(folder_entered, "t.csv");
    csv_read(&csv, text);
    assert_int_equal(csv.rows, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(csv_at(&csv, i, "kernel"), "primes");
        assert_string_equal(csv_at(&csv, i, "harness"), traced_job.harness);
        assert_int_equal(strtoull(csv_at(&csv, i, "workers"), NULL, 10), 2);
        assert_int_equal(strtoull(csv_at(&csv, i, "run_ns"), NULL, 10), 5250);
        assert_int_equal(strtoull(csv_at(&csv, i, "worker"), NULL, 10), written[i].worker);
        assert_int_equal(strtoull(csv_at(&csv, i, "begin_ns"), NULL, 10), written[i].begin_ns);
        assert_int_equal(strtoull(csv_at(&csv, i, "end_ns"), NULL, 10), written[i].end_ns);
        assert_int_equal(strtoull(csv_at(&csv, i, "item"), NULL, 10), written[i].item);
    }
    assert_string_equal(csv_at(&csv, 1, "what"), "chunk");
    csv_clear(&csv);
    free(text);
}

static int write_into(const char *path, rlim_t most)
{
    struct rlimit before, now;
    struct fb_error error = { 0 };
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    now = (struct rlimit){ most, before.rlim_max };
    setrlimit(RLIMIT_FSIZE, &now);
    int result = fb_trace_write(&small, &traced_job, path, &error);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(result, error.code);
    assert_int_equal(result < 0, error.text[0] != '\0');
    return result;
}

static void a_full_disk_leaves_the_old_file(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        const char *name = i ? "t.csv" : "t.json";
        file_write(folder_entered, name, "precious");
        assert_true(write_into(name, 100) < 0);
        char *text = file_read(folder_entered, name);
        assert_string_equal(text, "precious");
        free(text);
        assert_int_equal(folder_count(folder_entered), 1 + (size_t)i);
        assert_int_equal(write_into(name, 10000), 0);
    }
    assert_int_equal(write_into("nowhere/t.json", 10000), -ENOENT);
}

/* ---- traces of the program ---- */

#define WORKERS 3
#define ITEMS 20
#define PRIMES "exec", "-k", "primes", "-p", "hi=10000", "-p", "ranges=20", "-w", "3"

static const char *const natives[] = { "single",  "pthread",  "forkpool", "gil",
                                       "gil=off", "forkpipe", "spawnpool" };
#define NATIVES (sizeof natives / sizeof *natives)

static unsigned workers_of(const char *harness)
{
    return strcmp(harness, "single") == 0 ? 1 : WORKERS;
}

static void check_done(struct said said)
{
    if (said.code != 0)
        fail_msg("exits with %d: %s", said.code, said.err);
    assert_string_equal(said.err, "");
    said_clear(&said);
}

/* ---- trace events ---- */

static json_t *read_events(const char *name)
{
    char *text = file_read(folder_entered, name);
    json_error_t where;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &where);
    if (!root)
        fail_msg("%s: not JSON, line %d: %s", name, where.line, where.text);
    free(text);
    assert_true(json_is_array(json_object_get(root, "traceEvents")));
    return root;
}

static const char *text_of(const json_t *event, const char *key)
{
    const char *text = json_string_value(json_object_get(event, key));
    return text ? text : "";
}

static double number_of(const json_t *event, const char *key)
{
    const json_t *number = json_object_get(event, key);
    if (!json_is_number(number))
        fail_msg("no number: %s", key);
    return json_number_value(number);
}

struct seen {
    size_t names, chunks, holds, ends; /* events */
    unsigned item[ITEMS];
};

static void see_span(const json_t *event, unsigned workers, struct seen *seen)
{
    double item = 0;
    assert_true(number_of(event, "ts") >= 0 && number_of(event, "dur") >= 0);
    assert_true(number_of(event, "tid") >= 0 && number_of(event, "tid") < workers);
    seen->holds += strcmp(text_of(event, "name"), "hold") == 0;
    if (strcmp(text_of(event, "name"), "chunk") != 0)
        return;
    item = number_of(json_object_get(event, "args"), "first item");
    assert_true(item >= 0 && item < ITEMS);
    seen->item[(size_t)item]++;
    seen->chunks++;
}

static struct seen see_events(const json_t *root, unsigned workers)
{
    struct seen seen = { 0 };
    size_t i;
    json_t *event;
    json_array_foreach(json_object_get(root, "traceEvents"), i, event)
    {
        const char *ph = text_of(event, "ph");
        assert_true(text_of(event, "name")[0]);
        assert_true(number_of(event, "pid") > 0);
        if (strcmp(ph, "X") == 0)
            see_span(event, workers, &seen);
        else if (strcmp(ph, "M") == 0)
            seen.names += strcmp(text_of(event, "name"), "thread_name") == 0;
        else if (strcmp(ph, "i") == 0)
            seen.ends += number_of(event, "ts") > 0;
        else
            fail_msg("an event of another kind: %s", ph);
    }
    return seen;
}

static void each_native_harness_writes_trace_events(void **state)
{
    (void)state;
    for (size_t i = 0; i < NATIVES; i++) {
        unsigned workers = workers_of(natives[i]);
        check_done(RUN(PRIMES, "-c", "2", "-H", natives[i], "--trace", "trace.json"));
        json_t *root = read_events("trace.json");
        struct seen seen = see_events(root, workers);
        assert_int_equal(seen.names, 2 * workers);
        assert_int_equal(seen.ends, 1);
        assert_int_equal(seen.chunks, workers == 1 ? 1 : ITEMS / 2);
        for (size_t item = 0; item < ITEMS && workers > 1; item++)
            assert_int_equal(seen.item[item], item % 2 == 0);
        assert_int_equal(seen.holds > 0, strcmp(natives[i], "gil") == 0);
        json_decref(root);
        assert_int_equal(folder_count(folder_entered), 1);
    }
}

static void a_job_without_items_has_trace_events(void **state)
{
    (void)state;
    for (size_t i = 0; i < NATIVES; i++) {
        check_done(RUN("exec", "-k", "null", "-p", "items=0", "-w", "3", "-H", natives[i],
                       "--trace=trace.json"));
        json_t *root = read_events("trace.json");
        struct seen seen = see_events(root, workers_of(natives[i]));
        assert_int_equal(seen.chunks, 0);
        assert_int_equal(seen.ends, 1);
        json_decref(root);
    }
}

/* ---- tables ---- */

static void the_table_has_the_last_job(void **state)
{
    (void)state;
    for (size_t i = 0; i < NATIVES; i++) {
        unsigned workers = workers_of(natives[i]), chunks = 0;
        unsigned long long last_ns = 0;
        struct csv csv;
        struct said said =
            RUN(PRIMES, "-H", natives[i], "--repeat", "3", "--json", "--trace", "trace.csv");
        json_t *root = json_loads(said.out, 0, NULL), *runs = json_object_get(root, "runs_ns");
        assert_int_equal(json_array_size(runs), 3);
        last_ns = (unsigned long long)json_integer_value(json_array_get(runs, 2));
        char *text = file_read(folder_entered, "trace.csv");
        csv_read(&csv, text);
        for (size_t row = 0; row < csv.rows; row++) {
            assert_string_equal(csv_at(&csv, row, "harness"), natives[i]);
            assert_int_equal(strtoull(csv_at(&csv, row, "run_ns"), NULL, 10), last_ns);
            assert_int_equal(strtoull(csv_at(&csv, row, "workers"), NULL, 10), workers);
            chunks += strcmp(csv_at(&csv, row, "what"), "chunk") == 0;
        }
        assert_int_equal(chunks, workers == 1 ? 1 : ITEMS);
        csv_clear(&csv);
        free(text);
        json_decref(root);
        check_done(said);
    }
}

/* ---- refusals ---- */

static void check_failed(struct said said, int code, const char *words)
{
    assert_int_equal(said.code, code);
    assert_int_equal(count_lines(said.err), 1);
    if (!strstr(said.err, words))
        fail_msg("not \"%s\": %s", words, said.err);
    said_clear(&said);
}

static void an_unwritable_path_is_refused(void **state)
{
    (void)state;
    /* Even root can't: a missing folder, and a folder with the name of the file. */
    check_failed(RUN(PRIMES, "-H", "pthread", "--trace", "nowhere/trace.json"), 2, "trace.json");
    assert_int_equal(folder_count(folder_entered), 0);
    assert_int_equal(mkdir("trace.csv", 0777), 0);
    file_write("trace.csv", "kept", "precious");
    check_failed(RUN(PRIMES, "-H", "pthread", "--trace", "trace.csv"), 2, "trace.csv");
    char *text = file_read("trace.csv", "kept");
    assert_string_equal(text, "precious");
    free(text);
    assert_int_equal(folder_count(folder_entered), 1);
    assert_int_equal(folder_count("trace.csv"), 1);
}

/* Writing replaces the file; a pipe, a device or a link must not be replaced. */
static void only_files_are_replaced(void **state)
{
    (void)state;
    static const char *const others[] = { "pipe", "link", "", "new/" };
    struct stat info;
    assert_int_equal(mkfifo("pipe", 0600), 0);
    file_write(folder_entered, "kept", "precious");
    assert_int_equal(symlink("kept", "link"), 0);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        check_failed(RUN(PRIMES, "-H", "pthread", "--trace", others[i]), 2, "file");
    assert_true(lstat("pipe", &info) == 0 && S_ISFIFO(info.st_mode));
    assert_true(lstat("link", &info) == 0 && S_ISLNK(info.st_mode));
    char *text = file_read(folder_entered, "kept");
    assert_string_equal(text, "precious");
    free(text);
    assert_int_equal(folder_count(folder_entered), 3);
}

static void harnesses_without_stamps_are_refused(void **state)
{
    (void)state;
    file_write(folder_entered, "trace.json", "precious");
    const char *variant;
    if (fb_harness_find("openmp", &variant))
        check_failed(RUN(PRIMES, "-H", "openmp", "--trace", "trace.json"), 2, "openmp");
    check_failed(RUN(PRIMES, "-H", "cpython-thread", "--trace", "trace.json"), 2, "cpython-thread");
    check_failed(
        RUN("exec", "-k", "primes", "-H", "single", "--copies", "2", "--trace", "trace.json"), 2,
        "copies");
    char *text = file_read(folder_entered, "trace.json");
    assert_string_equal(text, "precious");
    free(text);
    assert_int_equal(folder_count(folder_entered), 1);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_enter, folder_leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_trace_becomes_trace_events),
        IN_FOLDER(a_trace_becomes_a_table),
        IN_FOLDER(a_full_disk_leaves_the_old_file),
        IN_FOLDER(each_native_harness_writes_trace_events),
        IN_FOLDER(a_job_without_items_has_trace_events),
        IN_FOLDER(the_table_has_the_last_job),
        IN_FOLDER(an_unwritable_path_is_refused),
        IN_FOLDER(only_files_are_replaced),
        IN_FOLDER(harnesses_without_stamps_are_refused),
    };
    return RUN_TESTS(tests);
}
