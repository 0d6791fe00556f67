/* Forked processes that run one function. */
#ifndef TEST_FORK_CHILD_H
#define TEST_FORK_CHILD_H

#include <sys/types.h>

/* Forks a process that exits with what body(context) returns. */
pid_t forked_run(int (*body)(void *context), void *context);

/* Waits for the process. Returns its exit code, or -N if signal N ended it. */
int forked_end(pid_t pid);

#endif
