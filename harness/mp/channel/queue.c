#include "harness/mp/channel/queue.h"

#include "harness/mp/core/heap.h"
#include "harness/mp/core/mutex.h"
#include "harness/mp/channel/queue_internal.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

/* ---- making ---- */

static void make_parts(struct fb_mp_queue *queue)
{
    for (size_t i = 0; i < queue->slots; i++)
        atomic_init(&queue->slot[i].word, queue_word(i, FREE, 0));
    fb_mp_mutex_init(&queue->mutex, PTHREAD_MUTEX_NORMAL);
    queue->serial = ((uint64_t)fb_mp_now() ^ (uint64_t)getpid() << 42) | 1;
}

int fb_mp_queue_make(size_t capacity, struct fb_mp_queue **ret_queue)
{
    void *memory, *slots;
    size_t count = 1;
    if (capacity == 0 || capacity > FB_MP_QUEUE_MOST)
        return -EINVAL;
    while (count < capacity)
        count *= 2;
    int result = fb_mp_alloc(sizeof(struct fb_mp_queue), &memory);
    if (result < 0)
        return result;
    if ((result = fb_mp_alloc(count * sizeof(struct message), &slots)) < 0) {
        fb_mp_free(memory);
        return result;
    }
    struct fb_mp_queue *queue = memory;
    queue->capacity = capacity;
    queue->slots = count;
    queue->slot = slots;
    make_parts(queue);
    *ret_queue = queue;
    return 0;
}

static void drop(struct message *message)
{
    if (queue_has_memory(message))
        fb_mp_free(message->memory);
}

void fb_mp_queue_free(struct fb_mp_queue *queue)
{
    if (!queue)
        return;
    fb_mp_queue_abandoned(queue); /* what the dead were in the middle of is in its place now */
    queue->serial = 0;
    for (size_t i = 0; i < queue->slots; i++)
        if (queue_state(atomic_load(&queue->slot[i].word)) == FULL)
            drop(&queue->slot[i]);
    for (uint32_t i = 0; i < queue->users; i++) {
        drop(&queue_user(queue, i)->held);
        drop(&queue_user(queue, i)->draft);
    }
    for (uint32_t i = 0; i < queue->users; i += QUEUE_BLOCK)
        fb_mp_free(queue->block[i / QUEUE_BLOCK]);
    fb_mp_free(queue->slot);
    fb_mp_free(queue);
}

/* ---- putting ---- */

static int put_inline(struct handle *handle, const void *message, size_t size, int64_t timeout_ns)
{
    if (handle->user->draft.size != QUEUE_END)
        queue_drop_draft(&handle->user->draft);
    int result = queue_claim(handle, timeout_ns);
    if (result < 0)
        return result;
    struct message *slot = queue_slot(handle->queue, handle->tail);
    slot->size = size;
    if (message)
        memcpy(slot->bytes, message, size);
    queue_publish(handle, slot);
    return 0;
}

static int reserve(struct handle *handle, size_t size)
{
    struct message *draft = &handle->user->draft;
    queue_drop_draft(draft);
    draft->memory = NULL;
    atomic_store_explicit(&draft->word, 0, memory_order_release);
    queue_in_order();
    draft->size = size;
    queue_in_order();
    int result = size > QUEUE_INLINE ? fb_mp_alloc_at(size, &draft->memory) : 0;
    if (result < 0)
        queue_drop_draft(draft);
    return result;
}

static int commit(struct handle *handle, int64_t timeout_ns)
{
    struct message *draft = &handle->user->draft;
    int result = queue_claim(handle, timeout_ns);
    if (result < 0)
        return result;
    struct message *slot = queue_slot(handle->queue, handle->tail);
    /* As soon as the slot is published, the memory is the message's. */
    atomic_store_explicit(&draft->word, handle->tail + 1, memory_order_release);
    queue_copy(slot, draft);
    queue_publish(handle, slot);
    draft->size = QUEUE_END;
    return 0;
}

