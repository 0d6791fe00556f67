/* Task records in shared memory and the protocol of their state words: every transition that the
 * owner or a worker makes, the ring of ready tasks, and each worker's list of completed tasks.
 *
 *   NONE    -> READY    owner   task_make_ready   after a worker's death also from CLAIMED, REVOKED
 *   READY   -> CLAIMED  worker  task_claim        compare-and-swap
 *   READY   -> NONE     owner   task_withdraw     compare-and-swap
 *   CLAIMED -> DONE     worker  task_mark_done    compare-and-swap; then task_list_completed
 *   CLAIMED -> REVOKED  owner   task_revoke       compare-and-swap
 *   any     -> NONE     owner   task_release      no worker has the task any more
 *
 * A word holds the claiming worker's index beside the state, so a task is claimed by a single
 * compare-and-swap and the owner can always tell which worker has it. The ring is a list of
 * record numbers in the order of submission. Only the owner appends to it, under its mutex. */
#ifndef FB_MP_TASK_RING_H
#define FB_MP_TASK_RING_H

#include "harness/mp/pool/pool.h"

#include <stdatomic.h>

#define TASK_LINE 64     /* bytes of a cache line */
#define TASK_ARGUMENT 16 /* bytes of an argument that fit into the record itself */
#define TASK_REPLY 32    /* bytes of a result that fit into the record itself */

struct pool_bound;

enum task_state { TASK_NONE, TASK_READY, TASK_CLAIMED, TASK_DONE, TASK_REVOKED };

enum {
    TASK_HAS_CALLBACK = 1, /* notify the owner's service thread when the task is done */
    TASK_HAS_LIMIT = 2     /* notify it when the task begins */
};

struct task_record {
    /* Written by the owner, except for the word. */
    _Alignas(TASK_LINE) _Atomic uint64_t word;
    fb_mp_function function; /* the address; in a spawning pool the index in the function table */
    const struct pool_bound *bound;
    void *memory;  /* the argument, if it is larger than TASK_ARGUMENT */
    uint32_t size; /* of the argument */
    _Atomic uint32_t flags;
    uint64_t index; /* of the first item that failed; set by the worker if it reports a failure */
    char argument[TASK_ARGUMENT];
    /* Written by the worker. */
    /* The result or error text, if larger than TASK_REPLY. */
    _Alignas(TASK_LINE) void *reply_memory;
    _Atomic int32_t code;
    uint32_t reply_size;
    uint32_t next;            /* in its worker's list of completed tasks: record number + 1, or 0 */
    _Atomic uint64_t at_item; /* of a map: the item in progress; all items before it are done */
    _Alignas(8) char reply[TASK_REPLY];
};

struct task_ring {
    _Alignas(TASK_LINE) uint64_t records;      /* a power of two */
    _Atomic uint64_t *entry;                   /* [records] (position + 1) << 16 | record number */
    struct task_record *record;                /* [records] */
    _Alignas(TASK_LINE) _Atomic uint64_t head; /* hint: the first position that is not claimed */
    /* One bit for each worker whose list of completed tasks may not be empty. */
    _Alignas(TASK_LINE) _Atomic uint64_t has_completed[FB_MP_POOL_WORKERS / 64];
};

/* The head of a worker's list of completed tasks, newest first: record number + 1, or 0. */
typedef _Atomic uint32_t task_list;

/* Allocates the arrays in shared memory. 0 or a negative errno; free in both cases. */
int task_ring_make(struct task_ring *ring, uint64_t records);
void task_ring_free(struct task_ring *ring);

/* ---- the word ---- */

static inline uint64_t task_word(uint64_t position, enum task_state state, unsigned worker)
{
    return position << 16 | (uint64_t)state << 12 | worker;
}

static inline enum task_state task_state_of(uint64_t word)
{
    return (enum task_state)(word >> 12 & 15);
}

static inline unsigned task_worker_of(uint64_t word)
{
    return word & 0xfff;
}

static inline uint64_t task_read(const struct task_record *record)
{
    return atomic_load(&record->word);
}

