#include "harness/mp/channel/queue_record.h"

#include "harness/mp/core/heap.h"
#include "harness/mp/core/mutex.h"

void queue_release(struct queue_user *user)
{
    atomic_store_explicit(&user->held.word, 0, memory_order_release);
    queue_in_order();
    if (queue_has_memory(&user->held))
        fb_mp_free_at(&user->held.memory);
}

void queue_drop_draft(struct queue_message *draft)
{
    if (queue_has_memory(draft) && atomic_load(&draft->word) == 0)
        fb_mp_free_at(&draft->memory);
    queue_in_order();
    draft->size = QUEUE_END;
    queue_in_order();
}

/* ---- moving a held message ---- */

/* The move is complete as soon as the target has a word, and undone otherwise. Idempotent. */
static void end_move(struct fb_mp_queue *queue)
{
    struct queue_message *from = &queue_user(queue, queue->from - 1)->held;
    struct queue_message *to = &queue_user(queue, queue->to)->held;
    bool arrived = atomic_load(&to->word) != 0;
    (arrived ? from : to)->size = QUEUE_END; /* only one of the two may free the memory */
    queue_in_order();
    atomic_store(&(arrived ? from : to)->word, 0);
    queue->from = 0;
}

void queue_move_held(struct fb_mp_queue *queue, uint32_t from, uint32_t to)
{
    struct queue_message *source = &queue_user(queue, from)->held;
    struct queue_message *target = &queue_user(queue, to)->held;
    queue->to = to;
    queue_in_order();
    queue->from = from + 1;
    queue_in_order();
    queue_copy(target, source);
    atomic_store(&target->word, atomic_load(&source->word));
    end_move(queue);
}

/* ---- the lock ---- */

void queue_lock(struct fb_mp_queue *queue)
{
    if (fb_mp_mutex_take(&queue->mutex, FB_MP_FOREVER) == -EOWNERDEAD && queue->from)
        end_move(queue);
}

void queue_unlock(struct fb_mp_queue *queue)
{
    pthread_mutex_unlock(&queue->mutex);
}
