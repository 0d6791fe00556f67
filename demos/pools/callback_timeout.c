/* Waiting for a result with a time limit, and a callback that is called with the result. */
#include "demos/lesson/lesson.h"

#include "base/error.h"
#include "harness/mp/pool/future.h"
#include "harness/mp/pool/pool.h"
#include "harness/mp/sync/sync.h"

#include <errno.h>

/* Waits for the event, then returns the answer. */
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
    const int64_t limit = lesson_is_broken() ? 30 * FB_MP_SECOND : FB_MP_SECOND / 2;
    int early = fb_mp_future_result(future, limit, NULL, NULL, &error);
    lesson_say("After half a second: %s", early == 0 ? "it is there" : error.text);
    fb_mp_event_set(go);
    lesson_need(fb_mp_future_wait(future, FB_MP_FOREVER), "wait for it");
    fb_mp_future_free(future);
    fb_mp_pool_shutdown(pool, false);
    fb_mp_pool_join(pool, FB_MP_FOREVER); /* afterwards all callbacks have been called */
    lesson_say("The callback got: %d", noted);
    lesson_fact(early == -ETIMEDOUT,
                "waiting with a limit of half a second ends in time, without a result");
    lesson_fact(noted == 42, "the callback is called with the result: 42");
    fb_mp_event_free(go);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "callback_timeout",
        .title = "Callbacks and time limits",
        .rows = "M3",
        .question = "A task takes longer than you want to wait. You wait for its result with "
                    "a time limit of half a second. What happens to the task at the end of "
                    "that time?",
        .choices = { "it is ended", "nothing: it continues, and its result is not lost",
                     "it is started again" },
        .answer = 'b',
        .explains = "The time limit belongs to the waiting, not to the task: the waiting "
                    "ends, the task continues. With a callback nobody has to wait: when the "
                    "result is there, the pool calls the function, in a thread of the pool. "
                    "So a callback should be short and must not wait.",
        .next = "Give the task itself a limit (fb_mp_task_options.limit_ns): then it is "
                "ended. Python has nothing like it; what could you do there?",
        .breaks = "the task may finish before the waiting begins.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
