/* Claiming, publishing and taking the slots of a queue, and waiting to do so. For queue*.c. */
#ifndef FB_MP_QUEUE_RING_H
#define FB_MP_QUEUE_RING_H

#include "harness/mp/channel/queue_record.h"

/* A user's place in the ring. */
struct queue_cursor {
    struct fb_mp_queue *queue;
    struct queue_user *user;
    uint32_t index;      /* of the user's record */
    unsigned cpus;       /* that the thread could run on when the cursor was made */
    uint64_t head, tail; /* hints of its own, never beyond the true positions */
};

/* Claims the slot at cursor->tail for writing. 0, -ETIMEDOUT (full) or -EPIPE. */
int queue_claim(struct queue_cursor *cursor, int64_t timeout_ns);

/* Makes the message in the claimed slot available. */
void queue_publish(struct queue_cursor *cursor, struct queue_message *slot);

/* Takes the next message into the user's `held`. 0, -ETIMEDOUT (empty) or -EPIPE. */
int queue_next(struct queue_cursor *cursor, int64_t timeout_ns);

/* Whether the queue is certainly full: not closed, and no recovery could make room. */
bool queue_is_full(struct queue_cursor *cursor);

/* The first position that is not claimed. */
uint64_t queue_tail(struct fb_mp_queue *queue);

#endif
