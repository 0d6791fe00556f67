/* A result that is asked for with a time limit, and a callback that brings it when it is there. */
#include "demos/lesson/lesson.h"

#include "base/error.h"
#include "harness/mp/pool/future.h"
#include "harness/mp/pool/pool.h"
#include "harness/mp/sync/sync.h"

#include <errno.h>

/* Waits to be let go, then answers. */
static int answer(struct fb_mp_call *call)
{
    struct fb_mp_event *go = *(struct fb_mp_event *const *)call->argument;
    const int result = 42;
    fb_mp_event_wait(go, FB_MP_FOREVER);
    return fb_mp_return(call, &result, sizeof result);
}

static void note(struct fb_mp_future *future, void *context)
{
    const void *bytes;
    if (fb_mp_future_result(future, 0, &bytes, NULL, NULL) == 0)
        __atomic_store_n((int *)context, *(const int *)bytes, __ATOMIC_SEQ_CST);
}

static void run(void)
{
    FB_MP_POOL_SCOPED(pool) = NULL;
    struct fb_error error;
    struct fb_mp_event *go;
    struct fb_mp_future *future;
    int noted = 0;
    lesson_need(fb_mp_event_make(&go), "make an event");
    lesson_need(fb_mp_pool_open(&(struct fb_mp_pool_options){ .workers = 1 }, &pool, &error),
                "open a pool");
    if (lesson_is_broken())
        fb_mp_event_set(go);
    lesson_need(fb_mp_submit(pool, answer, &go, sizeof go, NULL, &future), "submit");
    lesson_need(fb_mp_future_call(future, note, &noted), "add a callback");
    const int64_t patience = lesson_is_broken() ? 30 * FB_MP_SECOND : FB_MP_SECOND / 2;
    int early = fb_mp_future_result(future, patience, NULL, NULL, &error);
    lesson_say("After half a second: %s", early == 0 ? "there it is" : error.text);
    fb_mp_event_set(go);
    lesson_need(fb_mp_future_wait(future, FB_MP_FOREVER), "wait for it");
    fb_mp_future_free(future);
    fb_mp_pool_shutdown(pool, false);
    fb_mp_pool_join(pool, FB_MP_FOREVER); /* callbacks have been called then */
    lesson_say("The callback got: %d", noted);
    lesson_fact(early == -ETIMEDOUT,
                "who waits for half a second gets back in time, without a result");
    lesson_fact(noted == 42, "the callback brings it as soon as it is there: 42");
    fb_mp_event_free(go);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "callback_timeout",
        .title = "Callbacks and time limits",
        .rows = "M3",
        .question = "A task takes longer than you are ready to wait. You ask for its result "
                    "with a time limit of half a second. What happens to the task when that is "
                    "over?",
        .choices = { "it is ended", "nothing: it goes on, and its result can still be had",
                     "it is started again" },
        .answer = 'b',
        .explains = "The time limit is the waiter's, not the task's: waiting ends, the task "
                    "goes on. A callback turns it round: nobody waits, and the pool calls when "
                    "the result is there, on a thread of its own. So a callback should be short "
                    "and not wait for anything.",
        .next = "Give the task itself a limit (fb_mp_task_options.limit_ns): then it is "
                "ended. In Python there is no such thing; what could one do?",
        .breaks = "the task is let go before anybody waits for it.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
