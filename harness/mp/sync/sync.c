#include "harness/mp/sync/sync.h"

#include "harness/mp/core/heap.h"
#include "harness/mp/core/mutex.h"
#include "harness/mp/core/sleep.h"

#include <errno.h>
#include <pthread.h>
#include <sys/types.h>

/* ---- lock ---- */

struct fb_mp_lock {
    pthread_mutex_t mutex; /* robust: the kernel reports the owner's death to the next owner */
    _Atomic pid_t owner;   /* thread id, or 0; a dead owner's id stays until the next acquire */
    unsigned depth;        /* how often the owner has acquired it */
};

/* The calling thread's id; 0: not yet known. Saves a system call per acquire. */
static _Thread_local pid_t thread_id;
static pthread_once_t watching = PTHREAD_ONCE_INIT;

static void forget_id(void)
{
    thread_id = 0;
}

static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, forget_id);
}

static pid_t self(void)
{
    if (!thread_id) {
        pthread_once(&watching, watch_forks);
        thread_id = gettid();
    }
    return thread_id;
}

int fb_mp_lock_make(bool recursive, struct fb_mp_lock **ret_lock)
{
    void *memory;
    int result = fb_mp_alloc(sizeof(struct fb_mp_lock), &memory);
    if (result < 0)
        return result;
    struct fb_mp_lock *lock = memory;
    fb_mp_mutex_init(&lock->mutex, recursive ? PTHREAD_MUTEX_RECURSIVE : PTHREAD_MUTEX_ERRORCHECK);
    *ret_lock = lock;
    return 0;
}

void fb_mp_lock_free(struct fb_mp_lock *lock)
{
    if (lock)
        pthread_mutex_destroy(&lock->mutex);
    fb_mp_free(lock);
}

int fb_mp_lock_acquire(struct fb_mp_lock *lock, int64_t timeout_ns)
{
    int result = fb_mp_mutex_take(&lock->mutex, timeout_ns);
    if (result < 0 && result != -EOWNERDEAD)
        return result;
    if (result == -EOWNERDEAD)
        lock->depth = 0;
    lock->depth++;
    atomic_store_explicit(&lock->owner, self(), memory_order_relaxed);
    return result;
}

int fb_mp_lock_release(struct fb_mp_lock *lock)
{
    if (atomic_load_explicit(&lock->owner, memory_order_relaxed) != self())
        return -EPERM;
    if (--lock->depth == 0)
        atomic_store_explicit(&lock->owner, 0, memory_order_relaxed);
    return -pthread_mutex_unlock(&lock->mutex);
}

/* Releases the lock completely. Returns how often it was acquired; 0: it is not held. */
static unsigned release_all(struct fb_mp_lock *lock)
{
    unsigned depth = 0;
    while (fb_mp_lock_release(lock) == 0)
        depth++;
    return depth;
}

/* Acquires the lock depth times. 0 or -EOWNERDEAD. */
static int acquire_again(struct fb_mp_lock *lock, unsigned depth)
{
    int result = fb_mp_lock_acquire(lock, FB_MP_FOREVER);
    while (--depth > 0)
        fb_mp_lock_acquire(lock, FB_MP_FOREVER);
    return result;
}

/* ---- semaphore ---- */

struct fb_mp_semaphore {
    _Atomic uint32_t value, waiters; /* waiters may include dead ones: then a wake-up is wasted */
    uint32_t most;
};

int fb_mp_semaphore_make(unsigned value, bool bounded, struct fb_mp_semaphore **ret_semaphore)
{
    void *memory;
    int result = fb_mp_alloc(sizeof(struct fb_mp_semaphore), &memory);
    if (result < 0)
        return result;
    struct fb_mp_semaphore *semaphore = memory;
    atomic_store(&semaphore->value, value);
    semaphore->most = bounded ? value : UINT32_MAX;
    *ret_semaphore = semaphore;
    return 0;
}

void fb_mp_semaphore_free(struct fb_mp_semaphore *semaphore)
{
    fb_mp_free(semaphore);
}

static bool try_semaphore(struct fb_mp_semaphore *semaphore)
{
    uint32_t value = atomic_load(&semaphore->value);
    while (value > 0)
        if (atomic_compare_exchange_weak(&semaphore->value, &value, value - 1))
            return true;
    return false;
}

int fb_mp_semaphore_acquire(struct fb_mp_semaphore *semaphore, int64_t timeout_ns)
{
    if (try_semaphore(semaphore))
        return 0;
    if (timeout_ns <= 0)
        return -ETIMEDOUT;
    int64_t deadline = fb_mp_deadline(timeout_ns);
    bool taken = false, time = true;
    atomic_fetch_add(&semaphore->waiters, 1);
    while (time && !(taken = try_semaphore(semaphore)))
        time = fb_mp_sleep(&semaphore->value, 0, deadline);
    atomic_fetch_sub(&semaphore->waiters, 1);
    return taken ? 0 : -ETIMEDOUT;
}

int fb_mp_semaphore_release(struct fb_mp_semaphore *semaphore)
{
    uint32_t value = atomic_load(&semaphore->value);
    do
        if (value >= semaphore->most)
            return -EOVERFLOW;
    while (!atomic_compare_exchange_weak(&semaphore->value, &value, value + 1));
    if (atomic_load(&semaphore->waiters))
        fb_mp_wake(&semaphore->value, 1);
    return 0;
}

