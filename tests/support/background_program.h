/* Programs that run beside the test, and finding every process that came out of one, whoever is its
 * parent by now: all inherit a mark in their environment. */
#ifndef TEST_BACKGROUND_PROGRAM_H
#define TEST_BACKGROUND_PROGRAM_H

#include "tests/support/program.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#define MARK_SIZE 64

/* A mark that nobody else has. It is put into the environment of what this process starts from
 * now on; its own, as the system sees it, stays without. */
void mark_new(char mark[MARK_SIZE]);

/* Up to `most` pids of living processes with that mark; returns how many there are. */
size_t marked(const char *mark, pid_t *ret_pids, size_t most);

/* 0 when there is no such process. */
pid_t parent_of(pid_t pid);

/* Waits until at least `count` have the mark and until none has; false when LIMIT_MS passed. Those
 * that are left then are killed. */
bool wait_for_marked(const char *mark, size_t count);
bool wait_for_none_marked(const char *mark);

/* Waits until those with the mark have used 0.1 s more of CPU time between them: they work. */
bool wait_for_work(const char *mark);

struct running {
    pid_t pid;
    FILE *out, *err;
};

/* Starts $FORKBENCH with these arguments, which end with NULL. It ends by SIGALRM after LIMIT_MS.
 */
struct running program_start(const char *const *arguments);
#define START(...) program_start((const char *const[]){ __VA_ARGS__, NULL })

/* Waits for its end. */
struct said program_finish(struct running *running);

#endif
