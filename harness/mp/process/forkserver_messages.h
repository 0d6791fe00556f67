/* The messages between a process and its forkserver. Each is one packet of a SOCK_SEQPACKET socket:
 *
 * - to the forkserver, on the socket it was started with: one byte and a descriptor, the forkserver's
 *   end of a new connection;
 * - to the forkserver, on a connection: a struct forkserver_request with descriptors, first the
 *   working directory, then those that the workers get;
 * - from the forkserver, on a connection: events. FB_MP_WORKER_MADE comes with the worker's pidfd. */
#ifndef FB_MP_FORKSERVER_MESSAGES_H
#define FB_MP_FORKSERVER_MESSAGES_H

#include "harness/mp/process/process.h"

#include <sched.h>

/* The argument of a worker's run. */
struct fb_mp_worker_argument {
    void *shared;
    uint32_t index, generation;
};

/* Requests count workers, with the indices first, first + 1, … */
struct fb_mp_worker_request {
    enum fb_mp_method method;
    fb_mp_run run;
    void *shared; /* in the heap */
    uint32_t first, count, generation;
    char name[FB_MP_NAME - 16]; /* workers are called "NAME-1", "NAME-2", …: index + 1 */
};

struct fb_mp_worker_event {
    enum { FB_MP_WORKER_MADE, FB_MP_WORKER_REFUSED, FB_MP_WORKER_ENDED } kind;
    uint32_t index, generation;
    pid_t pid;
    int code; /* refused: a negative errno; ended: exit code or -signal */
};

struct forkserver_request {
    struct fb_mp_worker_request workers;
    cpu_set_t cpus;
};

#define FORKSERVER_FDS (FB_MP_FDS + 1) /* most descriptors of a message */

/* Sends size bytes with fds descriptors, all or nothing. flags: sendmsg's. 0, -EAGAIN, -EPIPE, or
 * another negative errno. */
int forkserver_send(int socket, const void *message, size_t size, const int *fd, size_t fds,
                    int flags);

/* Receives up to size bytes and up to *fds descriptors, without waiting. *fds becomes the number of
 * descriptors received: 0 if this process has no room for all of them. Returns the number of bytes,
 * 0 if the other side is closed, or a negative errno. */
ssize_t forkserver_receive(int socket, void *message, size_t size, int *ret_fd, size_t *fds);

#endif
