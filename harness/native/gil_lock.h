/* CPython's global interpreter lock, emulated: the protocol of its Python/ceval_gil.c (3.2 to 3.13)
 * with its condition variables, its timed wait, its drop request and its forced switch, and with
 * its lack of fairness. */
#ifndef FB_GIL_LOCK_H
#define FB_GIL_LOCK_H

#include "harness/worker/stamps.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct fb_gil_lock {
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t free;   /* the lock was given up */
    bool held;
    unsigned last_holder; /* one more than the thread's number, 0: nobody yet */
    uint64_t hand_overs;  /* how often the holder was another than the last one */
    pthread_mutex_t switch_mutex;
    pthread_cond_t switched; /* another thread has taken the lock */
    uint64_t interval_ns;
    _Atomic uint32_t drop_request; /* set by a waiter, seen by the holder at its next safepoint */
};

/* One thread's side of the lock. */
struct fb_gil_thread {
    struct fb_gil_lock *lock;
    unsigned number;
    struct fb_stamps *stamps;          /* or NULL */
    uint64_t taken_ns;                 /* when it took the lock last */
    uint64_t switches, waits, held_ns; /* it came from another thread; it had to wait; time held */
};

/* interval_ns: how long a waiter waits before it asks. 0 or a negative errno. */
int fb_gil_lock_init(struct fb_gil_lock *lock, uint64_t interval_ns);
void fb_gil_lock_destroy(struct fb_gil_lock *lock);

/* Takes the lock. While it can't, waits interval_ns at a time, and asks the holder to drop it each
 * time that passed without the lock changing hands. */
void fb_gil_lock_take(struct fb_gil_thread *user);

/* Gives the lock up and wakes one waiter. If that was asked for, waits until another thread has
 * taken it ('forced switching'), or the caller would win it back at once. */
void fb_gil_lock_drop(struct fb_gil_thread *user);

#endif