int fb_mp_queue_put(struct fb_mp_queue *queue, const void *message, size_t size, int64_t timeout_ns)
{
    struct handle *handle;
    int result = size && !message ? -EINVAL : queue_handle(queue, &handle);
    if (result < 0)
        return result;
    if (size <= QUEUE_INLINE)
        return put_inline(handle, message, size, timeout_ns);
    if (timeout_ns <= 0 && queue_is_full(handle))
        return -ETIMEDOUT;
    if ((result = reserve(handle, size)) < 0)
        return result;
    memcpy(handle->user->draft.memory, message, size);
    if ((result = commit(handle, timeout_ns)) < 0)
        queue_drop_draft(&handle->user->draft);
    return result;
}

int fb_mp_queue_put_end(struct fb_mp_queue *queue, int64_t timeout_ns)
{
    struct handle *handle;
    int result = queue_handle(queue, &handle);
    return result < 0 ? result : put_inline(handle, NULL, QUEUE_END, timeout_ns);
}

int fb_mp_queue_reserve(struct fb_mp_queue *queue, size_t size, void **ret_memory)
{
    struct handle *handle;
    int result = queue_handle(queue, &handle);
    if (result == 0)
        result = reserve(handle, size);
    if (result < 0)
        return result;
    struct message *draft = &handle->user->draft;
    *ret_memory = size > QUEUE_INLINE ? draft->memory : draft->bytes;
    return 0;
}

int fb_mp_queue_commit(struct fb_mp_queue *queue, int64_t timeout_ns)
{
    struct handle *handle;
    int result = queue_handle(queue, &handle);
    if (result < 0)
        return result;
    return handle->user->draft.size == QUEUE_END ? -EINVAL : commit(handle, timeout_ns);
}

/* ---- taking ---- */

/* Takes the next message, or once more what could not be delivered, into what the user holds. */
static int take_next(struct fb_mp_queue *queue, int64_t timeout_ns, struct handle **ret_handle)
{
    struct handle *handle;
    int result = queue_handle(queue, &handle);
    if (result < 0)
        return result;
    *ret_handle = handle;
    if (handle->again) {
        handle->again = false;
        return 0;
    }
    bool held = atomic_load_explicit(&handle->user->held.word, memory_order_relaxed);
    if (held)
        queue_release(handle->user);
    result = queue_next(handle, 0);
    if (result == 0)
        return 0;
    if (held)
        queue_notify_idle(queue);
    return result == -ETIMEDOUT && timeout_ns > 0 ? queue_next(handle, timeout_ns) : result;
}

int fb_mp_queue_take(struct fb_mp_queue *queue, int64_t timeout_ns, const void **ret_message,
                     size_t *ret_size)
{
    struct handle *handle;
    int result = take_next(queue, timeout_ns, &handle);
    if (result < 0)
        return result;
    const struct message *held = &handle->user->held;
    if (held->size == QUEUE_END)
        return -ENODATA;
    *ret_message = queue_bytes(held);
    *ret_size = held->size;
    return 0;
}

int fb_mp_queue_get(struct fb_mp_queue *queue, void *buffer, size_t size, int64_t timeout_ns,
                    size_t *ret_size)
{
    const void *message;
    struct handle *handle;
    int result = fb_mp_queue_take(queue, timeout_ns, &message, ret_size);
    if (result < 0)
        return result;
    if (*ret_size > size) {
        queue_handle(queue, &handle); /* it has one by now */
        handle->again = true;
        return -EMSGSIZE;
    }
    if (*ret_size)
        memcpy(buffer, message, *ret_size);
    return 0;
}

int fb_mp_queue_done(struct fb_mp_queue *queue)
{
    struct handle *handle;
    int result = queue_handle(queue, &handle);
    if (result < 0)
        return result;
    if (atomic_load(&handle->user->held.word) == 0)
        return -EINVAL;
    handle->again = false;
    queue_release(handle->user);
    queue_notify_idle(queue);
    return 0;
}

/* ---- */

void fb_mp_queue_close(struct fb_mp_queue *queue)
{
    atomic_store(&queue->closed, true);
    fb_mp_eventcount_notify(&queue->items, INT_MAX);
    fb_mp_eventcount_notify(&queue->space, INT_MAX);
}
