/* Locks, semaphores, events and conditions between processes (and threads). Each is made in shared
 * memory, may be handed to any process of the program by its pointer, and is freed by one of them
 * when none uses it any more. Waits take a time in ns (deadline.h): 0 or less tries once, and no
 * wait ends before its time with -ETIMEDOUT. Signal handlers interrupt none of them. The
 * functions that free accept NULL. */
#ifndef FB_MP_SYNC_H
#define FB_MP_SYNC_H

#include "harness/mp/core/deadline.h"

#include <stdbool.h>

/* ---- lock ---- */

struct fb_mp_lock;

/* recursive: its owner may take it again, and has to release it as often. 0 and *ret_lock, or a
 * negative errno from fb_mp_alloc. */
int fb_mp_lock_make(bool recursive, struct fb_mp_lock **ret_lock);
void fb_mp_lock_free(struct fb_mp_lock *lock);

/* 0; -EOWNERDEAD: it is held now, but the owner before died while it held it, so what it guards may
 * be half done (told once); -ETIMEDOUT; -EDEADLK: this thread holds it already. */
int fb_mp_lock_acquire(struct fb_mp_lock *lock, int64_t timeout_ns);

/* 0, or -EPERM: this thread does not hold it. */
int fb_mp_lock_release(struct fb_mp_lock *lock);

/* ---- semaphore ---- */

struct fb_mp_semaphore;

/* bounded: releasing it beyond its first value is an error. 0 and *ret_semaphore, or a negative
 * errno from fb_mp_alloc. */
int fb_mp_semaphore_make(unsigned value, bool bounded, struct fb_mp_semaphore **ret_semaphore);
void fb_mp_semaphore_free(struct fb_mp_semaphore *semaphore);
/* 0 or -ETIMEDOUT. It has no owner: what a process took and died with is not given back. */
int fb_mp_semaphore_acquire(struct fb_mp_semaphore *semaphore, int64_t timeout_ns);
/* 0 or -EOVERFLOW. */
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

/* lock: outlives it. */
int fb_mp_condition_make(struct fb_mp_lock *lock, struct fb_mp_condition **ret_condition);
void fb_mp_condition_free(struct fb_mp_condition *condition);

/* Gives the lock up, however often it was taken, waits to be notified, and takes it again. As a
 * notification can be left over from a process that died, look again at what was waited for. 0 or
 * -ETIMEDOUT with the lock held; -EOWNERDEAD as acquire; -EPERM the lock is not held. */
int fb_mp_condition_wait(struct fb_mp_condition *condition, int64_t timeout_ns);

/* Waits until holds(context) is true; it is called with the lock held. Returns as above, -ETIMEDOUT
 * only if it is false then. */
int fb_mp_condition_wait_for(struct fb_mp_condition *condition, bool (*holds)(void *context),
                             void *context, int64_t timeout_ns);

/* Wakes up to count of those that wait now. With the lock held. */
void fb_mp_condition_notify(struct fb_mp_condition *condition, unsigned count);
#define FB_MP_ALL (~0u)

#endif
