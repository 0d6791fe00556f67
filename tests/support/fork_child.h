/* Forked processes that do one thing. */
#ifndef TEST_FORK_CHILD_H
#define TEST_FORK_CHILD_H

#include <sys/types.h>

/* A process that does body(context) and exits with what that returns. */
pid_t forked_run(int (*body)(void *context), void *context);

/* Waits for its end: its exit code, or -N when signal N ended it. */
int forked_end(pid_t pid);

#endif
