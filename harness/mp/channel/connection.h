/* Pipes: two ends that pass whole messages of any size, one way or both ways. Several processes and
 * threads may use an end at once: messages never merge, and the death of one process doesn't block
 * the others. */
#ifndef FB_MP_CONNECTION_H
#define FB_MP_CONNECTION_H

#include "harness/mp/core/deadline.h"

#include <stdbool.h>
#include <stddef.h>

struct fb_mp_connection;

/* Makes a pipe: 0 and its ends, or a negative errno. Every process that has an end closes it with
 * fb_mp_connection_close. Unless two_way, the first end receives and the second one sends. A forked
 * process has both ends: parent and child should each close the one they don't use, or the other
 * side never sees -EPIPE. */
int fb_mp_pipe(bool two_way, struct fb_mp_connection **ret_first,
               struct fb_mp_connection **ret_second);

/* Closes the end in this process. NULL is accepted. */
void fb_mp_connection_close(struct fb_mp_connection *connection);

/* Sends size bytes as one message; waits while the pipe is full. 0, or a negative errno: -EPIPE
 * no process has the other end any more, -EBADF this end only receives. */
int fb_mp_send(struct fb_mp_connection *connection, const void *message, size_t size);

/* Receives one message into the size bytes at buffer. 0 and *ret_size, or:
 * -ETIMEDOUT  no message arrived (the rest of one that has begun to arrive is waited for while its
 *             sender lives)
 * -EMSGSIZE   the message has *ret_size bytes, more than the buffer; it is kept for this process's
 *             next call
 * -ENOMSG     the next message is a descriptor; it is kept for fb_mp_receive_fd
 * -EBADMSG    a message is incomplete, because its sender or a process that was receiving it died
 * -EPIPE      no process has the other end any more, and everything sent has been received
 * -EBADF      this end only sends
 * -ENOMEM     no memory for a message larger than the buffer; it is lost */
int fb_mp_receive(struct fb_mp_connection *connection, void *buffer, size_t size,
                  int64_t timeout_ns, size_t *ret_size);

/* Pass a descriptor as a message of its own. 0 and *ret_fd, which the receiver owns; errors as
 * above, or -ENOMSG: the next message is no descriptor; it is kept. */
int fb_mp_send_fd(struct fb_mp_connection *connection, int fd);
int fb_mp_receive_fd(struct fb_mp_connection *connection, int64_t timeout_ns, int *ret_fd);

/* Waits until a receive would return at once, with a message or -EPIPE. Returns false after the
 * timeout. */
bool fb_mp_poll(struct fb_mp_connection *connection, int64_t timeout_ns);

/* A descriptor for fb_mp_wait. The connection owns it. */
int fb_mp_connection_fd(const struct fb_mp_connection *connection);

/* ---- passing an end to a spawned process ---- */

#define FB_MP_CONNECTION_FDS 2

/* What a spawned process needs: the descriptors (in options.fd), which the connection still owns,
 * and this struct (in its argument). */
struct fb_mp_connection_packed {
    unsigned side;
    bool sends, receives;
};
void fb_mp_connection_pack(const struct fb_mp_connection *connection,
                           struct fb_mp_connection_packed *ret_packed,
                           int ret_fd[FB_MP_CONNECTION_FDS]);

/* In the spawned process: makes the connection again. Takes the descriptors over, also on failure.
 * 0 and *ret_connection, or a negative errno. */
int fb_mp_connection_unpack(const struct fb_mp_connection_packed *packed,
                            const int fd[FB_MP_CONNECTION_FDS],
                            struct fb_mp_connection **ret_connection);

#endif
