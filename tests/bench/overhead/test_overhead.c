/* `forkbench overhead`: in one round each figure is there, finite and consistent; bad usage is
 * refused. Nothing is required of how fast the machine is. */
#include "tests/support/support.h"

#include "tests/bench/overhead/overhead_run.h"
#include "tests/support/folder.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- one round ---- */

static void one_round_into_files(void **state)
{
    (void)state;
    overhead_check_files("1");
}

/* As by taskset: one worker, and processes that wake each other share the CPU. */
static void one_round_on_one_cpu_as_json(void **state)
{
    (void)state;
    struct measured measured;
    cpu_set_t allowed, one;
    unsigned cpu = 0;
    assert_int_equal(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    while (!CPU_ISSET(cpu, &allowed))
        cpu++;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    struct said said = OVERHEAD("-n", "1", "--json");
    measured_read(&measured, said.out, 1);
    measured_check(&measured);
    assert_int_equal(folder_count("."), 0);
    json_decref(measured.root);
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

/* The hidden option is only for the command's own children. */
static void a_spawned_worker_without_a_parent_ends(void **state)
{
    (void)state;
    char text[40];
    struct said said = RUN("overhead", "--image", "nonsense");
    assert_int_equal(said.code, 2);
    said_clear(&said);
    said = RUN("overhead", "--image", "99,1"); /* not the child of process 1 */
    assert_in_range(said.code, 1, 127);
    said_clear(&said);
    snprintf(text, sizeof text, "99,%d", (int)getpid()); /* our child, but without a gate */
    said = RUN("overhead", "--image", text);
    assert_in_range(said.code, 1, 127);
    said_clear(&said);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, overhead_begin, overhead_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(results_are_not_written_over),           TEST(bad_usage_is_refused),
        TEST(a_spawned_worker_without_a_parent_ends), TEST(one_round_into_files),
        TEST(one_round_on_one_cpu_as_json),
    };
    return RUN_TESTS(tests);
}
