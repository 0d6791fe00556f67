/* Programs that run beside the test. Every process that descends from one inherits a mark in its environment, so it
 * is found even if its parent has changed. */
#ifndef TEST_BACKGROUND_PROGRAM_H
#define TEST_BACKGROUND_PROGRAM_H

#include "tests/support/programs/program.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#define MARK_SIZE 64

/* Makes a unique mark and puts it into the environment of all processes that this process starts from now on. This
 * process itself isn't marked. */
void mark_new(char mark[MARK_SIZE]);

/* Finds up to `most` running processes with that mark; returns how many there are. */
size_t marked(const char *mark, pid_t *ret_pids, size_t most);

/* The parent's pid, or 0 if there is no such process. */
pid_t parent_of(pid_t pid);

/* Wait until at least `count` processes have the mark, and until none has it. Return false after LIMIT_MS; the second
 * kills those that are left then. */
bool wait_for_marked(const char *mark, size_t count);
bool wait_for_none_marked(const char *mark);

/* Waits until the marked processes together have used another 0.1 s of CPU time. */
bool wait_for_work(const char *mark);

struct running {
    pid_t pid;
    FILE *out, *err;
};

/* Starts $FORKBENCH with these arguments, which end with NULL. SIGALRM ends it after LIMIT_MS. */
struct running program_start(const char *const *arguments);
#define START(...) program_start((const char *const[]){ __VA_ARGS__, NULL })

/* Waits for its end. */
struct said program_finish(struct running *running);

#endif
