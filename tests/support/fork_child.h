/* Forked processes that do one thing. */
#ifndef FB_TESTS_FORKED_H
#define FB_TESTS_FORKED_H

#include <sys/types.h>

/* A process that does body(context) and exits with what that returns. */
pid_t forked_run(int (*body)(void *context), void *context);

/* Waits for its end: its exit code, or -N when signal N ended it. */
int forked_end(pid_t pid);

#endif
