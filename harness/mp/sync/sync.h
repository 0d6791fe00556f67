/* Locks, semaphores, events and conditions for processes and threads. Each is in shared memory, may
 * be passed to any process of the program as a pointer, and is freed by one of them when none uses
 * it any more. Timeouts are in ns (deadline.h); with 0 or less, a call tries once. No wait returns
 * -ETIMEDOUT before its time, and signal handlers interrupt none. The functions that free accept
 * NULL. */
#ifndef FB_MP_SYNC_H
#define FB_MP_SYNC_H

#include "harness/mp/core/deadline.h"

#include <stdbool.h>

/* ---- lock ---- */

struct fb_mp_lock;

/* recursive: the owner may acquire the lock again and has to release it as often. 0 and *ret_lock,
 * or a negative errno from fb_mp_alloc. */
int fb_mp_lock_make(bool recursive, struct fb_mp_lock **ret_lock);
void fb_mp_lock_free(struct fb_mp_lock *lock);

/* 0; -EOWNERDEAD: the lock is held now, but its previous owner died while it held it, so the data
 * that it guards may be inconsistent (returned once); -ETIMEDOUT; -EDEADLK: this thread already
 * holds it. */
int fb_mp_lock_acquire(struct fb_mp_lock *lock, int64_t timeout_ns);

/* 0, or -EPERM: this thread does not hold the lock. */
int fb_mp_lock_release(struct fb_mp_lock *lock);

/* ---- semaphore ---- */

struct fb_mp_semaphore;

/* bounded: a release beyond the initial value is an error. 0 and *ret_semaphore, or a negative
 * errno from fb_mp_alloc. */
int fb_mp_semaphore_make(unsigned value, bool bounded, struct fb_mp_semaphore **ret_semaphore);
void fb_mp_semaphore_free(struct fb_mp_semaphore *semaphore);
/* 0 or -ETIMEDOUT. A semaphore has no owner: if a process dies after acquire, nobody releases it.
 */
int fb_mp_semaphore_acquire(struct fb_mp_semaphore *semaphore, int64_t timeout_ns);
/* 0, or -EOVERFLOW: it is bounded and has its initial value. */
int fb_mp_semaphore_release(struct fb_mp_semaphore *semaphore);
unsigned fb_mp_semaphore_value(const struct fb_mp_semaphore *semaphore);

/* ---- event ---- */

struct fb_mp_event;

int fb_mp_event_make(struct fb_mp_event **ret_event);
void fb_mp_event_free(struct fb_mp_event *event);
void fb_mp_event_set(struct fb_mp_event *event);
void fb_mp_event_clear(struct fb_mp_event *event);
bool fb_mp_event_is_set(const struct fb_mp_event *event);
/* 0 or -ETIMEDOUT. */
int fb_mp_event_wait(struct fb_mp_event *event, int64_t timeout_ns);

/* ---- condition ---- */

struct fb_mp_condition;

/* The lock must outlive the condition. */
int fb_mp_condition_make(struct fb_mp_lock *lock, struct fb_mp_condition **ret_condition);
void fb_mp_condition_free(struct fb_mp_condition *condition);

/* Releases the lock, however often it was acquired, waits for a notification, and acquires the lock
 * again as often. A notification may be left over from a waiter that died, so check the awaited
 * state again. 0 or -ETIMEDOUT with the lock held; -EOWNERDEAD as acquire; -EPERM: the lock is not
 * held. */
int fb_mp_condition_wait(struct fb_mp_condition *condition, int64_t timeout_ns);

/* Waits until holds(context), which is called with the lock held, returns true. Returns as above;
 * -ETIMEDOUT only if holds(context) is still false. */
int fb_mp_condition_wait_for(struct fb_mp_condition *condition, bool (*holds)(void *context),
                             void *context, int64_t timeout_ns);

/* Wakes up to count of the current waiters. With the lock held. */
void fb_mp_condition_notify(struct fb_mp_condition *condition, unsigned count);
#define FB_MP_ALL (~0u)

#endif
