/* An emulation of CPython's global interpreter lock: the protocol of Python/ceval_gil.c (3.2 to
 * 3.13) with its condition variables, timed wait, drop request and forced switching, and without
 * fairness. */
#ifndef FB_GIL_LOCK_H
#define FB_GIL_LOCK_H

#include "harness/worker/stamps.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct fb_gil_lock {
    pthread_mutex_t mutex; /* guards free … hand_overs */
    pthread_cond_t free;   /* signalled when the lock is released */
    bool held;
    unsigned last_holder; /* number of the last thread that held it, plus 1; 0: none yet */
    uint64_t hand_overs;  /* how often another thread than the last holder took it */
    pthread_mutex_t switch_mutex;
    pthread_cond_t switched; /* signalled when a thread has taken the lock */
    uint64_t interval_ns;
    _Atomic uint32_t drop_request; /* set by a waiter, read by the holder at its next safepoint */
};

/* One thread's side of the lock. */
struct fb_gil_thread {
    struct fb_gil_lock *lock;
    unsigned number;
    struct fb_stamps *stamps;          /* or NULL */
    uint64_t taken_ns;                 /* when it last took the lock */
    uint64_t switches, waits, held_ns; /* taken after another thread; had to wait; time held */
};

/* interval_ns: how long a waiter waits before it requests the lock. 0 or a negative errno. */
int fb_gil_lock_init(struct fb_gil_lock *lock, uint64_t interval_ns);
void fb_gil_lock_destroy(struct fb_gil_lock *lock);

/* Takes the lock. While another thread holds it, waits for interval_ns at a time; if the lock has
 * not changed hands in an interval, requests that the holder drop it. */
void fb_gil_lock_take(struct fb_gil_thread *user);

/* Releases the lock and wakes one waiter. If the drop was requested, waits until another thread has
 * taken the lock (forced switching); otherwise this thread could take it back at once. */
void fb_gil_lock_drop(struct fb_gil_thread *user);

#endif
