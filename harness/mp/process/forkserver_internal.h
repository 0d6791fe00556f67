/* The forkserver, for the runtime itself: connecting to it, requesting workers, reading events. */
#ifndef FB_MP_FORKSERVER_INTERNAL_H
#define FB_MP_FORKSERVER_INTERNAL_H

#include "harness/mp/process/forkserver_messages.h"

#include <signal.h>

/* Opens a connection to the forkserver, which is started if necessary. One thread at a time may
 * read it; the workers made through it are killed when it is closed. 0 and *ret_connection, or a
 * negative errno with *error. */
int fb_mp_forkserver_connect(int *ret_connection, struct fb_error *error);

/* Sends a request for workers, which get the descriptors fd[fds] (fb_mp_descriptor). They start in
 * the caller's working directory, and may use the CPUs that the calling thread may. 0, -EPIPE: the
 * forkserver has exited, or another negative errno. */
int fb_mp_forkserver_make(int connection, const struct fb_mp_worker_request *workers, const int *fd,
                          size_t fds);

/* Reads the next event, without waiting. *ret_pidfd: the pidfd of a worker that was made, for the
 * caller to close; -1: this process has no room for another descriptor. 0, -EAGAIN: there is no
 * event, or -EPIPE: the forkserver has exited. */
int fb_mp_forkserver_next_event(int connection, struct fb_mp_worker_event *ret_event,
                                int *ret_pidfd);

/* The forkserver's program. socket: to the process that started it; mask: the signals that its
 * workers block. */
_Noreturn void forkserver_main(int socket, const sigset_t *mask);

#endif
