#include "harness/mp/channel/queue_ring.h"

#include "harness/mp/channel/queue_recovery.h"

#define SPINS_PER_CLOCK 32 /* attempts between two readings of the clock */

/* ---- moving along the slots ---- */

/* The next position to look at after one that its slot's word has passed. */
static uint64_t advance(const struct fb_mp_queue *queue, uint64_t position, uint64_t word,
                        const _Atomic uint64_t *hint)
{
    uint64_t next = position + 1, hinted = atomic_load_explicit(hint, memory_order_relaxed);
    uint64_t lap = position + (uint64_t)queue_ahead(word, position) - queue->slots + 1;
    if ((int64_t)(hinted - next) > 0)
        next = hinted;
    return (int64_t)(lap - next) > 0 ? lap : next;
}

/* Advances cursor->head to the first position that has not been taken; returns its slot's word. */
static uint64_t find_head(struct queue_cursor *cursor)
{
    struct fb_mp_queue *queue = cursor->queue;
    for (;;) {
        uint64_t word =
            atomic_load_explicit(&queue_slot(queue, cursor->head)->word, memory_order_acquire);
        int64_t ahead = queue_ahead(word, cursor->head);
        if (ahead < 0 || (ahead == 0 && queue_state(word) != QUEUE_TAKEN))
            return word;
        cursor->head = advance(queue, cursor->head, word, &queue->head);
    }
}

/* Advances cursor->tail to the first position that has not been claimed for writing; returns its
 * slot's word. */
static uint64_t find_tail(struct queue_cursor *cursor)
{
    struct fb_mp_queue *queue = cursor->queue;
    for (;;) {
        uint64_t word =
            atomic_load_explicit(&queue_slot(queue, cursor->tail)->word, memory_order_acquire);
        int64_t ahead = queue_ahead(word, cursor->tail);
        enum queue_state state = queue_state(word);
        if (ahead < 0 || (ahead == 0 && (state == QUEUE_FREE || state == QUEUE_CLOSED)))
            return word;
        cursor->tail = advance(queue, cursor->tail, word, &queue->tail);
    }
}

/* ---- one attempt ---- */

/* claim and take return 0, -EPIPE, -EAGAIN (full, or empty), or -EBUSY: the same, but recovery of
 * the slot *ret_blocked may help, if its owner is dead. */

/* If the queue has more slots than its capacity, the distance between tail and head decides. */
static bool is_full(struct queue_cursor *cursor, struct queue_message **ret_blocked)
{
    struct fb_mp_queue *queue = cursor->queue;
    int64_t capacity = (int64_t)queue->capacity;
    if (queue->capacity == queue->slots || (int64_t)(cursor->tail - cursor->head) < capacity)
        return false;
    uint64_t word = find_head(cursor);
    if ((int64_t)(cursor->tail - cursor->head) < capacity)
        return false;
    *ret_blocked = queue_state(word) == QUEUE_WRITING ? queue_slot(queue, cursor->head) : NULL;
    return true;
}

static int claim(struct queue_cursor *cursor, struct queue_message **ret_blocked)
{
    struct fb_mp_queue *queue = cursor->queue;
    for (;;) {
        uint64_t word = find_tail(cursor);
        struct queue_message *slot = queue_slot(queue, cursor->tail);
        enum queue_state state = queue_state(word);
        *ret_blocked = queue_is_claimed(word) ? slot : NULL;
        if (state == QUEUE_CLOSED || atomic_load_explicit(&queue->closed, memory_order_relaxed))
            return -EPIPE;
        if (state != QUEUE_FREE || is_full(cursor, ret_blocked))
            return *ret_blocked ? -EBUSY : -EAGAIN;
        if (atomic_compare_exchange_strong(&slot->word, &word,
                                           queue_word(cursor->tail, QUEUE_WRITING, cursor->index)))
            return 0;
    }
}

/* Moves the message at cursor->head from its slot, which the user has claimed, to the user's
 * record. */
static void move_to_user(struct queue_cursor *cursor, struct queue_message *slot)
{
    struct fb_mp_queue *queue = cursor->queue;
    struct queue_user *user = cursor->user;
    uint64_t position = cursor->head++;
    queue_copy(&user->held, slot);
    atomic_store_explicit(&user->held.word, position + 1, memory_order_release);
    atomic_exchange(&slot->word, queue_word(position + queue->slots, QUEUE_FREE, 0));
    atomic_store_explicit(&queue->head, position + 1, memory_order_relaxed);
    fb_mp_eventcount_notify(&queue->space, 1);
}