unsigned fb_mp_semaphore_value(const struct fb_mp_semaphore *semaphore)
{
    return atomic_load(&semaphore->value);
}

/* ---- event ---- */

struct fb_mp_event {
    _Atomic uint32_t changes; /* odd: it is set */
};

int fb_mp_event_make(struct fb_mp_event **ret_event)
{
    void *memory;
    int result = fb_mp_alloc(sizeof(struct fb_mp_event), &memory);
    if (result == 0)
        *ret_event = memory;
    return result;
}

void fb_mp_event_free(struct fb_mp_event *event)
{
    fb_mp_free(event);
}

/* Sets the word's parity. Returns whether that changed it. */
static bool change_event(struct fb_mp_event *event, uint32_t parity)
{
    uint32_t changes = atomic_load(&event->changes);
    do
        if (changes % 2 == parity)
            return false;
    while (!atomic_compare_exchange_weak(&event->changes, &changes, changes + 1));
    return true;
}

void fb_mp_event_set(struct fb_mp_event *event)
{
    if (change_event(event, 1))
        fb_mp_wake(&event->changes, INT_MAX);
}

void fb_mp_event_clear(struct fb_mp_event *event)
{
    change_event(event, 0);
}

bool fb_mp_event_is_set(const struct fb_mp_event *event)
{
    return atomic_load(&event->changes) % 2;
}

int fb_mp_event_wait(struct fb_mp_event *event, int64_t timeout_ns)
{
    int64_t deadline = fb_mp_deadline(timeout_ns);
    uint32_t before = atomic_load(&event->changes);
    if (before % 2)
        return 0;
    /* Threads that were waiting when the event was set return even if it has been cleared since. */
    while (atomic_load(&event->changes) == before)
        if (!fb_mp_sleep(&event->changes, before, deadline))
            return -ETIMEDOUT;
    return 0;
}

/* ---- condition ---- */

struct fb_mp_condition {
    struct fb_mp_lock *lock;
    _Atomic uint32_t number;  /* of notifications; waiters sleep on it */
    _Atomic uint32_t pending; /* wake-ups that no waiter has taken yet */
    _Atomic uint32_t waiters; /* may include dead ones: then a waiter is woken spuriously */
};

int fb_mp_condition_make(struct fb_mp_lock *lock, struct fb_mp_condition **ret_condition)
{
    void *memory;
    int result = fb_mp_alloc(sizeof(struct fb_mp_condition), &memory);
    if (result < 0)
        return result;
    *ret_condition = memory;
    (*ret_condition)->lock = lock;
    return 0;
}

void fb_mp_condition_free(struct fb_mp_condition *condition)
{
    fb_mp_free(condition);
}

/* Only a thread that began to wait before a notification may take its wake-up. since: the number of
 * notifications when the wait began. */
static bool take_wake_up(struct fb_mp_condition *condition, uint32_t since)
{
    uint32_t pending = atomic_load(&condition->pending);
    if (atomic_load(&condition->number) == since)
        return false;
    while (pending > 0)
        if (atomic_compare_exchange_weak(&condition->pending, &pending, pending - 1))
            return true;
    return false;
}

int fb_mp_condition_wait(struct fb_mp_condition *condition, int64_t timeout_ns)
{
    int64_t deadline = fb_mp_deadline(timeout_ns);
    uint32_t since = atomic_load(&condition->number), seen = since;
    bool woken = false, time = true;
    atomic_fetch_add(&condition->waiters, 1);
    unsigned depth = release_all(condition->lock);
    while (depth > 0 && time && !(woken = take_wake_up(condition, since))) {
        time = fb_mp_sleep(&condition->number, seen, deadline);
        seen = atomic_load(&condition->number);
    }
    atomic_fetch_sub(&condition->waiters, 1);
    if (depth == 0)
        return -EPERM;
    int result = acquire_again(condition->lock, depth);
    return result < 0 ? result : woken ? 0 : -ETIMEDOUT;
}

void fb_mp_condition_notify(struct fb_mp_condition *condition, unsigned count)
{
    uint32_t waiters = atomic_load(&condition->waiters);
    uint32_t pending = atomic_load(&condition->pending), wanted;
    do
        wanted = pending >= waiters || count >= waiters - pending ? waiters : pending + count;
    while (!atomic_compare_exchange_weak(&condition->pending, &pending, wanted));
    if (wanted == 0)
        return;
    atomic_fetch_add(&condition->number, 1);
    fb_mp_wake(&condition->number, count > INT_MAX ? INT_MAX : (int)count);
}

int fb_mp_condition_wait_for(struct fb_mp_condition *condition, bool (*holds)(void *context),
                             void *context, int64_t timeout_ns)
{
    int64_t deadline = fb_mp_deadline(timeout_ns);
    while (!holds(context)) {
        int result = fb_mp_condition_wait(condition, deadline - fb_mp_now());
        if (result == -ETIMEDOUT)
            return holds(context) ? 0 : result;
        if (result < 0)
            return result;
    }
    return 0;
}
