#include "harness/mp/channel/queue_handles.h"

#include "harness/mp/core/fork_safe.h"
#include "harness/mp/core/heap.h"
#include "harness/mp/channel/queue_recovery.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local struct queue_handle *handles; /* most recently used first */
static pthread_key_t key;                          /* its destructor runs when a thread ends */
static bool has_key, has_exit_handler;
static pthread_mutex_t setup_mutex = PTHREAD_MUTEX_INITIALIZER; /* guards the three above */
FB_MP_FORK_SAFE(setup_mutex);

/* ---- leaving ---- */

/* The queue may have been freed, but the address space of the heap stays mapped. */
static void leave(struct queue_handle *handle)
{
    struct fb_mp_queue *queue = handle->cursor.queue;
    struct queue_user *user = handle->cursor.user;
    if (queue->serial == handle->serial) {
        queue_release(user);
        queue_drop_draft(&user->draft);
        queue_set_pid(user, 0);
        queue_notify_idle(queue);
    }
    free(handle);
}

static void leave_all(void *unused)
{
    (void)unused;
    while (handles) {
        struct queue_handle *first = handles;
        handles = first->next;
        leave(first);
    }
}

static void leave_at_exit(void)
{
    leave_all(NULL);
}

/* In a forked child: the records belong to the parent. */
static void forget_all(void)
{
    while (handles) {
        struct queue_handle *first = handles;
        handles = first->next;
        free(first);
    }
}

__attribute__((constructor)) static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, forget_all);
}

/* Makes the ends of threads and of the process leave their queues. A call that failed is tried
 * again the next time. 0 or -ENOMEM. */
static int watch_ends(void)
{
    pthread_mutex_lock(&setup_mutex);
    if (!has_key)
        has_key = pthread_key_create(&key, leave_all) == 0;
    if (!has_exit_handler)
        has_exit_handler = atexit(leave_at_exit) == 0;
    int result = has_key && has_exit_handler ? 0 : -ENOMEM;
    pthread_mutex_unlock(&setup_mutex);
    return result;
}

/* ---- entering ---- */

/* With the lock held: 0 and the index of a free record, or -EUSERS, -ENOMEM, -ENOSPC. */
static int find_record(struct fb_mp_queue *queue, uint32_t *ret_index)
{
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < queue->users; i++)
            if (queue_pid(queue_user(queue, i)) == 0) {
                *ret_index = i;
                return 0;
            }
        if (queue->users % QUEUE_BLOCK != 0)
            break;
        if (round == 0) /* a new record would need more memory */
            queue_recover_all(queue, NULL);
    }
    uint32_t block = queue->users / QUEUE_BLOCK;
    if (queue->users == FB_MP_QUEUE_USERS)
        return -EUSERS;
    *ret_index = queue->users;
    return queue->block[block]
               ? 0
               : fb_mp_alloc_at(QUEUE_BLOCK * sizeof(struct queue_user), &queue->block[block]);
}

static int enroll(struct queue_cursor *cursor)
{
    struct fb_mp_queue *queue = cursor->queue;
    queue_lock(queue);
    int result = find_record(queue, &cursor->index);
    if (result == 0) {
        struct fb_mp_identity self = fb_mp_identity_self();
        struct queue_user *user = cursor->user = queue_user(queue, cursor->index);
        memset(user, 0, sizeof *user);
        user->draft.size = QUEUE_END;
        user->identity.start = self.start;
        queue_in_order();
        if (cursor->index == queue->users)
            __atomic_store_n(&queue->users, cursor->index + 1, __ATOMIC_RELEASE);
        queue_set_pid(user, self.pid);
    }
    queue_unlock(queue);
    return result;
}

static unsigned allowed_cpus(void)
{
    cpu_set_t allowed;
    return sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? (unsigned)CPU_COUNT(&allowed) : 1;
}

static int add_handle(struct fb_mp_queue *queue, struct queue_handle **ret_handle)
{
    struct queue_handle *handle = calloc(1, sizeof *handle);
    if (!handle || watch_ends() < 0) {
        free(handle);
        return -ENOMEM;
    }
    handle->serial = queue->serial;
    handle->cursor = (struct queue_cursor){
        .queue = queue,
        .cpus = allowed_cpus(),
        .head = atomic_load(&queue->head),
        .tail = atomic_load(&queue->tail),
    };
    int result = enroll(&handle->cursor);
    if (result < 0) {
        free(handle);
        return result;
    }
    handle->next = handles;
    *ret_handle = handles = handle;
    pthread_setspecific(key, handle);
    return 0;
}

int queue_handle(struct fb_mp_queue *queue, struct queue_handle **ret_handle)
{
    if (handles && handles->cursor.queue == queue && handles->serial == queue->serial) {
        *ret_handle = handles;
        return 0;
    }
    for (struct queue_handle **link = &handles; *link; link = &(*link)->next) {
        struct queue_handle *handle = *link;
        if (handle->cursor.queue != queue)
            continue;
        *link = handle->next;
        if (handle->serial != queue->serial) {
            free(handle);
            break;
        }
        handle->next = handles;
        *ret_handle = handles = handle;
        return 0;
    }
    return add_handle(queue, ret_handle);
}
