/* peers/peers.py writes its measurements to tables, names programs that it leaves out, and keeps other results. */
#include "tests/support/support.h"

#include "base/program.h"

#include "tests/support/folder.h"
#include "tests/support/programs/python.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GROUP "divisors of 5,000,000 … 5,000,007, one thread"

static char build[PATH_MAX], script[PATH_MAX];

/* Runs `peers.py BUILD . arguments` in the folder of this test. Returns its exit code. */
static int peers(const char *const *arguments)
{
    const char *list[16] = { python_any(), script, build, "." };
    struct fb_program program;
    char text[400];
    if (!list[0])
        skip();
    for (size_t i = 0; arguments[i]; i++)
        list[4 + i] = arguments[i];
    assert_int_equal(fb_program_start(list, true, &program, NULL), 0);
    while (fgets(text, sizeof text, program.output))
        ;
    return fb_program_end(&program, script, NULL);
}
#define PEERS(...) peers((const char *const[]){ __VA_ARGS__, NULL })

/* How many times as fast as the base; -1 if it was left out. Fails the test if there is no such row. */
static double ratio_of(const char *table, const char *way)
{
    char row[200];
    double seconds, ratio;
    snprintf(row, sizeof row, "\n" GROUP ";%s;", way);
    const char *at = strstr(table, row);
    if (!at)
        fail_msg("no row of %s", way);
    assert_int_equal(sscanf(at + strlen(row), "%lf;%lf", &seconds, &ratio), 2);
    return seconds > 0 ? ratio : -1;
}

static void measurements_are_in_the_tables(void **state)
{
    (void)state;
    static const char *const ours[] = { "forkbench divisors", "forkbench divisors-simd, portable",
                                        "forkbench divisors-sqrt", "forkbench divisors-factor" };
    assert_int_equal(PEERS("--only", "divisors", "--rounds", "1"), 0);
    char *table = file_read(".", "peers.csv"), *words = file_read(".", "peers.md");
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        char line[100];
        assert_true(ratio_of(table, ours[i]) != -1);
        snprintf(line, sizeof line, "\n| %s |", ours[i]);
        assert_non_null(strstr(words, line));
    }
    /* No CPU has both NEON and AVX2. */
    assert_true(ratio_of(table, "forkbench divisors-simd, neon") == -1 ||
                ratio_of(table, "forkbench divisors-simd, avx2") == -1);
    assert_non_null(strstr(words, "\nLeft out: forkbench divisors-simd, "));
    free(table);
    free(words);
}

static void other_groups_are_kept_and_other_machines_removed(void **state)
{
    (void)state;
    assert_int_equal(PEERS("--only", "divisors", "--rounds", "1"), 0);
    char *table = file_read(".", "peers.csv"), cpu[200], *grown = NULL;
    size_t size;
    assert_int_equal(sscanf(strstr(table, "modulo;") + strlen("modulo;"),
                            "%*[^;];%*[^;];%*[^;];%*[^;];%*[^;];%199[^;]", cpu),
                     1);
    FILE *file = open_memstream(&grown, &size);
    assert_non_null(file);
    fprintf(file, "%sbefore;some way;1;2;nan;nan;some way;%s;2026-01-31;\n", table, cpu);
    fprintf(file, "elsewhere;some way;1;2;nan;nan;some way;Another CPU;2026-01-31;\n");
    fclose(file);
    file_write(".", "peers.csv", grown);
    assert_int_equal(PEERS("--only", "divisors", "--rounds", "1"), 0);
    free(table);
    table = file_read(".", "peers.csv");
    assert_non_null(strstr(table, "\nbefore;some way;1;2;"));
    assert_null(strstr(table, "elsewhere"));
    assert_null(strstr(strstr(table, "divisors-sqrt;") + 1, "divisors-sqrt;"));
    free(table);
    free(grown);
}

static void bad_input_is_refused_and_leaves_nothing(void **state)
{
    (void)state;
    assert_int_equal(PEERS("--rounds", "0"), 2);
    assert_int_equal(PEERS("--rounds", "many"), 2);
    assert_int_equal(PEERS("--only", "no such group"), 2);
    assert_int_equal(PEERS("--photos", "nowhere"), 2);
    assert_int_equal(PEERS("--photos", "."), 2);
    assert_int_equal(folder_count("."), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(measurements_are_in_the_tables, folder_enter, folder_leave),
        cmocka_unit_test_setup_teardown(other_groups_are_kept_and_other_machines_removed,
                                        folder_enter, folder_leave),
        cmocka_unit_test_setup_teardown(bad_input_is_refused_and_leaves_nothing, folder_enter,
                                        folder_leave),
    };
    snprintf(script, sizeof script, "%s/../peers/peers.py", getenv("FORKBENCH_TESTS"));
    snprintf(build, sizeof build, "%s", getenv("FORKBENCH"));
    for (int i = 0; i < 2; i++)
        *strrchr(build, '/') = '\0';
    return RUN_TESTS(tests);
}
