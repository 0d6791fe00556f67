/* Runs this test program again as another program, with its output in a pipe, to test what happens when a whole
 * program ends. */
#ifndef TEST_RERUN_SELF_H
#define TEST_RERUN_SELF_H

#include "harness/mp/process/process.h"

#include <stdbool.h>
#include <stddef.h>

#define SELF_TEXT 1000 /* bytes of output at most */

/* One of the programs that this file can run as; run returns the exit code. */
struct self_program {
    const char *name;
    int (*run)(enum fb_mp_method method);
    bool before_main; /* run it before fb_mp_main is called */
};

/* For main: the program of the list (which ends with { 0 }) that the arguments name, or NULL. */
const struct self_program *self_program(const struct self_program *programs, int argc, char **argv);
int self_be(const struct self_program *program, char **argv);

struct self {
    pid_t pid;
    int out;
};

/* SIGALRM ends it after LIMIT_MS. */
struct self self_start(const char *name, enum fb_mp_method method);

/* Reads its output until all of its processes have ended. Returns its exit code, or -N if signal N ended it. */
int self_finish(struct self *self, char ret_text[SELF_TEXT]);

/* Runs it. Fails the test unless it exits with 0; skips the test if it exits with EXIT_SKIP. */
void self_run(const char *name, enum fb_mp_method method, char ret_text[SELF_TEXT]);
void self_check(const char *name, enum fb_mp_method method, const char *expected);

/* For these programs: writes without stdio's buffer, so that the output shows the order of events. */
void self_say(const char *text);

#endif
