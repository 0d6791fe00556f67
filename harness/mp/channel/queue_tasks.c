/* Messages as tasks: done, waiting until all are done, and taking over the messages that dead users
 * held. */
#include "harness/mp/channel/queue_handles.h"
#include "harness/mp/channel/queue_recovery.h"

int fb_mp_queue_done(struct fb_mp_queue *queue)
{
    struct queue_handle *handle;
    int result = queue_handle(queue, &handle);
    if (result < 0)
        return result;
    if (atomic_load(&handle->cursor.user->held.word) == 0)
        return -EINVAL;
    handle->again = false;
    queue_release(handle->cursor.user);
    queue_notify_idle(queue);
    return 0;
}

/* ---- messages that dead users held ---- */

size_t fb_mp_queue_abandoned(struct fb_mp_queue *queue)
{
    queue_lock(queue);
    size_t count = queue_recover_all(queue, NULL);
    queue_unlock(queue);
    queue_notify_all(queue);
    return count;
}

int fb_mp_queue_retake(struct fb_mp_queue *queue, const void **ret_message, size_t *ret_size,
                       pid_t *ret_taker)
{
    struct queue_handle *handle;
    uint32_t dead;
    int result = queue_handle(queue, &handle);
    if (result < 0)
        return result;
    struct queue_user *user = handle->cursor.user;
    queue_lock(queue);
    if (queue_recover_all(queue, &dead) == 0) {
        queue_unlock(queue);
        return -ENOENT;
    }
    queue_release(user);
    *ret_taker = queue_pid(queue_user(queue, dead));
    queue_move_held(queue, dead, handle->cursor.index);
    queue_recover_user(queue, dead);
    queue_unlock(queue);
    handle->again = false;
    if (user->held.size == QUEUE_END)
        return -ENODATA;
    *ret_message = queue_bytes(&user->held);
    *ret_size = user->held.size;
    return 0;
}

/* ---- waiting until all messages are done ---- */

/* Whether a message is in a slot or held. A taker holds the message before it frees the slot, so
 * every message is seen in at least one of the two. With the lock held, so that no message moves
 * between records. */
static bool is_anything_left(struct fb_mp_queue *queue)
{
    for (size_t i = 0; i < queue->slots; i++) {
        uint64_t word = atomic_load(&queue->slot[i].word);
        if (queue_state(word) == QUEUE_FULL || queue_is_claimed(word))
            return true;
    }
    for (uint32_t i = 0; i < queue->users; i++)
        if (queue_pid(queue_user(queue, i)) && atomic_load(&queue_user(queue, i)->held.word))
            return true;
    return false;
}

/* 0: nothing is left, and nothing was put during the check. Otherwise -EAGAIN, or -EOWNERDEAD if
 * with_recovery finds a dead user that holds a message. */
static int check_done(struct fb_mp_queue *queue, bool with_recovery)
{
    size_t before = fb_mp_queue_size(queue);
    uint64_t tail = queue_tail(queue);
    queue_lock(queue);
    int result = with_recovery && queue_recover_all(queue, NULL) ? -EOWNERDEAD : 0;
    if (result == 0 && (before || is_anything_left(queue) || queue_tail(queue) != tail))
        result = -EAGAIN;
    queue_unlock(queue);
    return result;
}

int fb_mp_queue_join(struct fb_mp_queue *queue, int64_t timeout_ns)
{
    int64_t deadline = fb_mp_deadline(timeout_ns), recovered = 0;
    for (;;) {
        uint32_t ticket = fb_mp_eventcount_prepare(&queue->idle);
        bool with_recovery = fb_mp_now() - recovered >= FB_MP_SLICE;
        int result = check_done(queue, with_recovery);
        if (result != -EAGAIN)
            return result;
        if (with_recovery)
            recovered = fb_mp_now();
        if (!fb_mp_sleep(&queue->idle, ticket, deadline))
            return -ETIMEDOUT;
    }
}
