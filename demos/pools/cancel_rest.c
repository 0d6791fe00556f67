/* Waiting for the first of several tasks, and cancelling those that have not begun. */
#include "demos/lesson/lesson.h"

#include "base/error.h"
#include "harness/mp/pool/future.h"
#include "harness/mp/pool/pool.h"
#include "harness/mp/sync/sync.h"

#include <errno.h>

#define TASKS 8

struct order {
    struct fb_mp_semaphore *begun;
    struct fb_mp_event *go; /* to wait for, or NULL */
};

static int work(struct fb_mp_call *call)
{
    const struct order *order = call->argument;
    if (!order->go)
        return 0;
    fb_mp_semaphore_release(order->begun);
    fb_mp_event_wait(order->go, 30 * FB_MP_SECOND);
    return 0;
}

static void submit_all(struct fb_mp_pool *pool, struct order order,
                       struct fb_mp_future **ret_future)
{
    struct fb_mp_event *go = order.go;
    for (int i = 0; i < TASKS; i++) {
        order.go = i == 0 ? NULL : go;
        lesson_need(fb_mp_submit(pool, work, &order, sizeof order, NULL, &ret_future[i]), "submit");
    }
}

static void run(void)
{
    FB_MP_POOL_SCOPED(pool) = NULL;
    struct fb_error error;
    struct order order;
    struct fb_mp_future *future[TASKS];
    size_t done;
    /* One worker; with --break, one for each task, so that all have begun. */
    const struct fb_mp_pool_options options = { .workers = lesson_is_broken() ? TASKS : 1 };
    lesson_need(fb_mp_event_make(&order.go), "make an event");
    lesson_need(fb_mp_semaphore_make(0, false, &order.begun), "make a semaphore");
    lesson_need(fb_mp_pool_open(&options, &pool, &error), "open a pool");
    submit_all(pool, order, future);
    lesson_need(fb_mp_futures_wait(future, TASKS, FB_MP_FIRST_DONE, FB_MP_FOREVER, NULL, &done),
                "wait for the first");
    for (int i = lesson_is_broken() ? 1 : TASKS - 1; i < TASKS; i++)
        lesson_need(fb_mp_semaphore_acquire(order.begun, 30 * FB_MP_SECOND),
                    "wait for a task to begin"); /* the second task, or all of them */
    int second = fb_mp_future_cancel(future[1], false);
    int last = fb_mp_future_cancel(future[TASKS - 1], false);
    lesson_say("done after waiting for the first: %zu of %d", done, TASKS);
    lesson_say("the second, which is running: %s; the last: %s",
               second == 0 ? "cancelled" : "can't be cancelled",
               last == 0 ? "cancelled" : "can't be cancelled");
    fb_mp_event_set(order.go);
    lesson_need(fb_mp_futures_wait(future, TASKS, FB_MP_ALL_DONE, FB_MP_FOREVER, NULL, NULL),
                "wait for all");
    lesson_fact(done == 1, "waiting for the first of eight tasks ends when one is done");
    lesson_fact(second == -EBUSY && last == 0,
                "a task that has not begun can be cancelled, a running one can't");
    for (int i = 0; i < TASKS; i++)
        fb_mp_future_free(future[i]);
    fb_mp_event_free(order.go);
    fb_mp_semaphore_free(order.begun);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "cancel_rest",
        .title = "The first is enough",
        .rows = "M4",
        .question = "Eight tasks search for the same thing, one worker does them, and the "
                    "first result is enough. What can you do about the other seven?",
        .choices = { "nothing: they were submitted", "all can be cancelled",
                     "those that have not begun can be cancelled" },
        .answer = 'c',
        .explains = "You can wait for several futures together: until the first is done, "
                    "until one has failed, or until all are done. Cancelling removes a task "
                    "from the queue; a task that has begun is left to finish. Python's "
                    "ProcessPoolExecutor counts a task or two after the running one as begun. "
                    "(Here you can also end a running task, together with its worker.)",
        .next = "fb_mp_future_cancel(future[1], true) ends the running one. Wait for the "
                "first error instead of the first result.",
        .breaks = "there is a worker for each task, so all tasks have begun.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
