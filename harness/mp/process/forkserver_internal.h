/* The helper: a small process that makes workers, and is told when they end. It is forked once,
 * early, so that a worker is a copy of a small process with a single thread, however large its
 * owner has become since; and it is their parent, so that they end with it, and it with us. */
#ifndef FB_MP_FORKSERVER_H
#define FB_MP_FORKSERVER_H

#include "harness/mp/process/process.h"

/* A line to it, of which one thread at a time reads; what was made by it ends when it is closed.
 * 0 and *ret_line, or a negative errno with *error. */
int fb_mp_forkserver_connect(int *ret_line, struct fb_error *error);

/* What a worker's run gets as its argument. */
struct fb_mp_worker_argument {
    void *shared;
    uint32_t index, life;
};

/* Workers that are to be made: told (shared, first, life), (shared, first + 1, life), … */
struct fb_mp_worker_request {
    enum fb_mp_method method;
    fb_mp_run run;
    void *shared; /* in the heap */
    uint32_t first, count, life;
    char name[FB_MP_NAME - 16]; /* theirs: "NAME-1", "NAME-2", … */
};

/* Sends the order; fd[fds]: descriptors that they get (fb_mp_descriptor). They begin in the caller's
 * directory, and may use the CPUs that the calling thread may. 0, -EPIPE: the helper has ended, or
 * another negative errno. */
int fb_mp_forkserver_make(int line, const struct fb_mp_worker_request *order, const int *fd,
                          size_t fds);

struct fb_mp_worker_event {
    enum { FB_MP_WORKER_MADE, FB_MP_WORKER_REFUSED, FB_MP_WORKER_ENDED } kind;
    uint32_t index, life;
    pid_t pid;
    int code; /* refused: a negative errno; ended: exit code or -signal */
};

/* The next event that is there. *ret_pidfd: of a worker that was made, the caller's to be closed; -1:
 * this process has no room for it. 0, -EAGAIN, or -EPIPE: the helper has ended. */
int fb_mp_forkserver_next_event(int line, struct fb_mp_worker_event *ret_event, int *ret_pidfd);

#endif
