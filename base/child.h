/* Child processes that must not be left behind. */
#ifndef FB_CHILD_H
#define FB_CHILD_H

#include "base/error.h"

#include <sys/types.h>

struct fb_child {
    pid_t pid;
    int pidfd; /* readable when it has ended; -1: not watched */
};

/* In the child, first of all: dies with its parent. parent is getpid() of before the fork. */
void fb_child_tie(pid_t parent);

/* In the parent: opens the pidfd. 0 or a negative errno; the child can be ended either way. */
int fb_child_watch(struct fb_child *child, pid_t pid);

/* Waits up to patience_ms for its end, then kills it; reaps it and closes the pidfd. Returns its
 * wait status. */
int fb_child_end(struct fb_child *child, int patience_ms);

/* "exited with code 3" or "was killed by signal 9 (Killed)", from a wait status. */
void fb_child_describe(int status, char *text, size_t size);

#endif
