#include "fork_safe.h"
#include "heap.h"
#include "mutex.h"
#include "queue_parts.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#define SPIN_NS 50000      /* before sleeping, where nobody needs the CPU */
#define SPIN_SHORT_NS 3000 /* … where somebody may */

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

static void set_pid(struct user *user, pid_t pid)
{
    __atomic_store_n(&user->identity.pid, pid, __ATOMIC_RELEASE);
}

static pid_t pid_of(const struct user *user)
{
    return __atomic_load_n(&user->identity.pid, __ATOMIC_ACQUIRE);
}

static bool is_dead(const struct user *user)
{
    struct fb_mp_identity identity = { .pid = pid_of(user), .start = user->identity.start };
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

static void lock(struct fb_mp_queue *queue)
{
    if (fb_mp_mutex_take(&queue->mutex, FB_MP_FOREVER) == -EOWNERDEAD && queue->from)
        end_move(queue);
}

static void unlock(struct fb_mp_queue *queue)
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
    fb_mp_bell_ring(&queue->space, INT_MAX);
    fb_mp_bell_ring(&queue->items, INT_MAX);
}

bool queue_repair_slot(struct fb_mp_queue *queue, struct message *slot)
{
    lock(queue);
    uint64_t word = atomic_load(&slot->word);
    bool dead = is_at_work(word) && is_dead(queue_user(queue, queue_owner(word)));
    if (dead)
        end_work(queue, slot, word);
    unlock(queue);
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
        set_pid(user, 0);
    } else
        user->buried = true;
}

/* Of how many of the users that died a message is left; ret_index, which may be NULL: one of them.
 */
static size_t bury_all(struct fb_mp_queue *queue, uint32_t *ret_index)
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
    lock(queue);
    size_t count = bury_all(queue, NULL);
    unlock(queue);
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
    lock(queue);
    if (bury_all(queue, &dead) == 0) {
        unlock(queue);
        return -ENOENT;
    }
    queue_release(handle->user);
    *ret_taker = pid_of(queue_user(queue, dead));
    move(queue, dead, handle->index);
    bury(queue, dead);
    unlock(queue);
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
        if (pid_of(queue_user(queue, i)) && atomic_load(&queue_user(queue, i)->held.word))
            return true;
    return false;
}

/* 0: nothing is left, and nothing was put while that was looked at; -EAGAIN; -EOWNERDEAD. */
static int look(struct fb_mp_queue *queue, bool at_the_dead)
{
    size_t before = fb_mp_queue_size(queue);
    uint64_t tail = queue_tail(queue);
    lock(queue);
    int result = at_the_dead && bury_all(queue, NULL) ? -EOWNERDEAD : 0;
    if (result == 0 && (before || is_anything_left(queue) || queue_tail(queue) != tail))
        result = -EAGAIN;
    unlock(queue);
    return result;
}

int fb_mp_queue_join(struct fb_mp_queue *queue, int64_t timeout_ns)
{
    int64_t deadline = fb_mp_deadline(timeout_ns), looked = 0;
    for (;;) {
        uint32_t heard = fb_mp_bell_listen(&queue->idle);
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
        set_pid(handle->user, 0);
        queue_ring_idle(queue);
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
            if (pid_of(queue_user(queue, i)) == 0) {
                *ret_index = i;
                return 0;
            }
        if (queue->users % QUEUE_BLOCK != 0)
            break;
        if (round == 0) /* before it takes more memory */
            bury_all(queue, NULL);
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
    lock(queue);
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
        set_pid(user, self.pid);
    }
    unlock(queue);
    return result;
}

int64_t queue_spin_ns(const struct fb_mp_queue *queue)
{
    unsigned there = atomic_load_explicit(&cpus, memory_order_relaxed);
    uint32_t users = __atomic_load_n(&queue->users, __ATOMIC_RELAXED);
    return there == 1 ? 0 : users <= there ? SPIN_NS : SPIN_SHORT_NS;
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