static int take(struct queue_cursor *cursor, struct queue_message **ret_blocked)
{
    struct fb_mp_queue *queue = cursor->queue;
    for (;;) {
        uint64_t word = find_head(cursor), next;
        struct queue_message *slot = queue_slot(queue, cursor->head);
        bool closed = atomic_load_explicit(&queue->closed, memory_order_relaxed);
        enum queue_state state = queue_state(word);
        *ret_blocked = NULL;
        if (queue_ahead(word, cursor->head) < 0)
            /* Empty. The end can be marked only after the previous lap's taker has left the slot.
             */
            return closed ? (*ret_blocked = slot, -EBUSY) : -EAGAIN;
        if (state == QUEUE_WRITING)
            return *ret_blocked = slot, -EBUSY;
        if (state == QUEUE_CLOSED)
            return -EPIPE;
        if (state == QUEUE_FREE && !closed)
            return -EAGAIN;
        next = queue_word(cursor->head, state == QUEUE_FREE ? QUEUE_CLOSED : QUEUE_TAKEN,
                          cursor->index);
        if (atomic_compare_exchange_strong(&slot->word, &word, next) && state == QUEUE_FULL) {
            move_to_user(cursor, slot);
            return 0;
        }
    }
}

/* ---- waiting ---- */

typedef int (*attempt)(struct queue_cursor *cursor, struct queue_message **ret_blocked);

static int try_once(struct queue_cursor *cursor, attempt attempt)
{
    struct queue_message *blocked;
    int result;
    do
        result = attempt(cursor, &blocked);
    while (result == -EBUSY && queue_recover_slot(cursor->queue, blocked));
    return result == -EBUSY ? -EAGAIN : result;
}

static int wait_for(struct queue_cursor *cursor, attempt attempt, fb_mp_eventcount *eventcount,
                    int64_t timeout_ns)
{
    struct queue_message *blocked;
    int64_t deadline = fb_mp_deadline(timeout_ns), begin = fb_mp_now();
    uint32_t users = __atomic_load_n(&cursor->queue->users, __ATOMIC_RELAXED);
    int64_t spin_ns = fb_mp_spin_ns(users, cursor->cpus);
    for (unsigned i = 1; spin_ns > 0; i++) {
        fb_mp_relax();
        int result = attempt(cursor, &blocked);
        if (result != -EAGAIN && result != -EBUSY)
            return result;
        if (i % SPINS_PER_CLOCK == 0 && fb_mp_now() - begin > spin_ns)
            break;
    }
    for (;;) {
        uint32_t ticket = fb_mp_eventcount_prepare(eventcount);
        int result = try_once(cursor, attempt);
        if (result != -EAGAIN)
            return result;
        if (!fb_mp_sleep(eventcount, ticket, deadline))
            return -ETIMEDOUT;
    }
}

static int await(struct queue_cursor *cursor, attempt attempt, fb_mp_eventcount *eventcount,
                 int64_t timeout_ns)
{
    struct queue_message *blocked;
    int result = attempt(cursor, &blocked);
    if (result != -EAGAIN && result != -EBUSY)
        return result;
    if (timeout_ns > 0)
        return wait_for(cursor, attempt, eventcount, timeout_ns);
    result = try_once(cursor, attempt);
    return result == -EAGAIN ? -ETIMEDOUT : result;
}

int queue_claim(struct queue_cursor *cursor, int64_t timeout_ns)
{
    return await(cursor, claim, &cursor->queue->space, timeout_ns);
}

int queue_next(struct queue_cursor *cursor, int64_t timeout_ns)
{
    return await(cursor, take, &cursor->queue->items, timeout_ns);
}

/* ---- */

void queue_publish(struct queue_cursor *cursor, struct queue_message *slot)
{
    struct fb_mp_queue *queue = cursor->queue;
    /* Sequentially consistent: the message must be visible before the eventcount is read, or a
     * waiter that finds neither the message nor a wake-up sleeps for a whole slice. */
    atomic_exchange(&slot->word, queue_word(cursor->tail++, QUEUE_FULL, 0));
    atomic_store_explicit(&queue->tail, cursor->tail, memory_order_relaxed);
    fb_mp_eventcount_notify(&queue->items, 1);
}

bool queue_is_full(struct queue_cursor *cursor)
{
    struct queue_message *blocked;
    uint64_t word = find_tail(cursor);
    if (atomic_load_explicit(&cursor->queue->closed, memory_order_relaxed))
        return false;
    if (queue_ahead(word, cursor->tail) < 0)
        return queue_state(word) == QUEUE_FULL;
    return is_full(cursor, &blocked) && !blocked;
}

uint64_t queue_tail(struct fb_mp_queue *queue)
{
    struct queue_cursor cursor = { .queue = queue, .tail = atomic_load(&queue->tail) };
    find_tail(&cursor);
    return cursor.tail;
}

size_t fb_mp_queue_size(struct fb_mp_queue *queue)
{
    struct queue_cursor cursor = { .queue = queue, .head = atomic_load(&queue->head) };
    find_head(&cursor);
    int64_t size = (int64_t)(queue_tail(queue) - cursor.head);
    return size > 0 ? (size_t)size : 0;
}