/* ---- the owner's side ---- */

/* Whether the ring has a free entry at position tail. Moves the head past withdrawn tasks that no
 * worker has passed yet. */
bool task_ring_has_room(struct task_ring *ring, uint64_t tail);

/* Appends the record to the ring at position, which is the ring's tail. */
static inline void task_make_ready(struct task_ring *ring, uint64_t position, uint32_t number)
{
    atomic_store_explicit(&ring->record[number].word, task_word(position, TASK_READY, 0),
                          memory_order_release);
    atomic_store(&ring->entry[position & (ring->records - 1)], (position + 1) << 16 | number);
}

/* Takes a ready task back. False: a worker has claimed it. */
bool task_withdraw(struct task_record *record);

/* Revokes a claimed task so that its worker can be terminated: the worker claims no other task from
 * then on. seen is the word as the caller has read it. False: it is not claimed, or the word has
 * changed since, because the worker has completed the task. */
bool task_revoke(struct task_record *record, uint64_t seen);

static inline void task_release(struct task_record *record)
{
    atomic_store(&record->word, task_word(0, TASK_NONE, 0));
}

/* Whether a worker of this group (64 workers) may have completed tasks. For spinning. */
static inline bool task_any_completed(const struct task_ring *ring, unsigned group)
{
    return atomic_load_explicit(&ring->has_completed[group], memory_order_relaxed) != 0;
}

/* Reads and clears the bits of a group's workers that may have completed tasks. */
static inline uint64_t task_take_workers(struct task_ring *ring, unsigned group)
{
    return atomic_load(&ring->has_completed[group]) == 0
               ? 0
               : atomic_exchange(&ring->has_completed[group], 0);
}

/* Empties a worker's list and returns its first member, oldest first: record number + 1, or 0. The
 * others follow by task_record.next. */
uint32_t task_take_completed(struct task_ring *ring, task_list *completed);

/* ---- a worker's side ---- */

/* Claims the first ready task. NULL: there is none. */
static inline struct task_record *task_claim(struct task_ring *ring, unsigned worker,
                                             uint64_t *ret_position)
{
    uint64_t head = atomic_load(&ring->head);
    for (;;) {
        uint64_t entry = atomic_load(&ring->entry[head & (ring->records - 1)]);
        if (entry >> 16 != head + 1) {
            uint64_t now = atomic_load(&ring->head);
            if (now == head)
                return NULL;
            head = now;
            continue;
        }
        struct task_record *record = &ring->record[entry & 0xffff];
        uint64_t ready = task_word(head, TASK_READY, 0), position = head;
        bool claimed = atomic_compare_exchange_strong(&record->word, &ready,
                                                      task_word(head, TASK_CLAIMED, worker));
        atomic_compare_exchange_strong(&ring->head, &head, position + 1);
        if (claimed) {
            *ret_position = position;
            return record;
        }
        head = atomic_load(&ring->head); /* another worker claimed it, or it was withdrawn */
    }
}

/* False: the owner has revoked the task. */
static inline bool task_mark_done(struct task_record *record, uint64_t position, unsigned worker)
{
    uint64_t claimed = task_word(position, TASK_CLAIMED, worker);
    return atomic_compare_exchange_strong(&record->word, &claimed,
                                          task_word(position, TASK_DONE, worker));
}

/* Puts a done task on its worker's list. If the worker is killed before this, the owner finds the
 * record by its word. */
static inline void task_list_completed(struct task_ring *ring, struct task_record *record,
                                       unsigned worker, task_list *completed)
{
    uint64_t bit = (uint64_t)1 << worker % 64;
    _Atomic uint64_t *has_completed = &ring->has_completed[worker / 64];
    uint32_t number = (uint32_t)(record - ring->record) + 1;
    record->next = atomic_load_explicit(completed, memory_order_relaxed);
    while (!atomic_compare_exchange_weak(completed, &record->next, number))
        ;
    if (!(atomic_load(has_completed) & bit))
        atomic_fetch_or(has_completed, bit);
}

#endif
