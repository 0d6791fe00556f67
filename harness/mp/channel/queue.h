/* A bounded queue of messages between any number of producers and consumers, which are processes or
 * threads. The messages of one producer stay in order. A process may die anywhere in a call without
 * blocking the others: its unfinished put has not happened, and the message it had taken is kept.
 *
 * A message belongs to the thread that took it until the thread calls get, take or done, ends, or
 * calls exit. If its process dies before that, the message is abandoned: fb_mp_queue_abandoned
 * counts such messages, fb_mp_queue_retake takes one of them.
 *
 * A queue is in shared memory and is passed to forked and spawned processes as a pointer. Timeouts
 * are in ns (deadline.h); with 0 or less, a call tries once. */
#ifndef FB_MP_QUEUE_H
#define FB_MP_QUEUE_H

#include "harness/mp/core/deadline.h"

#include <stddef.h>
#include <sys/types.h>

struct fb_mp_queue;

#define FB_MP_QUEUE_MOST ((size_t)1 << 24) /* messages in a queue */
#define FB_MP_QUEUE_USERS 4096u            /* threads of all processes that use a queue at a time */

/* capacity: the largest number of messages, 1 … FB_MP_QUEUE_MOST. 64 bytes are allocated for each
 * of them now; a message of more than 48 bytes gets its own memory when it is put. 0 and
 * *ret_queue, -EINVAL, or a negative errno from fb_mp_alloc. */
int fb_mp_queue_make(size_t capacity, struct fb_mp_queue **ret_queue);

/* Frees the queue and its messages. Nobody may use it any more: a thread that has used it must have
 * ended, a process must have been joined. NULL is accepted. */
void fb_mp_queue_free(struct fb_mp_queue *queue);

/* Puts a copy of size bytes (0 or more). 0, or: -ETIMEDOUT the queue is full, -EPIPE it is closed,
 * -ENOMEM or -ENOSPC there is no memory for the message, -EUSERS the queue has too many users
 * already, -EINVAL message is NULL and size is not 0. */
int fb_mp_queue_put(struct fb_mp_queue *queue, const void *message, size_t size,
                    int64_t timeout_ns);

/* Puts an end mark: a message without contents, for which get and take return -ENODATA. Errors as
 * above. */
int fb_mp_queue_put_end(struct fb_mp_queue *queue, int64_t timeout_ns);

/* Takes a message and copies it into the size bytes at buffer. 0 and *ret_size, or:
 * -ETIMEDOUT  the queue is empty
 * -ENODATA    an end mark was taken; it belongs to the caller as a message does
 * -EMSGSIZE   the message has *ret_size bytes, more than the buffer. It is taken, and this thread's
 *             next get or take returns it; done and retake discard it
 * -EPIPE      the queue is closed and empty
 * -EUSERS, -ENOMEM, -ENOSPC  as above; only a thread's first call returns these */
int fb_mp_queue_get(struct fb_mp_queue *queue, void *buffer, size_t size, int64_t timeout_ns,
                    size_t *ret_size);

/* ---- without copying ---- */

/* Allocates size bytes to write a message into. The thread's next reserve or put frees them unless
 * they were committed. 0 and *ret_memory, or an error as above. */
int fb_mp_queue_reserve(struct fb_mp_queue *queue, size_t size, void **ret_memory);

/* Puts the reserved message. Returns as put, or -EINVAL: nothing is reserved. After -ETIMEDOUT the
 * message is still reserved. */
int fb_mp_queue_commit(struct fb_mp_queue *queue, int64_t timeout_ns);

/* As get, but without a copy: *ret_message is readable as long as the message belongs to the
 * caller. */
int fb_mp_queue_take(struct fb_mp_queue *queue, int64_t timeout_ns, const void **ret_message,
                     size_t *ret_size);

/* ---- tasks ---- */

/* Ends the calling thread's work on the message it took. 0, or -EINVAL: it holds none. */
int fb_mp_queue_done(struct fb_mp_queue *queue);

/* Waits until no message is in the queue or held by a taker. 0, -ETIMEDOUT, or -EOWNERDEAD: the
 * taker of a message has died, so that it will never be done unless it is taken again. */
int fb_mp_queue_join(struct fb_mp_queue *queue, int64_t timeout_ns);

/* The number of messages whose takers have died. */
size_t fb_mp_queue_abandoned(struct fb_mp_queue *queue);

/* Takes one of them. As after take, it belongs to the caller and is readable at *ret_message. 0,
 * -ENODATA (an end mark), or -ENOENT: there is none. *ret_taker: the process that died. */
int fb_mp_queue_retake(struct fb_mp_queue *queue, const void **ret_message, size_t *ret_size,
                       pid_t *ret_taker);

/* ---- */

/* Closes the queue: no message can be put any more, those in it can still be taken. */
void fb_mp_queue_close(struct fb_mp_queue *queue);

/* The approximate number of messages in it, as others use it during the count. */
size_t fb_mp_queue_size(struct fb_mp_queue *queue);

#endif
