/* Child processes that don't outlive their parent. */
#ifndef FB_CHILD_H
#define FB_CHILD_H

#include "base/error.h"

#include <sys/types.h>

struct fb_child {
    pid_t pid;
    int pidfd; /* readable when the child has exited; -1: not watched */
};

/* Must be the first call in the child: the kernel then kills it when the parent's thread that
 * forked it ends. parent: the parent's pid, from before the fork. Exits at once if the parent has
 * ended. */
void fb_child_tie(pid_t parent);

/* In the parent: opens the pidfd. 0 or a negative errno; fb_child_end works either way. */
int fb_child_watch(struct fb_child *child, pid_t pid);

/* Waits up to patience_ms for the child to exit, then kills it; reaps it and closes the pidfd.
 * Returns the wait status. */
int fb_child_end(struct fb_child *child, int patience_ms);

/* Writes "exited with code 3" or "was killed by signal 9 (Killed)", for a wait status. */
void fb_child_describe(int status, char *text, size_t size);

#endif
