/* What a queue is made of. For queue.c and queue_*.c.
 *
 * Messages have positions, 0, 1, 2, …; the one at position p is in slot p mod slots. A slot's word
 * holds the position, a state, and while somebody is at work there, who: claiming a slot is one
 * compare-and-swap of that word, so there is no instant at which a slot is taken and nobody knows
 * by whom. The positions of the first message and of the first free slot are only hints: never
 * beyond the truth, which the slots tell. */
#ifndef FB_MP_QUEUE_INTERNAL_H
#define FB_MP_QUEUE_INTERNAL_H

#include "harness/mp/core/eventcount.h"
#include "harness/mp/core/identity.h"
#include "harness/mp/channel/queue.h"

#include <pthread.h>

#define QUEUE_LINE 64
#define QUEUE_INLINE 48    /* bytes of a message that are in the slot itself */
#define QUEUE_END SIZE_MAX /* as a size: an end mark */
#define QUEUE_BLOCK 64u    /* users' records that are allocated together */

/* A message and its place: a slot, or what a user holds. One cache line. */
struct message {
    /* A slot's: see above. Of a held one or a draft: its position + 1, or 0. */
    _Atomic uint64_t word;
    size_t size;
    union {
        char bytes[QUEUE_INLINE];
        void *memory; /* of more than QUEUE_INLINE bytes: in the heap */
    };
};

/* A thread that uses the queue. */
struct user {
    struct message held;  /* what it took last; word 0: done with, though its memory may be there */
    struct message draft; /* what it writes a message into; word 0: no slot has its memory; of size
                             QUEUE_END: there is none */
    _Alignas(QUEUE_LINE) struct fb_mp_identity identity; /* pid 0: the record is free */
    bool buried; /* it is dead, and only what it held is left */
};

struct fb_mp_queue {
    uint64_t serial; /* another one for each queue that ever was at this address; 0: it is gone */
    size_t capacity, slots; /* slots: a power of two, not less */
    struct message *slot;
    _Atomic bool closed;
    _Alignas(QUEUE_LINE) _Atomic uint64_t tail;  /* hint: the first free position */
    _Alignas(QUEUE_LINE) _Atomic uint64_t head;  /* hint: that of the first message */
    _Alignas(QUEUE_LINE) fb_mp_eventcount items; /* who waits for a message */
    _Alignas(QUEUE_LINE) fb_mp_eventcount space; /* … for room */
    _Alignas(QUEUE_LINE) fb_mp_eventcount idle;  /* … for all to be done */
    _Alignas(QUEUE_LINE) pthread_mutex_t mutex;  /* robust: users' records, repair */
    uint32_t users;                              /* records, also free ones */
    uint32_t from, to; /* a message on its way between two records: from + 1, or 0 */
    void *block[FB_MP_QUEUE_USERS / QUEUE_BLOCK];
};

/* ---- words ---- */

enum { FREE, WRITING, FULL, TAKEN, CLOSED };

static inline uint64_t queue_word(uint64_t position, unsigned state, uint32_t user)
{
    return position << 15 | state << 12 | user;
}

static inline unsigned queue_state(uint64_t word)
{
    return word >> 12 & 7;
}

static inline uint32_t queue_owner(uint64_t word)
{
    return word & 0xfff;
}

/* How far the word's position is ahead of this one; positions have 49 bits there. */
static inline int64_t queue_ahead(uint64_t word, uint64_t position)
{
    return (int64_t)(((word >> 15) - position) << 15) >> 15;
}

static inline struct message *queue_slot(const struct fb_mp_queue *queue, uint64_t position)
{
    return &queue->slot[position & (queue->slots - 1)];
}

static inline struct user *queue_user(const struct fb_mp_queue *queue, uint32_t index)
{
    return (struct user *)queue->block[index / QUEUE_BLOCK] + index % QUEUE_BLOCK;
}

static inline pid_t queue_pid(const struct user *user)
{
    return __atomic_load_n(&user->identity.pid, __ATOMIC_ACQUIRE);
}

static inline void queue_set_pid(struct user *user, pid_t pid)
{
    __atomic_store_n(&user->identity.pid, pid, __ATOMIC_RELEASE);
}

static inline bool queue_has_memory(const struct message *message)
{
    return message->size > QUEUE_INLINE && message->size != QUEUE_END;
}

static inline const void *queue_bytes(const struct message *message)
{
    return queue_has_memory(message) ? message->memory : message->bytes;
}

static inline void queue_copy(struct message *to, const struct message *from)
{
    to->size = from->size;
    __builtin_memcpy(to->bytes, from->bytes, QUEUE_INLINE);
}

/* Between stores of which a death may cut off the later ones, but not the earlier. */
static inline void queue_in_order(void)
{
    atomic_signal_fence(memory_order_seq_cst);
}

/* After a message is done with. */
static inline void queue_notify_idle(struct fb_mp_queue *queue)
{
    atomic_fetch_add(&queue->idle, 0); /* orders that before the ringing */
    fb_mp_eventcount_notify(&queue->idle, INT_MAX);
}

/* ---- queue_users.c ---- */

/* What the calling thread knows of a queue that it uses. */
struct handle {
    struct handle *next;
    struct fb_mp_queue *queue;
    uint64_t serial;
    struct user *user;
    uint32_t index;
    bool again;          /* what is held could not be delivered, and comes next */
    uint64_t head, tail; /* hints of its own, never beyond the truth */
};

/* How long its users spin, by the CPUs that this process had when its last handle was made. */
int64_t queue_spin_ns(const struct fb_mp_queue *queue);

/* The thread's; the queue gets a user more the first time. 0 and *ret_handle, or -EUSERS, -ENOMEM,
 * -ENOSPC. */
int queue_handle(struct fb_mp_queue *queue, struct handle **ret_handle);

/* The user is done with what it holds. */
void queue_release(struct user *user);

/* Gives back what was reserved, if anything. */
void queue_drop_draft(struct message *draft);

/* ---- queue_dead.c ---- */

/* The lock of users' records. Whoever gets it after somebody died with it ends what that was doing.
 */
void queue_lock(struct fb_mp_queue *queue);
void queue_unlock(struct fb_mp_queue *queue);

/* Ends all that dead users were doing; with the lock held. Returns of how many of them a message is
 * left; ret_index, which may be NULL: one of them. */
size_t queue_recover_all(struct fb_mp_queue *queue, uint32_t *ret_index);

/* If whoever works on that slot is dead: ends the work, one way or the other. Whether it was. */
bool queue_repair_slot(struct fb_mp_queue *queue, struct message *slot);

/* ---- queue_ring.c ---- */

/* Claims the slot at handle->tail for writing. 0, -ETIMEDOUT (full) or -EPIPE. */
int queue_claim(struct handle *handle, int64_t timeout_ns);

/* What is in the claimed slot can be taken. */
void queue_publish(struct handle *handle, struct message *slot);

/* Takes the next message into what the user holds. 0, -ETIMEDOUT (empty) or -EPIPE. */
int queue_next(struct handle *handle, int64_t timeout_ns);

/* Whether it is, for sure: neither closed, nor would the end of somebody dead make room. */
bool queue_is_full(struct handle *handle);

/* The first position that was not claimed. */
uint64_t queue_tail(struct fb_mp_queue *queue);

#endif
