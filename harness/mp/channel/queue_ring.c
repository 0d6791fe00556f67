#include "harness/mp/channel/queue_internal.h"

#include <errno.h>

#define SPINS_A_LOOK 32 /* at the clock */

/* ---- moving along the slots ---- */

/* The next position worth looking at after one that the slot's word is beyond. */
static uint64_t advance(const struct fb_mp_queue *queue, uint64_t position, uint64_t word,
                        const _Atomic uint64_t *hint)
{
    uint64_t next = position + 1, hinted = atomic_load_explicit(hint, memory_order_relaxed);
    uint64_t lap = position + (uint64_t)queue_ahead(word, position) - queue->slots + 1;
    if ((int64_t)(hinted - next) > 0)
        next = hinted;
    return (int64_t)(lap - next) > 0 ? lap : next;
}

/* Moves handle->head on to the first position that was not taken; returns its slot's word. */
static uint64_t find_head(struct handle *handle)
{
    struct fb_mp_queue *queue = handle->queue;
    for (;;) {
        uint64_t word =
            atomic_load_explicit(&queue_slot(queue, handle->head)->word, memory_order_acquire);
        int64_t ahead = queue_ahead(word, handle->head);
        if (ahead < 0 || (ahead == 0 && queue_state(word) != TAKEN))
            return word;
        handle->head = advance(queue, handle->head, word, &queue->head);
    }
}

/* The same of handle->tail and the first position that was not claimed. */
static uint64_t find_tail(struct handle *handle)
{
    struct fb_mp_queue *queue = handle->queue;
    for (;;) {
        uint64_t word =
            atomic_load_explicit(&queue_slot(queue, handle->tail)->word, memory_order_acquire);
        int64_t ahead = queue_ahead(word, handle->tail);
        unsigned state = queue_state(word);
        if (ahead < 0 || (ahead == 0 && (state == FREE || state == CLOSED)))
            return word;
        handle->tail = advance(queue, handle->tail, word, &queue->tail);
    }
}

/* ---- one attempt ---- */

/* claim and take return 0; -EAGAIN: empty, or full; -EBUSY: so, unless somebody at work in
 * *ret_blocked is dead; -EPIPE. */

/* With more slots than may be used, the distance decides. */
static bool is_full(struct handle *handle, struct message **ret_blocked)
{
    struct fb_mp_queue *queue = handle->queue;
    int64_t capacity = (int64_t)queue->capacity;
    if (queue->capacity == queue->slots || (int64_t)(handle->tail - handle->head) < capacity)
        return false;
    uint64_t word = find_head(handle);
    if ((int64_t)(handle->tail - handle->head) < capacity)
        return false;
    *ret_blocked = queue_state(word) == WRITING ? queue_slot(queue, handle->head) : NULL;
    return true;
}

/* Claims the slot at handle->tail. */
static int claim(struct handle *handle, struct message **ret_blocked)
{
    struct fb_mp_queue *queue = handle->queue;
    for (;;) {
        uint64_t word = find_tail(handle);
        struct message *slot = queue_slot(queue, handle->tail);
        unsigned state = queue_state(word);
        *ret_blocked = state == WRITING || state == TAKEN ? slot : NULL;
        if (state == CLOSED || atomic_load_explicit(&queue->closed, memory_order_relaxed))
            return -EPIPE;
        if (state != FREE || is_full(handle, ret_blocked))
            return *ret_blocked ? -EBUSY : -EAGAIN;
        if (atomic_compare_exchange_strong(&slot->word, &word,
                                           queue_word(handle->tail, WRITING, handle->index)))
            return 0;
    }
}

/* Takes the message at handle->head over into what the user holds. */
static void take_over(struct handle *handle, struct message *slot)
{
    struct fb_mp_queue *queue = handle->queue;
    struct user *user = handle->user;
    uint64_t position = handle->head++;
    queue_copy(&user->held, slot);
    atomic_store_explicit(&user->held.word, position + 1, memory_order_release);
    atomic_exchange(&slot->word, queue_word(position + queue->slots, FREE, 0));
    atomic_store_explicit(&queue->head, position + 1, memory_order_relaxed);
    fb_mp_eventcount_notify(&queue->space, 1);
}

