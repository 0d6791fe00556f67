#include "harness/mp/channel/queue.h"

#include "harness/mp/core/heap.h"
#include "harness/mp/core/mutex.h"
#include "harness/mp/channel/queue_handles.h"
#include "harness/mp/channel/queue_recovery.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

/* ---- making ---- */

static void init_queue(struct fb_mp_queue *queue)
{
    for (size_t i = 0; i < queue->slots; i++)
        atomic_init(&queue->slot[i].word, queue_word(i, QUEUE_FREE, 0));
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
    if ((result = fb_mp_alloc(count * sizeof(struct queue_message), &slots)) < 0) {
        fb_mp_free(memory);
        return result;
    }
    struct fb_mp_queue *queue = memory;
    queue->capacity = capacity;
    queue->slots = count;
    queue->slot = slots;
    init_queue(queue);
    *ret_queue = queue;
    return 0;
}

static void free_memory(struct queue_message *message)
{
    if (queue_has_memory(message))
        fb_mp_free(message->memory);
}

void fb_mp_queue_free(struct fb_mp_queue *queue)
{
    if (!queue)
        return;
    queue_lock(queue);
    queue_recover_all(queue, NULL);
    queue_unlock(queue);
    queue->serial = 0;
    for (size_t i = 0; i < queue->slots; i++)
        if (queue_state(atomic_load(&queue->slot[i].word)) == QUEUE_FULL)
            free_memory(&queue->slot[i]);
    for (uint32_t i = 0; i < queue->users; i++) {
        free_memory(&queue_user(queue, i)->held);
        free_memory(&queue_user(queue, i)->draft);
    }
    for (uint32_t i = 0; i < queue->users; i += QUEUE_BLOCK)
        fb_mp_free(queue->block[i / QUEUE_BLOCK]);
    fb_mp_free(queue->slot);
    fb_mp_free(queue);
}

/* ---- putting ---- */

static int put_inline(struct queue_handle *handle, const void *message, size_t size,
                      int64_t timeout_ns)
{
    if (handle->cursor.user->draft.size != QUEUE_END)
        queue_drop_draft(&handle->cursor.user->draft);
    int result = queue_claim(&handle->cursor, timeout_ns);
    if (result < 0)
        return result;
    struct queue_message *slot = queue_slot(handle->cursor.queue, handle->cursor.tail);
    slot->size = size;
    if (message)
        memcpy(slot->bytes, message, size);
    queue_publish(&handle->cursor, slot);
    return 0;
}

static int reserve(struct queue_handle *handle, size_t size)
{
    struct queue_message *draft = &handle->cursor.user->draft;
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

static int commit(struct queue_handle *handle, int64_t timeout_ns)
{
    struct queue_message *draft = &handle->cursor.user->draft;
    int result = queue_claim(&handle->cursor, timeout_ns);
    if (result < 0)
        return result;
    struct queue_message *slot = queue_slot(handle->cursor.queue, handle->cursor.tail);
    /* From the publication on, the memory belongs to the message in the slot. */
    atomic_store_explicit(&draft->word, handle->cursor.tail + 1, memory_order_release);
    queue_copy(slot, draft);
    queue_publish(&handle->cursor, slot);
    draft->size = QUEUE_END;
    return 0;
}

int fb_mp_queue_put(struct fb_mp_queue *queue, const void *message, size_t size, int64_t timeout_ns)
{
    struct queue_handle *handle;
    int result = size && !message ? -EINVAL : queue_handle(queue, &handle);
    if (result < 0)
        return result;
    if (size <= QUEUE_INLINE)
        return put_inline(handle, message, size, timeout_ns);
    if (timeout_ns <= 0 && queue_is_full(&handle->cursor))
        return -ETIMEDOUT;
    if ((result = reserve(handle, size)) < 0)
        return result;
    memcpy(handle->cursor.user->draft.memory, message, size);
    if ((result = commit(handle, timeout_ns)) < 0)
        queue_drop_draft(&handle->cursor.user->draft);
    return result;
}

int fb_mp_queue_put_end(struct fb_mp_queue *queue, int64_t timeout_ns)
{
    struct queue_handle *handle;
    int result = queue_handle(queue, &handle);
    return result < 0 ? result : put_inline(handle, NULL, QUEUE_END, timeout_ns);
}

int fb_mp_queue_reserve(struct fb_mp_queue *queue, size_t size, void **ret_memory)
{
    struct queue_handle *handle;
    int result = queue_handle(queue, &handle);
    if (result == 0)
        result = reserve(handle, size);
    if (result < 0)
        return result;
    struct queue_message *draft = &handle->cursor.user->draft;
    *ret_memory = size > QUEUE_INLINE ? draft->memory : draft->bytes;
    return 0;
}

int fb_mp_queue_commit(struct fb_mp_queue *queue, int64_t timeout_ns)
{
    struct queue_handle *handle;
    int result = queue_handle(queue, &handle);
    if (result < 0)
        return result;
    return handle->cursor.user->draft.size == QUEUE_END ? -EINVAL : commit(handle, timeout_ns);
}

/* ---- taking ---- */

/* Takes the next message into the user's record, unless the record has one that did not fit into
 * the last get's buffer. */
static int take_next(struct fb_mp_queue *queue, int64_t timeout_ns,
                     struct queue_handle **ret_handle)
{
    struct queue_handle *handle;
    int result = queue_handle(queue, &handle);
    if (result < 0)
        return result;
    *ret_handle = handle;
    if (handle->again) {
        handle->again = false;
        return 0;
    }
    bool held = atomic_load_explicit(&handle->cursor.user->held.word, memory_order_relaxed);
    if (held)
        queue_release(handle->cursor.user);
    result = queue_next(&handle->cursor, 0);
    if (result == 0)
        return 0;
    if (held)
        queue_notify_idle(queue);
    return result == -ETIMEDOUT && timeout_ns > 0 ? queue_next(&handle->cursor, timeout_ns)
                                                  : result;
}

int fb_mp_queue_take(struct fb_mp_queue *queue, int64_t timeout_ns, const void **ret_message,
                     size_t *ret_size)
{
    struct queue_handle *handle;
    int result = take_next(queue, timeout_ns, &handle);
    if (result < 0)
        return result;
    const struct queue_message *held = &handle->cursor.user->held;
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
    struct queue_handle *handle;
    int result = fb_mp_queue_take(queue, timeout_ns, &message, ret_size);
    if (result < 0)
        return result;
    if (*ret_size > size) {
        queue_handle(queue, &handle); /* exists since the take */
        handle->again = true;
        return -EMSGSIZE;
    }
    if (*ret_size)
        memcpy(buffer, message, *ret_size);
    return 0;
}

/* ---- */

void fb_mp_queue_close(struct fb_mp_queue *queue)
{
    atomic_store(&queue->closed, true);
    fb_mp_eventcount_notify(&queue->items, INT_MAX);
    fb_mp_eventcount_notify(&queue->space, INT_MAX);
}
