/* Running this test program itself again as another program, with its output in a pipe: for what
 * shows only when a whole program ends. */
#ifndef TEST_RERUN_SELF_H
#define TEST_RERUN_SELF_H

#include "harness/mp/process/process.h"

#include <stdbool.h>
#include <stddef.h>

#define SELF_TEXT 1000 /* bytes of output at most */

/* What the program can be. Returns an exit code. */
struct self_program {
    const char *name;
    int (*run)(enum fb_mp_method method);
    bool before_main; /* it never comes to fb_mp_main */
};

/* For main: what of programs, which end with { 0 }, the arguments name; NULL: none. */
const struct self_program *self_program(const struct self_program *programs, int argc, char **argv);
int self_be(const struct self_program *program, char **argv);

struct self {
    pid_t pid;
    int out;
};

/* It ends by SIGALRM after LIMIT_MS. */
struct self self_start(const char *name, enum fb_mp_method method);

/* Reads until none of its processes is left. Its exit code, or -N when signal N ended it. */
int self_finish(struct self *self, char ret_text[SELF_TEXT]);

/* Runs it. Fails the test unless it exits with 0; skips it when it exits with EXIT_SKIP. */
void self_run(const char *name, enum fb_mp_method method, char ret_text[SELF_TEXT]);
void self_check(const char *name, enum fb_mp_method method, const char *expected);

/* For such programs: writes past stdio, so that what is there shows the order of events. */
void self_say(const char *text);

#endif
