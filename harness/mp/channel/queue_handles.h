/* How a thread becomes a user of a queue, and ceases to be one. For queue*.c. */
#ifndef FB_MP_QUEUE_HANDLES_H
#define FB_MP_QUEUE_HANDLES_H

#include "harness/mp/channel/queue_ring.h"

/* A thread's access to one queue. */
struct queue_handle {
    struct queue_handle *next;
    struct queue_cursor cursor;
    uint64_t serial; /* of the queue */
    bool again;      /* the held message did not fit into the buffer: the next take returns it */
};

/* The calling thread's handle; its first call makes the thread a user. 0 and *ret_handle, or
 * -EUSERS, -ENOMEM, -ENOSPC. */
int queue_handle(struct fb_mp_queue *queue, struct queue_handle **ret_handle);

#endif
