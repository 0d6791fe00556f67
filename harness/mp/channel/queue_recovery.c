#include "harness/mp/core/heap.h"
#include "harness/mp/core/mutex.h"
#include "harness/mp/channel/queue_internal.h"

#include <errno.h>
#include <limits.h>

static bool is_dead(const struct user *user)
{
    struct fb_mp_identity identity = { .pid = queue_pid(user), .start = user->identity.start };
    struct fb_mp_identity self = fb_mp_identity_self();
    if (identity.pid == 0 || (identity.pid == self.pid && identity.start == self.start))
        return false;
    return !fb_mp_identity_is_alive(&identity);
}

/* ---- the lock, and what it guards ---- */

/* A message on its way from one record to another, which held nothing, is in the second as soon as
 * that has a word. May be done twice. */
static void end_move(struct fb_mp_queue *queue)
{
    struct message *from = &queue_user(queue, queue->from - 1)->held;
    struct message *to = &queue_user(queue, queue->to)->held;
    bool arrived = atomic_load(&to->word) != 0;
    (arrived ? from : to)->size = QUEUE_END; /* it has no memory to give back */
    queue_in_order();
    atomic_store(&(arrived ? from : to)->word, 0);
    queue->from = 0;
}

void queue_lock(struct fb_mp_queue *queue)
{
    if (fb_mp_mutex_take(&queue->mutex, FB_MP_FOREVER) == -EOWNERDEAD && queue->from)
        end_move(queue);
}

void queue_unlock(struct fb_mp_queue *queue)
{
    pthread_mutex_unlock(&queue->mutex);
}

/* ---- after a death; with the lock held ---- */

/* What the dead user was putting there did not happen; what it was taking it has taken. */
static void end_work(struct fb_mp_queue *queue, struct message *slot, uint64_t word)
{
    struct user *user = queue_user(queue, queue_owner(word));
    uint64_t position = word >> 15, held = atomic_load(&user->held.word);
    if (queue_state(word) == WRITING)
        atomic_store(&user->draft.word, 0);
    else if (held == 0 || queue_ahead(word, held - 1) != 0) {
        queue_copy(&user->held, slot);
        atomic_store(&user->held.word, position + 1);
    }
    atomic_store(&slot->word, queue_word(position + queue->slots, FREE, 0));
}

static bool is_at_work(uint64_t word)
{
    return queue_state(word) == WRITING || queue_state(word) == TAKEN;
}

static void ring_all(struct fb_mp_queue *queue)
{
    fb_mp_eventcount_notify(&queue->space, INT_MAX);
    fb_mp_eventcount_notify(&queue->items, INT_MAX);
}

bool queue_repair_slot(struct fb_mp_queue *queue, struct message *slot)
{
    queue_lock(queue);
    uint64_t word = atomic_load(&slot->word);
    bool dead = is_at_work(word) && is_dead(queue_user(queue, queue_owner(word)));
    if (dead)
        end_work(queue, slot, word);
    queue_unlock(queue);
    if (dead)
        ring_all(queue);
    return dead;
}

/* Ends all that a dead user was doing. Its record stays as long as it holds a message. */
static void bury(struct fb_mp_queue *queue, uint32_t index)
{
    struct user *user = queue_user(queue, index);
    for (size_t i = 0; i < queue->slots && !user->buried; i++) {
        uint64_t word = atomic_load(&queue->slot[i].word);
        if (is_at_work(word) && queue_owner(word) == index)
            end_work(queue, &queue->slot[i], word);
    }
    queue_drop_draft(&user->draft);
    if (atomic_load(&user->held.word) == 0) {
        queue_release(user); /* it may have died before it gave the memory back */
        queue_set_pid(user, 0);
    } else
        user->buried = true;
}

size_t queue_recover_all(struct fb_mp_queue *queue, uint32_t *ret_index)
{
    size_t count = 0;
    for (uint32_t i = 0; i < queue->users; i++) {
        if (!is_dead(queue_user(queue, i)))
            continue;
        bury(queue, i);
        if (atomic_load(&queue_user(queue, i)->held.word) == 0)
            continue;
        count++;
        if (ret_index)
            *ret_index = i;
    }
    return count;
}

size_t fb_mp_queue_abandoned(struct fb_mp_queue *queue)
{
    queue_lock(queue);
    size_t count = queue_recover_all(queue, NULL);
    queue_unlock(queue);
    ring_all(queue);
    return count;
}

static void move(struct fb_mp_queue *queue, uint32_t from, uint32_t to)
{
    struct message *source = &queue_user(queue, from)->held, *target = &queue_user(queue, to)->held;
    queue->to = to;
    queue_in_order();
    queue->from = from + 1;
    queue_in_order();
    queue_copy(target, source);
    atomic_store(&target->word, atomic_load(&source->word));
    end_move(queue);
}

int fb_mp_queue_retake(struct fb_mp_queue *queue, const void **ret_message, size_t *ret_size,
                       pid_t *ret_taker)
{
    struct handle *handle;
    uint32_t dead;
    int result = queue_handle(queue, &handle);
    if (result < 0)
        return result;
    struct message *held = &handle->user->held;
    queue_lock(queue);
    if (queue_recover_all(queue, &dead) == 0) {
        queue_unlock(queue);
        return -ENOENT;
    }
    queue_release(handle->user);
    *ret_taker = queue_pid(queue_user(queue, dead));
    move(queue, dead, handle->index);
    bury(queue, dead);
    queue_unlock(queue);
    handle->again = false;
    if (held->size == QUEUE_END)
        return -ENODATA;
    *ret_message = queue_bytes(held);
    *ret_size = held->size;
    return 0;
}

/* ---- waiting for all to be done ---- */

/* Whether anything is in a slot or held. Who takes a message holds it before the slot is free, so
 * it is seen in one of them; with the lock held, as then nothing moves from one user to another. */
static bool is_anything_left(struct fb_mp_queue *queue)
{
    for (size_t i = 0; i < queue->slots; i++) {
        uint64_t word = atomic_load(&queue->slot[i].word);
        if (queue_state(word) == FULL || is_at_work(word))
            return true;
    }
    for (uint32_t i = 0; i < queue->users; i++)
        if (queue_pid(queue_user(queue, i)) && atomic_load(&queue_user(queue, i)->held.word))
            return true;
    return false;
}

/* 0: nothing is left, and nothing was put while that was looked at; -EAGAIN; -EOWNERDEAD. */
static int look(struct fb_mp_queue *queue, bool at_the_dead)
{
    size_t before = fb_mp_queue_size(queue);
    uint64_t tail = queue_tail(queue);
    queue_lock(queue);
    int result = at_the_dead && queue_recover_all(queue, NULL) ? -EOWNERDEAD : 0;
    if (result == 0 && (before || is_anything_left(queue) || queue_tail(queue) != tail))
        result = -EAGAIN;
    queue_unlock(queue);
    return result;
}

int fb_mp_queue_join(struct fb_mp_queue *queue, int64_t timeout_ns)
{
    int64_t deadline = fb_mp_deadline(timeout_ns), looked = 0;
    for (;;) {
        uint32_t heard = fb_mp_eventcount_prepare(&queue->idle);
        bool at_the_dead = fb_mp_now() - looked >= FB_MP_SLICE;
        int result = look(queue, at_the_dead);
        if (result != -EAGAIN)
            return result;
        if (at_the_dead)
            looked = fb_mp_now();
        if (!fb_mp_sleep(&queue->idle, heard, deadline))
            return -ETIMEDOUT;
    }
}
