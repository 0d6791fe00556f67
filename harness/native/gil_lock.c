#include "harness/native/gil_lock.h"

#include "base/clock.h"

#include <errno.h>
#include <string.h>
#include <time.h>

static int init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    int result = pthread_condattr_init(&attributes);
    if (result != 0)
        return result;
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    result = pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
    return result;
}

int fb_gil_lock_init(struct fb_gil_lock *lock, uint64_t interval_ns)
{
    memset(lock, 0, sizeof *lock);
    lock->interval_ns = interval_ns;
    int result = init_condition(&lock->free);
    if (result != 0)
        return -result;
    result = init_condition(&lock->switched);
    if (result != 0) {
        pthread_cond_destroy(&lock->free);
        return -result;
    }
    pthread_mutex_init(&lock->mutex, NULL);
    pthread_mutex_init(&lock->switch_mutex, NULL);
    return 0;
}

void fb_gil_lock_destroy(struct fb_gil_lock *lock)
{
    pthread_cond_destroy(&lock->free);
    pthread_cond_destroy(&lock->switched);
    pthread_mutex_destroy(&lock->mutex);
    pthread_mutex_destroy(&lock->switch_mutex);
}

/* Waits for `free` for at most one interval, with the mutex held. True: no signal came in time. */
static bool wait_an_interval(struct fb_gil_lock *lock)
{
    struct timespec deadline;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    uint64_t ns = (uint64_t)deadline.tv_nsec + lock->interval_ns;
    deadline.tv_sec += (time_t)(ns / 1000000000u);
    deadline.tv_nsec = (long)(ns % 1000000000u);
    return pthread_cond_timedwait(&lock->free, &lock->mutex, &deadline) == ETIMEDOUT;
}

void fb_gil_lock_take(struct fb_gil_thread *user)
{
    struct fb_gil_lock *lock = user->lock;
    pthread_mutex_lock(&lock->mutex);
    if (lock->held) {
        fb_stamp(user->stamps, FB_EVENT_WANT, 0);
        user->waits++;
    }
    while (lock->held) {
        uint64_t before = lock->hand_overs;
        if (wait_an_interval(lock) && lock->held && lock->hand_overs == before)
            atomic_store_explicit(&lock->drop_request, 1, memory_order_relaxed);
    }
    /* The previous holder may be waiting for this switch in fb_gil_lock_drop. */
    pthread_mutex_lock(&lock->switch_mutex);
    lock->held = true;
    if (lock->last_holder != user->number + 1) {
        user->switches += lock->last_holder != 0;
        lock->last_holder = user->number + 1;
        lock->hand_overs++;
    }
    pthread_cond_signal(&lock->switched);
    pthread_mutex_unlock(&lock->switch_mutex);
    atomic_store_explicit(&lock->drop_request, 0, memory_order_relaxed);
    user->taken_ns = fb_now_ns();
    fb_stamp(user->stamps, FB_EVENT_TAKEN, 0);
    pthread_mutex_unlock(&lock->mutex);
}

void fb_gil_lock_drop(struct fb_gil_thread *user)
{
    struct fb_gil_lock *lock = user->lock;
    user->held_ns += fb_now_ns() - user->taken_ns;
    fb_stamp(user->stamps, FB_EVENT_DROPPED, 0);
    pthread_mutex_lock(&lock->mutex);
    lock->held = false;
    pthread_cond_signal(&lock->free);
    pthread_mutex_unlock(&lock->mutex);
    if (!atomic_load_explicit(&lock->drop_request, memory_order_relaxed))
        return;
    pthread_mutex_lock(&lock->switch_mutex);
    if (lock->last_holder == user->number + 1) {
        atomic_store_explicit(&lock->drop_request, 0, memory_order_relaxed);
        /* The thread that requested it waits for the lock, so a thread will take it. */
        while (lock->last_holder == user->number + 1)
            pthread_cond_wait(&lock->switched, &lock->switch_mutex);
    }
    pthread_mutex_unlock(&lock->switch_mutex);
}
