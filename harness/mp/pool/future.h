/* Futures: the state and the result or error of a submitted task. */
#ifndef FB_MP_FUTURE_H
#define FB_MP_FUTURE_H

#include "harness/mp/core/deadline.h"
#include "harness/mp/pool/task.h"

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct fb_mp_future;

enum fb_mp_future_state {
    FB_MP_PENDING, /* no worker has begun the task */
    FB_MP_RUNNING,
    FB_MP_CANCELLED,
    FB_MP_DONE, /* the task has a result or an error */
};

enum fb_mp_future_state fb_mp_future_state(struct fb_mp_future *future);

/* Whether the state is FB_MP_DONE or FB_MP_CANCELLED. */
bool fb_mp_future_is_done(struct fb_mp_future *future);

/* Waits until the task is done or cancelled. 0, or -ETIMEDOUT. */
int fb_mp_future_wait(struct fb_mp_future *future, int64_t timeout_ns);

/* Waits for the result. 0 with *ret_bytes (owned by the future, valid until fb_mp_future_free) and
 * *ret_size, or a negative errno with *error. All three may be NULL. The error is the one that the
 * task's function returned, the one that broke the pool, or
 * -EOWNERDEAD   the task's worker ended; the text has its pid, and the signal or exit code
 * -ECANCELED    the task was cancelled, or the pool was terminated
 * -ETIMEDOUT    the task exceeded its limit; or timeout_ns has passed: then is_done is false
 * -EMSGSIZE, -ENOSPC, -ENOMEM   no memory for the result */
int fb_mp_future_result(struct fb_mp_future *future, int64_t timeout_ns, const void **ret_bytes,
                        size_t *ret_size, struct fb_error *error);

/* Cancels the task if no worker has begun it. running: if a worker has, that worker is
 * terminated by SIGTERM, and after the task's grace_ns by SIGKILL. 0: the task is cancelled, or
 * will be unless it is done before that, -EBUSY: it is running, or -EALREADY: it is done or
 * cancelled. */
int fb_mp_future_cancel(struct fb_mp_future *future, bool running);

/* Calls callback(future, context) when the task is done: on the pool's service thread, in the
 * order in which callbacks were added; or now, on this thread, if the task is done already. A
 * callback may use futures and pools, but must not wait and must not close the pool. 0 or
 * -ENOMEM. */
typedef void (*fb_mp_callback)(struct fb_mp_future *future, void *context);
int fb_mp_future_call(struct fb_mp_future *future, fb_mp_callback callback, void *context);

/* Frees the handle; the task goes on. NULL is accepted. */
void fb_mp_future_free(struct fb_mp_future *future);

/* ---- several futures ---- */

enum fb_mp_wait_for { FB_MP_FIRST_DONE, FB_MP_FIRST_ERROR, FB_MP_ALL_DONE };

/* Waits, for count futures of one pool, until one is done, until one has failed or all are done,
 * or until all are done. ret_done[i] is set to whether future i is done, *ret_count to how many
 * are, also after a timeout; both may be NULL. 0, -ETIMEDOUT, -EINVAL: they belong to several
 * pools, or -ENOMEM. */
int fb_mp_futures_wait(struct fb_mp_future *const *future, size_t count, enum fb_mp_wait_for until,
                       int64_t timeout_ns, bool *ret_done, size_t *ret_count);

/* Iterates over futures in the order in which they become done. */
struct fb_mp_completion;

/* Begins to iterate over count futures of one pool. The array and the futures must stay until
 * fb_mp_completion_free. 0 and *ret_completion, -EINVAL: they belong to several pools, or
 * -ENOMEM. */
int fb_mp_as_completed(struct fb_mp_future *const *future, size_t count, int64_t timeout_ns,
                       struct fb_mp_completion **ret_completion);

/* Waits for the next one. 0 and its *ret_index, -ENOENT: there are no more, or -ETIMEDOUT with
 * *error (may be NULL; it has the number of unfinished tasks): timeout_ns has passed since
 * fb_mp_as_completed. */
int fb_mp_completion_next(struct fb_mp_completion *completion, size_t *ret_index,
                          struct fb_error *error);
void fb_mp_completion_free(struct fb_mp_completion *completion);

#endif
