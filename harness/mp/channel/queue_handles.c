#include "harness/mp/core/fork_safe.h"
#include "harness/mp/core/heap.h"
#include "harness/mp/channel/queue_internal.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

/* ---- what a user has ---- */

void queue_release(struct user *user)
{
    atomic_store_explicit(&user->held.word, 0, memory_order_release);
    queue_in_order();
    if (queue_has_memory(&user->held))
        fb_mp_free_at(&user->held.memory);
}

void queue_drop_draft(struct message *draft)
{
    if (queue_has_memory(draft) && atomic_load(&draft->word) == 0)
        fb_mp_free_at(&draft->memory);
    queue_in_order();
    draft->size = QUEUE_END;
    queue_in_order();
}

/* ---- becoming a user, and ceasing to be one ---- */

static _Thread_local struct handle *handles; /* the one that was used last comes first */
static pthread_key_t key;
static bool has_key, has_handler; /* of threads' ends, of the process's */
static pthread_mutex_t watching = PTHREAD_MUTEX_INITIALIZER;
FB_MP_FORK_SAFE(watching);
static _Atomic unsigned cpus = 1; /* that this process may use */

/* Its queue may be gone by now, but not the memory that it was in. */
static void leave(struct handle *handle)
{
    struct fb_mp_queue *queue = handle->queue;
    if (queue->serial == handle->serial) {
        queue_release(handle->user);
        queue_drop_draft(&handle->user->draft);
        queue_set_pid(handle->user, 0);
        queue_notify_idle(queue);
    }
    free(handle);
}

static void leave_all(void *unused)
{
    (void)unused;
    while (handles) {
        struct handle *first = handles;
        handles = first->next;
        leave(first);
    }
}

static void leave_at_exit(void)
{
    leave_all(NULL);
}

/* In a forked child: they are the parent's. */
static void forget_all(void)
{
    while (handles) {
        struct handle *first = handles;
        handles = first->next;
        free(first);
    }
}

__attribute__((constructor)) static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, forget_all);
}

/* Makes sure that the ends of threads and of this process are seen. Once, but for what failed. */
static int watch_ends(void)
{
    cpu_set_t allowed;
    pthread_mutex_lock(&watching);
    if (!has_key)
        has_key = pthread_key_create(&key, leave_all) == 0;
    if (!has_handler)
        has_handler = atexit(leave_at_exit) == 0;
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0)
        cpus = (unsigned)CPU_COUNT(&allowed);
    int result = has_key && has_handler ? 0 : -ENOMEM;
    pthread_mutex_unlock(&watching);
    return result;
}

/* With the lock held: 0 and *ret_index of a record that nobody has. */
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
        if (round == 0) /* before it takes more memory */
            queue_recover_all(queue, NULL);
    }
    uint32_t block = queue->users / QUEUE_BLOCK;
    if (queue->users == FB_MP_QUEUE_USERS)
        return -EUSERS;
    *ret_index = queue->users;
    return queue->block[block]
               ? 0
               : fb_mp_alloc_at(QUEUE_BLOCK * sizeof(struct user), &queue->block[block]);
}

static int enroll(struct handle *handle)
{
    struct fb_mp_queue *queue = handle->queue;
    queue_lock(queue);
    int result = find_record(queue, &handle->index);
    if (result == 0) {
        struct fb_mp_identity self = fb_mp_identity_self();
        struct user *user = handle->user = queue_user(queue, handle->index);
        memset(user, 0, sizeof *user);
        user->draft.size = QUEUE_END;
        user->identity.start = self.start;
        queue_in_order();
        if (handle->index == queue->users)
            __atomic_store_n(&queue->users, handle->index + 1, __ATOMIC_RELEASE);
        queue_set_pid(user, self.pid);
    }
    queue_unlock(queue);
    return result;
}

int64_t queue_spin_ns(const struct fb_mp_queue *queue)
{
    unsigned there = atomic_load_explicit(&cpus, memory_order_relaxed);
    uint32_t users = __atomic_load_n(&queue->users, __ATOMIC_RELAXED);
    return fb_mp_spin_ns(users, there);
}

static int add_handle(struct fb_mp_queue *queue, struct handle **ret_handle)
{
    struct handle *handle = calloc(1, sizeof *handle);
    if (!handle || watch_ends() < 0) {
        free(handle);
        return -ENOMEM;
    }
    handle->queue = queue;
    handle->serial = queue->serial;
    handle->head = atomic_load(&queue->head);
    handle->tail = atomic_load(&queue->tail);
    int result = enroll(handle);
    if (result < 0) {
        free(handle);
        return result;
    }
    handle->next = handles;
    *ret_handle = handles = handle;
    pthread_setspecific(key, handle);
    return 0;
}

int queue_handle(struct fb_mp_queue *queue, struct handle **ret_handle)
{
    if (handles && handles->queue == queue && handles->serial == queue->serial) {
        *ret_handle = handles;
        return 0;
    }
    for (struct handle **link = &handles; *link; link = &(*link)->next) {
        struct handle *handle = *link;
        if (handle->queue != queue)
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
