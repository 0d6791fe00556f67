/* The layout of a queue, its users' records, and the lock that guards them. For queue*.c.
 * Messages have positions 0, 1, 2, …; the message at position p is in slot p mod slots. A slot's
 * word holds a position, a state and, while a user works on the slot, that user's index. One
 * compare-and-swap of the word claims the slot, so a claimed slot always names its owner. The
 * queue's `head` and `tail` are hints: they may be behind the true positions, never beyond them;
 * the slots' words decide. */
#ifndef FB_MP_QUEUE_RECORD_H
#define FB_MP_QUEUE_RECORD_H

#include "harness/mp/core/eventcount.h"
#include "harness/mp/core/identity.h"
#include "harness/mp/channel/queue.h"

#include <pthread.h>

#define QUEUE_LINE 64
#define QUEUE_INLINE 48    /* largest message, in bytes, that is stored in its slot */
#define QUEUE_END SIZE_MAX /* as a size: an end mark */
#define QUEUE_BLOCK 64u    /* user records per allocation */

/* A message in a slot, held by a user or being drafted. One cache line. */
struct queue_message {
    /* In a slot: see above. In a held message: its position + 1, or 0 for none. In a draft: the
     * position + 1 under which it was last published, or 0. */
    _Atomic uint64_t word;
    size_t size;
    union {
        char bytes[QUEUE_INLINE];
        void *memory; /* in the heap, if size is more than QUEUE_INLINE */
    };
};

/* The record of a thread that uses the queue. */
struct queue_user {
    /* The message taken last. With word 0 it is done, but its memory may not be freed yet. */
    struct queue_message held;
    /* The message being written; size QUEUE_END: none. With a word other than 0 the memory belongs
     * to the message in the slot. */
    struct queue_message draft;
    _Alignas(QUEUE_LINE) struct fb_mp_identity identity; /* pid 0: the record is free */
    bool recovered; /* the user is dead, and all that is left of it is the message it held */
};

struct fb_mp_queue {
    uint64_t serial;        /* differs between all queues ever made at this address; 0: freed */
    size_t capacity, slots; /* slots: a power of two, at least capacity */
    struct queue_message *slot;
    _Atomic bool closed;
    _Alignas(QUEUE_LINE) _Atomic uint64_t tail;  /* hint: the first free position */
    _Alignas(QUEUE_LINE) _Atomic uint64_t head;  /* hint: the position of the first message */
    _Alignas(QUEUE_LINE) fb_mp_eventcount items; /* waiting for a message */
    _Alignas(QUEUE_LINE) fb_mp_eventcount space; /* waiting for room */
    _Alignas(QUEUE_LINE) fb_mp_eventcount idle;  /* waiting until all messages are done */
    _Alignas(QUEUE_LINE) pthread_mutex_t mutex;  /* robust: guards the user records and recovery */
    uint32_t users;                              /* records, including free ones */
    uint32_t from, to; /* a message being moved between records: index of the source + 1, or 0 */
    void *block[FB_MP_QUEUE_USERS / QUEUE_BLOCK];
};

/* ---- words ---- */

enum queue_state { QUEUE_FREE, QUEUE_WRITING, QUEUE_FULL, QUEUE_TAKEN, QUEUE_CLOSED };

static inline uint64_t queue_word(uint64_t position, enum queue_state state, uint32_t user)
{
    return position << 15 | (uint64_t)state << 12 | user;
}

static inline enum queue_state queue_state(uint64_t word)
{
    return word >> 12 & 7;
}

static inline uint32_t queue_owner(uint64_t word)
{
    return word & 0xfff;
}

/* How far the position in a word is ahead of another position. A word has 49 bits of its position.
 */
static inline int64_t queue_ahead(uint64_t word, uint64_t position)
{
    return (int64_t)(((word >> 15) - position) << 15) >> 15;
}

/* Whether a user is writing or taking the message in the slot. */
static inline bool queue_is_claimed(uint64_t word)
{
    return queue_state(word) == QUEUE_WRITING || queue_state(word) == QUEUE_TAKEN;
}

static inline struct queue_message *queue_slot(const struct fb_mp_queue *queue, uint64_t position)
{
    return &queue->slot[position & (queue->slots - 1)];
}

/* ---- messages ---- */

static inline bool queue_has_memory(const struct queue_message *message)
{
    return message->size > QUEUE_INLINE && message->size != QUEUE_END;
}

static inline const void *queue_bytes(const struct queue_message *message)
{
    return queue_has_memory(message) ? message->memory : message->bytes;
}

/* Copies all but the word. */
static inline void queue_copy(struct queue_message *to, const struct queue_message *from)
{
    to->size = from->size;
    __builtin_memcpy(to->bytes, from->bytes, QUEUE_INLINE);
}

/* Keeps stores in program order, as a death between them must not leave the later without the
 * earlier. The reader of an interrupted sequence has the lock or knows that the writer is dead, so
 * only the compiler has to be restrained. */
static inline void queue_in_order(void)
{
    atomic_signal_fence(memory_order_seq_cst);
}

/* ---- users ---- */

static inline struct queue_user *queue_user(const struct fb_mp_queue *queue, uint32_t index)
{
    return (struct queue_user *)queue->block[index / QUEUE_BLOCK] + index % QUEUE_BLOCK;
}

static inline pid_t queue_pid(const struct queue_user *user)
{
    return __atomic_load_n(&user->identity.pid, __ATOMIC_ACQUIRE);
}

static inline void queue_set_pid(struct queue_user *user, pid_t pid)
{
    __atomic_store_n(&user->identity.pid, pid, __ATOMIC_RELEASE);
}

/* Marks the held message as done and frees its memory. */
void queue_release(struct queue_user *user);

/* Frees the reserved memory, if there is any. */
void queue_drop_draft(struct queue_message *draft);

/* Notifies those that wait until all messages are done. After queue_release. */
static inline void queue_notify_idle(struct fb_mp_queue *queue)
{
    atomic_fetch_add(&queue->idle, 0); /* the release is visible before the eventcount is read */
    fb_mp_eventcount_notify(&queue->idle, INT_MAX);
}

/* ---- the lock of the records ---- */

/* If the previous owner died while it moved a message, completes or undoes the move. */
void queue_lock(struct fb_mp_queue *queue);
void queue_unlock(struct fb_mp_queue *queue);

/* Moves a held message to a user that holds none. With the lock held. */
void queue_move_held(struct fb_mp_queue *queue, uint32_t from, uint32_t to);

#endif
