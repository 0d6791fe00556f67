/* Pipes: two ends between which whole messages of any size pass, one way or both. An end may be
 * used by several processes and threads at once: messages never merge, and no death stops the
 * others. */
#ifndef FB_MP_CONNECTION_H
#define FB_MP_CONNECTION_H

#include "harness/mp/core/deadline.h"

#include <stdbool.h>
#include <stddef.h>

struct fb_mp_connection;

/* Makes a pipe: 0 and its ends (each ended with fb_mp_connection_close in every process that has
 * it), or a negative errno. Not two_way: the first receives, the second sends. A forked process has
 * both ends; each should close the one that it doesn't use, or the other side won't see the end. */
int fb_mp_pipe(bool two_way, struct fb_mp_connection **ret_first,
               struct fb_mp_connection **ret_second);

/* Gives this process's hold of the end up. NULL is accepted. */
void fb_mp_connection_close(struct fb_mp_connection *connection);

/* Sends size bytes as one message; waits while the pipe is full. 0, or a negative errno: -EPIPE
 * nobody holds the other end any more, -EBADF this end only receives. */
int fb_mp_send(struct fb_mp_connection *connection, const void *message, size_t size);

/* Receives one message into size bytes at buffer. 0 and *ret_size, or:
 * -ETIMEDOUT  none came (one that has begun to come is waited for while its sender lives)
 * -EMSGSIZE   it has *ret_size bytes, more than the buffer; it is kept for this process's next call
 * -ENOMSG     a descriptor comes next, which is kept: take it with fb_mp_receive_fd
 * -EBADMSG    a message broke off, since its sender or a process that was receiving it died
 * -EPIPE      nobody holds the other end any more, and all that was sent has been received
 * -EBADF      this end only sends
 * -ENOMEM     for a message that is larger than the buffer; it is lost */
int fb_mp_receive(struct fb_mp_connection *connection, void *buffer, size_t size,
                  int64_t timeout_ns, size_t *ret_size);

/* A descriptor as a message of its own: 0 and *ret_fd, the receiver's; errors as above, -ENOMSG: a
 * message comes next, which is kept. */
int fb_mp_send_fd(struct fb_mp_connection *connection, int fd);
int fb_mp_receive_fd(struct fb_mp_connection *connection, int64_t timeout_ns, int *ret_fd);

/* Whether a receive would find something at once: a message or the end. */
bool fb_mp_poll(struct fb_mp_connection *connection, int64_t timeout_ns);

/* What fb_mp_wait can watch; the connection's. */
int fb_mp_connection_fd(const struct fb_mp_connection *connection);

/* ---- to a spawned process ---- */

#define FB_MP_CONNECTION_FDS 2

/* The descriptors to be given to it (options.fd), and what it needs to know (a part of its
 * argument). */
struct fb_mp_connection_packed {
    unsigned side;
    bool sends, receives;
};
void fb_mp_connection_pack(const struct fb_mp_connection *connection,
                           struct fb_mp_connection_packed *ret_packed,
                           int ret_fd[FB_MP_CONNECTION_FDS]);

/* There: makes the end again. It owns the descriptors from then on, also on failure. 0 and
 * *ret_connection, or a negative errno. */
int fb_mp_connection_unpack(const struct fb_mp_connection_packed *packed,
                            const int fd[FB_MP_CONNECTION_FDS],
                            struct fb_mp_connection **ret_connection);

#endif
