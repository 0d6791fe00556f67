/* A queue of messages between any number of producers and consumers, processes and threads:
 * bounded, each producer's messages in their order. No call waits for a process that died, wherever
 * in a call it did: a put that it had not finished did not happen, and what it had taken is kept.
 *
 * A message belongs to the thread that took it until that calls get, take or done, or exits (by
 * exit, or as a thread). If its process dies before, the message is abandoned:
 * fb_mp_queue_abandoned tells, fb_mp_queue_retake takes it again.
 *
 * Made in shared memory; handed to processes, forked or spawned, as a pointer. Waits take a time in
 * ns (deadline.h): 0 or less tries once. */
#ifndef FB_MP_QUEUE_H
#define FB_MP_QUEUE_H

#include "harness/mp/core/deadline.h"

#include <stddef.h>
#include <sys/types.h>

struct fb_mp_queue;

#define FB_MP_QUEUE_MOST ((size_t)1 << 24) /* messages in a queue */
#define FB_MP_QUEUE_USERS 4096u            /* threads, of all processes, that use one at a time */

/* capacity: messages at most, 1 … FB_MP_QUEUE_MOST; 64 bytes each are taken now, and for a message
 * of more than 48 bytes its memory when it is put. 0 and *ret_queue, -EINVAL, or a negative errno
 * from fb_mp_alloc. */
int fb_mp_queue_make(size_t capacity, struct fb_mp_queue **ret_queue);

/* With what is in it, when nobody uses it any more: a thread that has is a user until it has ended,
 * a process until it was joined. NULL is accepted. */
void fb_mp_queue_free(struct fb_mp_queue *queue);

/* Puts size bytes (0 and more), copied. 0, or: -ETIMEDOUT the queue is full, -EPIPE it is closed,
 * -ENOMEM or -ENOSPC no memory for it, -EUSERS it has too many users already, -EINVAL no message.
 */
int fb_mp_queue_put(struct fb_mp_queue *queue, const void *message, size_t size,
                    int64_t timeout_ns);

/* Puts an end mark: a message that says nothing but that. */
int fb_mp_queue_put_end(struct fb_mp_queue *queue, int64_t timeout_ns);

/* Takes a message, copied into size bytes at buffer. 0 and *ret_size, or:
 * -ETIMEDOUT  the queue is empty
 * -ENODATA    an end mark was taken; it belongs to the caller as a message does
 * -EMSGSIZE   it has *ret_size bytes, more than the buffer: it is taken, and this thread's next get
 *             or take brings it; done and retake give it up
 * -EPIPE      the queue is closed and empty
 * -EUSERS, -ENOMEM, -ENOSPC  as above, from a thread's first call */
int fb_mp_queue_get(struct fb_mp_queue *queue, void *buffer, size_t size, int64_t timeout_ns,
                    size_t *ret_size);

/* ---- in place, nothing copied ---- */

/* size bytes of memory to write a message into; the thread's next reserve or put gives it back
 * unless it was committed. 0 and *ret_memory, or an error as above. */
int fb_mp_queue_reserve(struct fb_mp_queue *queue, size_t size, void **ret_memory);

/* Puts what was written there. As put; -EINVAL: nothing is reserved. After -ETIMEDOUT it still is.
 */
int fb_mp_queue_commit(struct fb_mp_queue *queue, int64_t timeout_ns);

/* As get, but the message stays where it is: readable there as long as it belongs to the caller. */
int fb_mp_queue_take(struct fb_mp_queue *queue, int64_t timeout_ns, const void **ret_message,
                     size_t *ret_size);

/* ---- tasks ---- */

/* The message that the calling thread took is done with. 0, or -EINVAL: it holds none. */
int fb_mp_queue_done(struct fb_mp_queue *queue);

/* Waits until no message is in the queue or held by a taker. 0, -ETIMEDOUT, or -EOWNERDEAD: the
 * taker of one has died, so it will never be done (unless it is taken again). */
int fb_mp_queue_join(struct fb_mp_queue *queue, int64_t timeout_ns);

/* How many messages takers died with. */
size_t fb_mp_queue_abandoned(struct fb_mp_queue *queue);

/* Takes one of them: it is the caller's now, as after take, readable at *ret_message. 0, -ENODATA
 * (an end mark), or -ENOENT: there is none. *ret_taker: who died with it. */
int fb_mp_queue_retake(struct fb_mp_queue *queue, const void **ret_message, size_t *ret_size,
                       pid_t *ret_taker);

/* ---- */

/* No message can be put any more; those in it can be taken. */
void fb_mp_queue_close(struct fb_mp_queue *queue);

/* Messages in it, about: others go on while it counts. */
size_t fb_mp_queue_size(struct fb_mp_queue *queue);

#endif
