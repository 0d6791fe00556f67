/* What a task will bring: its result, its error, how it ended. */
#ifndef FB_MP_FUTURE_H
#define FB_MP_FUTURE_H

#include "harness/mp/core/deadline.h"
#include "harness/mp/pool/task.h"

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct fb_mp_future;

enum fb_mp_future_state {
    FB_MP_PENDING, /* no worker has begun it */
    FB_MP_RUNNING,
    FB_MP_CANCELLED,
    FB_MP_DONE, /* it has a result or an error */
};

enum fb_mp_future_state fb_mp_future_state(struct fb_mp_future *future);

/* Whether it is done or cancelled. */
bool fb_mp_future_is_done(struct fb_mp_future *future);

/* Waits for it. 0, or -ETIMEDOUT. */
int fb_mp_future_wait(struct fb_mp_future *future, int64_t timeout_ns);

/* Waits for its result: 0, with *ret_bytes (the future's, as long as that is there) and *ret_size,
 * both of which may be NULL; or what it failed with, and *error, which may be NULL too, says so:
 * what its function returned and said, or
 * -EOWNERDEAD   its worker died: with pid and signal or exit code
 * -ECANCELED    it was cancelled, or the pool terminated
 * -ETIMEDOUT    it ran for longer than it might; or is not done in time: then is_done is false
 * -EMSGSIZE, -ENOSPC, -ENOMEM   no room for its result
 * or what broke the pool. */
int fb_mp_future_result(struct fb_mp_future *future, int64_t timeout_ns, const void **ret_bytes,
                        size_t *ret_size, struct fb_error *error);

/* Cancels it if no worker has begun it. running: if one has, then that is ended for it, by SIGTERM,
 * and after the task's grace_ns by SIGKILL. 0: it is cancelled, or will
 * be unless it is done before, -EBUSY: it runs, or -EALREADY: it is
 * done. */
int fb_mp_future_cancel(struct fb_mp_future *future, bool running);

/* Has callback(future, context) called when it is done: on a thread of the pool's, in the order in
 * which they were added, each whatever the others do; at once, on this thread, if it is done
 * already. A callback may do all with futures and pools but wait, and close the pool. 0 or -ENOMEM. */
typedef void (*fb_mp_callback)(struct fb_mp_future *future, void *context);
int fb_mp_future_call(struct fb_mp_future *future, fb_mp_callback callback, void *context);

/* Gives the handle up; the task goes on. NULL is accepted. */
void fb_mp_future_free(struct fb_mp_future *future);

/* ---- several ---- */

enum fb_mp_wait_for { FB_MP_FIRST_DONE, FB_MP_FIRST_ERROR, FB_MP_ALL_DONE };

/* Waits until one is done, one has failed (or all are done), or all are done, of count futures of
 * one pool. ret_done[i] says which are, *ret_count how many; both may be NULL, and are set also when
 * the time is over. 0, -ETIMEDOUT, -EINVAL: they are of several pools, or -ENOMEM. */
int fb_mp_futures_wait(struct fb_mp_future *const *future, size_t count, enum fb_mp_wait_for until,
                       int64_t timeout_ns, bool *ret_done, size_t *ret_count);

/* Futures one by one, as they become done. */
struct fb_mp_completion;

/* Of count futures of one pool, which outlive it as the list does. 0 and *ret_completion (end with
 * fb_mp_completion_free), -EINVAL: they are of several pools, or -ENOMEM. */
int fb_mp_as_completed(struct fb_mp_future *const *future, size_t count, int64_t timeout_ns,
                       struct fb_mp_completion **ret_completion);

/* The next one: 0 and *ret_index, -ENOENT: that was all, or -ETIMEDOUT with *error (may be NULL):
 * the time since as_completed is over, and k of n are unfinished. */
int fb_mp_completion_next(struct fb_mp_completion *completion, size_t *ret_index,
                          struct fb_error *error);
void fb_mp_completion_free(struct fb_mp_completion *completion);

#endif
