/* A supervisor: workers made by the forkserver, numbered from 0. Each is watched and can be
 * replaced after it has ended. One thread at a time uses a supervisor. */
#ifndef FB_MP_SUPERVISOR_H
#define FB_MP_SUPERVISOR_H

#include "harness/mp/process/forkserver_messages.h"

#include "base/error.h"

#define FB_MP_SUPERVISOR_WORKERS 1024

struct fb_mp_supervisor;

struct fb_mp_supervisor_options {
    enum fb_mp_method method;
    unsigned workers; /* to begin with, 0 … FB_MP_SUPERVISOR_WORKERS */
    fb_mp_run run;    /* what a worker runs; its argument is a struct fb_mp_worker_argument */
    void *shared;     /* passed as argument->shared; in the heap */
    const char *name; /* workers are called "NAME-1", "NAME-2", … */
    const int *fd;    /* descriptors that workers get; the caller keeps them open and the array
                       * valid as long as the supervisor exists */
    size_t fds;       /* up to FB_MP_FDS */
};

/* Requests the workers without waiting for them. 0 and *ret_supervisor, or a negative errno with
 * *error and no worker left. */
int fb_mp_supervisor_open(const struct fb_mp_supervisor_options *options,
                          struct fb_mp_supervisor **ret_supervisor, struct fb_error *error);

/* Waits until all requested workers exist. 0, or a negative errno with *error: one could not be
 * made. */
int fb_mp_supervisor_wait(struct fb_mp_supervisor *supervisor, struct fb_error *error);

/* Waits until the workers have ended, which the caller has asked them to; kills those still running
 * after patience_ns, and frees the supervisor. NULL is accepted. */
void fb_mp_supervisor_close(struct fb_mp_supervisor *supervisor, int64_t patience_ns);

/* How a worker ended. */
struct fb_mp_worker_end {
    unsigned index;
    pid_t pid; /* 0: it could not be made, code is a negative errno */
    int code;  /* exit code or -signal */
    bool lost; /* because the forkserver exited; if pid is 0, it may have begun all the same */
    unsigned losses; /* if lost: how many forkservers this supervisor has lost so far */
};

/* Writes "worker 3 (pid 4711) was killed by signal 9 (Killed)", or "… exited with code 3". */
void fb_mp_worker_end_describe(const struct fb_mp_worker_end *end, char *text, size_t size);

/* A descriptor that becomes readable when a worker may have ended. It belongs to the supervisor,
 * and is replaced by another one after a forkserver was lost. Ends may also be queued already, for
 * example by fb_mp_supervisor_wait: call fb_mp_supervisor_next_end before waiting for the
 * descriptor. */
int fb_mp_supervisor_fd(const struct fb_mp_supervisor *supervisor);

/* Returns the next worker's end. 0 and *ret_end, or -EAGAIN: there is none. When the forkserver
 * exits, its workers are killed by SIGKILL; while it is stopped, no ends are reported. */
int fb_mp_supervisor_next_end(struct fb_mp_supervisor *supervisor,
                              struct fb_mp_worker_end *ret_end);

/* The argument->generation of the workers that are requested next. The workers that a supervisor is
 * opened with have generation 1. */
uint32_t fb_mp_supervisor_next_generation(const struct fb_mp_supervisor *supervisor);

/* Makes worker index, which has ended or never existed. 0, or a negative errno; that it could not
 * be made may also be reported as its end. */
int fb_mp_supervisor_make(struct fb_mp_supervisor *supervisor, unsigned index);

/* Sends a signal, unless the worker has ended. */
void fb_mp_supervisor_signal(struct fb_mp_supervisor *supervisor, unsigned index, int number);

/* Kills all workers and returns when they have ended; fb_mp_supervisor_next_end still reports each
 * end. */
void fb_mp_supervisor_kill(struct fb_mp_supervisor *supervisor);

/* The worker's pid; 0 if it has ended or is not known to exist yet. */
pid_t fb_mp_supervisor_pid(const struct fb_mp_supervisor *supervisor, unsigned index);

#endif
