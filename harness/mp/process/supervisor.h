/* A crew: workers that the helper makes, numbered from 0 on, each watched and, if its owner wants,
 * made anew when it has ended. One thread at a time uses a crew. */
#ifndef FB_MP_SUPERVISOR_H
#define FB_MP_SUPERVISOR_H

#include "harness/mp/process/forkserver.h"

#define FB_MP_SUPERVISOR_WORKERS 1024

struct fb_mp_supervisor;

struct fb_mp_supervisor_options {
    enum fb_mp_method method;
    unsigned workers; /* to begin with, 0 … FB_MP_SUPERVISOR_WORKERS */
    fb_mp_run run;    /* what a worker does: its argument is a struct fb_mp_worker_argument */
    void *shared;     /* what that has as told->shared, in the heap */
    const char *name; /* workers are "NAME-1", "NAME-2", … */
    const int *fd;    /* descriptors that workers get, the caller's; as long as the crew lives */
    size_t fds;       /* up to FB_MP_FDS */
};

/* Orders the workers, and does not wait for them. 0 and *ret_crew, or a negative errno with *error
 * and none left. */
int fb_mp_supervisor_open(const struct fb_mp_supervisor_options *options,
                          struct fb_mp_supervisor **ret_crew, struct fb_error *error);

/* Waits until all are there. 0, or a negative errno with *error: one could not be made. */
int fb_mp_supervisor_wait(struct fb_mp_supervisor *crew, struct fb_error *error);

/* Waits until workers that were told to leave have ended, kills those that have not when the time
 * is over, and frees the crew. NULL is accepted. */
void fb_mp_supervisor_close(struct fb_mp_supervisor *crew, int64_t patience_ns);

/* How a worker ended. */
struct fb_mp_worker_end {
    unsigned index;
    pid_t pid; /* 0: it could not be made, code is a negative errno */
    int code;  /* exit code or -signal */
    bool lost; /* because the helper ended; without a pid, it may just have begun all the same */
    unsigned losses; /* how many helpers the crew has lost, if it was lost */
};

/* "worker 3 (pid 4711) was killed by signal 9 (Killed)", or "… exited with code 3". */
void fb_mp_worker_end_describe(const struct fb_mp_worker_end *end, char *text, size_t size);

/* A descriptor that is readable when there may be an end that nobody has heard of; the crew's, and
 * another one after -EPIPE. Others may be known, by fb_mp_supervisor_wait for one: whoever waits here asks
 * fb_mp_supervisor_next_end first. */
int fb_mp_supervisor_fd(const struct fb_mp_supervisor *crew);

/* The next worker's end. 0 and *ret_end, or -EAGAIN: there is none. When the helper ends its
 * workers do too, by SIGKILL; while it is stopped, nobody hears of an end. */
int fb_mp_supervisor_next_end(struct fb_mp_supervisor *crew, struct fb_mp_worker_end *ret_end);

/* What the next workers that are ordered have as told->life; those that a crew is opened with have
 * 1. */
uint32_t fb_mp_supervisor_next_generation(const struct fb_mp_supervisor *crew);

/* Makes worker index, which has ended or never was. 0, or a negative errno; that it could not be
 * made may also be told as its end. */
int fb_mp_supervisor_make(struct fb_mp_supervisor *crew, unsigned index);

/* Sends a signal, unless it has ended. */
void fb_mp_supervisor_signal(struct fb_mp_supervisor *crew, unsigned index, int number);

/* Kills them all, and returns when they have ended; fb_mp_supervisor_next_end still tells of each. */
void fb_mp_supervisor_kill(struct fb_mp_supervisor *crew);

/* Its pid; 0: it is not there, as far as is known. */
pid_t fb_mp_supervisor_pid(const struct fb_mp_supervisor *crew, unsigned index);

#endif
