/* `forkbench overhead`, really run: whether every figure is there and can be right, and that nobody
 * is left behind. */
#include "tests/support/support.h"

#include "tests/support/csv_reader.h"
#include "tests/support/folder.h"
#include "tests/bench/overhead/overhead_checks.h"
#include "tests/support/near.h"
#include "tests/support/background_program.h"

#include "base/cpus.h"

#include <jansson.h>

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROCESSES_MOST 64
#define KILLS 5

static char folder[FOLDER_NAME];
static cpu_set_t allowed;

/* In an empty folder, so that a stray file is seen. */
static int begin(void **state)
{
    (void)state;
    folder_make(folder);
    assert_int_equal(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    return chdir(folder);
}

static int end(void **state)
{
    (void)state;
    int result = chdir("/");
    result |= sched_setaffinity(0, sizeof allowed, &allowed); /* a failed test leaves it narrow */
    folder_remove(folder);
    return result;
}

/* ---- running it ---- */

/* As RUN, but with no limit of its own, since it may take minutes on a slow machine. Ends the test
 * when somebody is left. */
static struct said run_alone(const char *const *arguments)
{
    char mark[MARK_SIZE];
    mark_new(mark);
    signal(SIGALRM, SIG_IGN); /* is inherited, so that RUN's limit does nothing */
    struct said said = program_run(arguments);
    signal(SIGALRM, SIG_DFL);
    size_t left = marked(mark, NULL, 0);
    if (!wait_for_none_marked(mark) || left > 0)
        fail_msg("%zu processes outlived it", left);
    if (said.code != 0)
        fail_msg("exit %d: %s", said.code, said.err);
    assert_string_equal(said.err, "");
    return said;
}
#define RUN_ALONE(...) run_alone((const char *const[]){ __VA_ARGS__, NULL })

static void check_json_run(void)
{
    struct measured measured;
    struct said said = RUN_ALONE("overhead", "-n", "1", "--json");
    measured_read(&measured, said.out, 1);
    measured_check(&measured);
    assert_int_equal(folder_count("."), 0);
    json_decref(measured.root);
    said_clear(&said);
}

static void one_round(void **state)
{
    (void)state;
    check_json_run();
}

/* As by taskset: one worker, and those that wake each other share the CPU. */
static void one_cpu(void **state)
{
    (void)state;
    cpu_set_t one;
    unsigned cpu = 0;
    while (!CPU_ISSET(cpu, &allowed))
        cpu++;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    check_json_run();
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

/* As many as an interval takes; a sanitizer finds no more in six than in the one round before. */
static void six_rounds_into_files(void **state)
{
    (void)state;
    struct measured measured;
    if (AS_MANY_AS(6, 1) == 1)
        skip();
    struct said said = RUN_ALONE("overhead", "-n", "6", "-o", "out");
    assert_non_null(strstr(said.out, "dispatch.metg90"));
    assert_null(strstr(said.out, "nan"));
    char *text = file_read("out", "overhead.json");
    measured_read(&measured, text, 6);
    measured_check(&measured);
    check_files(&measured);
    assert_int_equal(folder_count("out"), 3);
    assert_int_equal(folder_count("."), 1);
    json_decref(measured.root);
    free(text);
    said_clear(&said);
}

/* ---- what is refused ---- */

static void check_refused(struct said said, const char *words)
{
    if (said.code != 2 || count_lines(said.err) != 1 || !strstr(said.err, words))
        fail_msg("exit %d, %s", said.code, said.err);
    assert_string_equal(said.out, "");
    said_clear(&said);
}

static void results_are_not_written_over(void **state)
{
    (void)state;
    file_write(".", "overhead.json", "mine");
    check_refused(RUN("overhead", "-n", "1", "-o", "."), "overhead.json");
    char *text = file_read(".", "overhead.json");
    assert_string_equal(text, "mine");
    assert_int_equal(folder_count("."), 1);
    check_refused(RUN("overhead", "-n", "1", "-o", "overhead.json/below"), "overhead.json");
    free(text);
}

static void bad_usage_is_refused(void **state)
{
    (void)state;
    check_refused(RUN("overhead", "-n", "0"), "--rounds");
    check_refused(RUN("overhead", "-n", "1001"), "--rounds");
    check_refused(RUN("overhead", "-n", "x"), "--rounds");
    check_refused(RUN("overhead", "-n", "-1"), "--rounds");
    check_refused(RUN("overhead", "more"), "more");
    assert_int_equal(folder_count("."), 0);
}

/* Whoever calls what is meant for our own children. */
static void an_image_of_nobody_ends(void **state)
{
    (void)state;
    char text[40];
    struct said said = RUN("overhead", "--image", "nonsense");
    assert_int_equal(said.code, 2);
    said_clear(&said);
    said = RUN("overhead", "--image", "99,1"); /* somebody else's child */
    assert_in_range(said.code, 1, 127);
    said_clear(&said);
    snprintf(text, sizeof text, "99,%d", (int)getpid()); /* ours, but without a gate */
    said = RUN("overhead", "--image", text);
    assert_in_range(said.code, 1, 127);
    said_clear(&said);
}

/* ---- killed ---- */

/* It may end at any moment. */
static bool is_image(pid_t pid)
{
    char path[64], line[256] = "";
    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    FILE *file = fopen(path, "re");
    size_t length = file ? fread(line, 1, sizeof line - 1, file) : 0;
    if (file)
        fclose(file);
    return memmem(line, length, "--image=", 8) != NULL;
}

/* A spawned worker, stopped so that it is there when its parent is killed; 0 when there never was
 * one. */
static pid_t stop_an_image(const char *mark)
{
    pid_t pids[PROCESSES_MOST];
    for (uint64_t limit = clock_ms() + LIMIT_MS / 2; clock_ms() < limit; sched_yield()) {
        size_t count = marked(mark, pids, PROCESSES_MOST);
        for (size_t i = 0; i < count && i < PROCESSES_MOST; i++)
            if (is_image(pids[i]) && kill(pids[i], SIGSTOP) == 0 && is_image(pids[i]))
                return pids[i];
    }
    return 0;
}

static void check_killed(struct running *running, const char *mark)
{
    kill(running->pid, SIGKILL);
    struct said said = program_finish(running);
    assert_int_equal(said.code, 128 + SIGKILL);
    assert_string_equal(said.out, "");
    said_clear(&said);
    assert_true(wait_for_none_marked(mark));
    assert_int_equal(folder_count("."), 0);
}

/* While it makes and ends workers of all kinds, which it does for minutes here. */
static void sigkill_while_workers_are_made(void **state)
{
    (void)state;
    for (int i = 0; i < KILLS; i++) {
        char mark[MARK_SIZE];
        mark_new(mark);
        struct running running = START("overhead", "-n", "1000");
        bool begun = wait_for_marked(mark, 2);
        check_killed(&running, mark);
        assert_true(begun);
    }
}

/* Workers that were spawned know their parent only by its number. */
static void sigkill_leaves_no_image(void **state)
{
    (void)state;
    for (int i = 0; i < KILLS; i++) {
        char mark[MARK_SIZE];
        mark_new(mark);
        struct running running = START("overhead", "-n", "1000");
        pid_t image = stop_an_image(mark);
        kill(running.pid, SIGKILL);
        if (image)
            kill(image, SIGCONT); /* it may not have tied itself to its parent yet */
        check_killed(&running, mark);
        assert_true(image > 0);
    }
}

/* How many threads it has; 0 when it is gone. */
static unsigned threads_of(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    return access(path, R_OK) == 0 ? (unsigned)folder_count(path) : 0;
}

/* Threads and processes beside one another are pools: creation has only processes at this level, a
 * hand-over one of the two. */
static void sigkill_leaves_no_pool(void **state)
{
    (void)state;
    struct fb_cpus cpus;
    fb_cpus_read(&cpus);
    if (cpus.workers < 2)
        skip();
    char mark[MARK_SIZE];
    mark_new(mark);
    struct running running = START("overhead", "-n", "1");
    bool seen = false;
    for (uint64_t limit = clock_ms() + LIMIT_MS; clock_ms() < limit && !seen; sched_yield())
        seen = threads_of(running.pid) > 1 && marked(mark, NULL, 0) > 1;
    check_killed(&running, mark);
    assert_true(seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(results_are_not_written_over, begin, end),
        cmocka_unit_test_setup_teardown(bad_usage_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(an_image_of_nobody_ends, begin, end),
        cmocka_unit_test_setup_teardown(sigkill_while_workers_are_made, begin, end),
        cmocka_unit_test_setup_teardown(sigkill_leaves_no_image, begin, end),
        cmocka_unit_test_setup_teardown(sigkill_leaves_no_pool, begin, end),
        cmocka_unit_test_setup_teardown(one_round, begin, end),
        cmocka_unit_test_setup_teardown(one_cpu, begin, end),
        cmocka_unit_test_setup_teardown(six_rounds_into_files, begin, end),
    };
    return RUN_TESTS(tests);
}
