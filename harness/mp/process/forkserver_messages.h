/* What is said between a program and its helper: each message a packet. */
#ifndef FB_MP_FORKSERVER_INTERNAL_H
#define FB_MP_FORKSERVER_INTERNAL_H

#include "harness/mp/process/forkserver.h"

#include <sched.h>
#include <signal.h>

/* To the helper, on the socket that it was started with: an empty message with the other end of a
 * new line. On a line: an order, with descriptors: the directory, then those that workers get. */
struct forkserver_request {
    struct fb_mp_worker_request order;
    cpu_set_t cpus;
};

#define FORKSERVER_FDS (FB_MP_FDS + 1)

/* On a line back: events; MADE comes with the worker's pidfd. */

/* Sends size bytes with fds descriptors, all or nothing. 0, -EAGAIN, -EPIPE, or another negative
 * errno. */
int forkserver_send(int socket, const void *message, size_t size, const int *fd, size_t fds,
                    int flags);

/* Receives at most size bytes and at most *fds descriptors, of which it tells how many came: none
 * if this process has no room for them all. The bytes, 0 at the end, or a negative errno. */
ssize_t forkserver_receive(int socket, void *message, size_t size, int *ret_fd, size_t *fds);

/* What the helper does, with that socket; mask: the signals that its workers block. */
_Noreturn void forkserver_main(int socket, const sigset_t *mask);

#endif
