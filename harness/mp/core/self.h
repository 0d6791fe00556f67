/* This process's own name, parent and descriptors. */
#ifndef FB_MP_SELF_H
#define FB_MP_SELF_H

#include <stddef.h>
#include <sys/types.h>

#define FB_MP_NAME 64 /* bytes of a process's name, the terminating zero included */
#define FB_MP_FDS 64  /* most descriptors that a process can be given */

/* "MainProcess", or the name that the process was started with. */
const char *fb_mp_self_name(void);

/* In a started process: the number here of the descriptor that was options.fd[index]; -1 if there
 * is none. */
int fb_mp_descriptor(size_t index);

/* In a started process: a descriptor that becomes readable when the parent exits. Otherwise -1. */
int fb_mp_parent_sentinel(void);

/* In a started process: the parent's pid. Otherwise 0. */
pid_t fb_mp_parent_pid(void);

/* ---- for the runtime itself ---- */

/* What a started process is given. */
struct fb_mp_self {
    pid_t parent;
    const char *name;
    const int *fd; /* [fds] the descriptors, as numbered in the new process */
    size_t fds;    /* up to FB_MP_FDS */
};

/* In a process that has just started: replaces everything inherited from the parent. Closes the
 * inherited sentinel unless it is one of self->fd. */
void fb_mp_self_set(const struct fb_mp_self *self);

#endif
