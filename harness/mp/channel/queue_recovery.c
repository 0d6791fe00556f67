#include "harness/mp/channel/queue_recovery.h"

static bool is_dead(const struct queue_user *user)
{
    struct fb_mp_identity identity = { .pid = queue_pid(user), .start = user->identity.start };
    struct fb_mp_identity self = fb_mp_identity_self();
    if (identity.pid == 0 || (identity.pid == self.pid && identity.start == self.start))
        return false;
    return !fb_mp_identity_is_alive(&identity);
}

/* Undoes the put or completes the take that its dead owner began in the slot. */
static void recover_slot(struct fb_mp_queue *queue, struct queue_message *slot, uint64_t word)
{
    struct queue_user *user = queue_user(queue, queue_owner(word));
    uint64_t position = word >> 15;
    if (queue_state(word) == QUEUE_WRITING)
        atomic_store(&user->draft.word, 0);
    /* A taker releases what it holds before it claims a slot, so what it holds now is nothing, or
     * the message in this slot. */
    else if (atomic_load(&user->held.word) == 0) {
        queue_copy(&user->held, slot);
        atomic_store(&user->held.word, position + 1);
    }
    atomic_store(&slot->word, queue_word(position + queue->slots, QUEUE_FREE, 0));
}

void queue_notify_all(struct fb_mp_queue *queue)
{
    fb_mp_eventcount_notify(&queue->space, INT_MAX);
    fb_mp_eventcount_notify(&queue->items, INT_MAX);
}

bool queue_recover_slot(struct fb_mp_queue *queue, struct queue_message *slot)
{
    queue_lock(queue);
    uint64_t word = atomic_load(&slot->word);
    bool dead = queue_is_claimed(word) && is_dead(queue_user(queue, queue_owner(word)));
    if (dead)
        recover_slot(queue, slot, word);
    queue_unlock(queue);
    if (dead)
        queue_notify_all(queue);
    return dead;
}

void queue_recover_user(struct fb_mp_queue *queue, uint32_t index)
{
    struct queue_user *user = queue_user(queue, index);
    for (size_t i = 0; i < queue->slots && !user->recovered; i++) {
        uint64_t word = atomic_load(&queue->slot[i].word);
        if (queue_is_claimed(word) && queue_owner(word) == index)
            recover_slot(queue, &queue->slot[i], word);
    }
    queue_drop_draft(&user->draft);
    if (atomic_load(&user->held.word) == 0) {
        queue_release(user); /* it may have died before it freed the memory */
        queue_set_pid(user, 0);
    } else
        user->recovered = true;
}

size_t queue_recover_all(struct fb_mp_queue *queue, uint32_t *ret_index)
{
    size_t count = 0;
    for (uint32_t i = 0; i < queue->users; i++) {
        if (!is_dead(queue_user(queue, i)))
            continue;
        queue_recover_user(queue, i);
        if (atomic_load(&queue_user(queue, i)->held.word) == 0)
            continue;
        count++;
        if (ret_index)
            *ret_index = i;
    }
    return count;
}
