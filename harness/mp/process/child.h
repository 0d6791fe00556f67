/* The side of a process that was started: who its parent is, and its name. */
#ifndef FB_MP_CHILD_H
#define FB_MP_CHILD_H

#include <stddef.h>
#include <sys/types.h>

/* What it is told. */
struct fb_mp_child {
    pid_t parent;
    const char *name;
    const int *fd; /* [fds] its descriptors, as it knows them */
    size_t fds;
};

/* The first thing that it does: dies with its parent, forgets what a fork brought along of the
 * parent's own children, takes its name and descriptors. Does not return when the parent has died
 * already. */
void fb_mp_child_begin(const struct fb_mp_child *child);

#endif