static int take(struct handle *handle, struct message **ret_blocked)
{
    struct fb_mp_queue *queue = handle->queue;
    for (;;) {
        uint64_t word = find_head(handle), next;
        struct message *slot = queue_slot(queue, handle->head);
        bool closed = atomic_load_explicit(&queue->closed, memory_order_relaxed);
        unsigned state = queue_state(word);
        *ret_blocked = NULL;
        if (queue_ahead(word, handle->head) < 0)
            /* Empty; its end can be marked only when the last lap's taker has left the slot. */
            return closed ? (*ret_blocked = slot, -EBUSY) : -EAGAIN;
        if (state == WRITING)
            return *ret_blocked = slot, -EBUSY;
        if (state == CLOSED)
            return -EPIPE;
        if (state == FREE && !closed)
            return -EAGAIN;
        next = queue_word(handle->head, state == FREE ? CLOSED : TAKEN, handle->index);
        if (atomic_compare_exchange_strong(&slot->word, &word, next) && state == FULL) {
            take_over(handle, slot);
            return 0;
        }
    }
}

/* ---- waiting ---- */

typedef int (*attempt)(struct handle *handle, struct message **ret_blocked);

static int try_once(struct handle *handle, attempt attempt)
{
    struct message *blocked;
    int result;
    do
        result = attempt(handle, &blocked);
    while (result == -EBUSY && queue_repair_slot(handle->queue, blocked));
    return result == -EBUSY ? -EAGAIN : result;
}

static int wait_for(struct handle *handle, attempt attempt, fb_mp_eventcount *bell,
                    int64_t timeout_ns)
{
    struct message *blocked;
    int64_t deadline = fb_mp_deadline(timeout_ns), begin = fb_mp_now();
    int64_t spin_ns = queue_spin_ns(handle->queue);
    for (unsigned i = 1; spin_ns > 0; i++) {
        fb_mp_relax();
        int result = attempt(handle, &blocked);
        if (result != -EAGAIN && result != -EBUSY)
            return result;
        if (i % SPINS_A_LOOK == 0 && fb_mp_now() - begin > spin_ns)
            break;
    }
    for (;;) {
        uint32_t heard = fb_mp_eventcount_prepare(bell);
        int result = try_once(handle, attempt);
        if (result != -EAGAIN)
            return result;
        if (!fb_mp_sleep(bell, heard, deadline))
            return -ETIMEDOUT;
    }
}

static int await(struct handle *handle, attempt attempt, fb_mp_eventcount *bell, int64_t timeout_ns)
{
    struct message *blocked;
    int result = attempt(handle, &blocked);
    if (result != -EAGAIN && result != -EBUSY)
        return result;
    if (timeout_ns > 0)
        return wait_for(handle, attempt, bell, timeout_ns);
    result = try_once(handle, attempt);
    return result == -EAGAIN ? -ETIMEDOUT : result;
}

int queue_claim(struct handle *handle, int64_t timeout_ns)
{
    return await(handle, claim, &handle->queue->space, timeout_ns);
}

int queue_next(struct handle *handle, int64_t timeout_ns)
{
    return await(handle, take, &handle->queue->items, timeout_ns);
}

/* ---- */

void queue_publish(struct handle *handle, struct message *slot)
{
    struct fb_mp_queue *queue = handle->queue;
    atomic_exchange(&slot->word, queue_word(handle->tail++, FULL, 0));
    atomic_store_explicit(&queue->tail, handle->tail, memory_order_relaxed);
    fb_mp_eventcount_notify(&queue->items, 1);
}

bool queue_is_full(struct handle *handle)
{
    struct message *blocked;
    uint64_t word = find_tail(handle);
    if (atomic_load_explicit(&handle->queue->closed, memory_order_relaxed))
        return false;
    if (queue_ahead(word, handle->tail) < 0)
        return queue_state(word) == FULL;
    return is_full(handle, &blocked) && !blocked;
}

uint64_t queue_tail(struct fb_mp_queue *queue)
{
    struct handle here = { .queue = queue, .tail = atomic_load(&queue->tail) };
    find_tail(&here);
    return here.tail;
}

size_t fb_mp_queue_size(struct fb_mp_queue *queue)
{
    struct handle here = { .queue = queue, .head = atomic_load(&queue->head) };
    find_head(&here);
    int64_t size = (int64_t)(queue_tail(queue) - here.head);
    return size > 0 ? (size_t)size : 0;
}
