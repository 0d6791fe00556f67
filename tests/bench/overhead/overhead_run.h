/* Running `forkbench overhead` in an empty folder, and comparing the files that it writes with its
 * JSON. */
#ifndef TEST_OVERHEAD_RUN_H
#define TEST_OVERHEAD_RUN_H

#include "tests/bench/overhead/overhead_checks.h"
#include "tests/support/programs/program.h"

/* Set-up and teardown of a test: an empty current folder, so that a stray file is seen. The
 * teardown also restores the affinity. */
int overhead_begin(void **state);
int overhead_end(void **state);

/* Runs `forkbench overhead` with these arguments, which end with NULL. Unlike RUN, without a time
 * limit, since it may take minutes on a slow machine. Fails the test unless it ends with code 0,
 * prints no error and leaves no process. */
struct said overhead_run(const char *const *arguments);
#define OVERHEAD(...) overhead_run((const char *const[]){ "overhead", __VA_ARGS__, NULL })

/* Runs `overhead -n ROUNDS -o out` and checks the table, each figure in overhead.json, and that
 * overhead.csv and curves.csv have the same ones. */
void overhead_check_files(const char *rounds);

#endif
