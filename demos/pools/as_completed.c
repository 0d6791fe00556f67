/* Two tasks: the second is done first, so its result is received first. */
#include "demos/lesson/lesson.h"

#include "base/error.h"
#include "harness/mp/pool/future.h"
#include "harness/mp/pool/pool.h"
#include "harness/mp/sync/sync.h"

struct order {
    struct fb_mp_event *after; /* the event to wait for, or NULL */
};

static int work(struct fb_mp_call *call)
{
    const struct order *order = call->argument;
    if (order->after)
        fb_mp_event_wait(order->after, FB_MP_FOREVER);
    return 0;
}

static void run(void)
{
    FB_MP_POOL_SCOPED(pool) = NULL;
    struct fb_error error;
    struct fb_mp_event *go;
    struct fb_mp_future *future[2];
    struct fb_mp_completion *completion;
    size_t first, second;
    lesson_need(fb_mp_event_make(&go), "make an event");
    lesson_need(fb_mp_pool_open(&(struct fb_mp_pool_options){ .workers = 2 }, &pool, &error),
                "open a pool");
    size_t slow = lesson_is_broken() ? 1 : 0;
    for (size_t i = 0; i < 2; i++) {
        struct order order = { i == slow ? go : NULL };
        lesson_need(fb_mp_submit(pool, work, &order, sizeof order, NULL, &future[i]), "submit");
    }
    lesson_need(fb_mp_as_completed(future, 2, FB_MP_FOREVER, &completion), "wait for them");
    lesson_need(fb_mp_completion_next(completion, &first, &error), "get the first");
    fb_mp_event_set(go); /* only now may the slow task continue */
    lesson_need(fb_mp_completion_next(completion, &second, &error), "get the second");
    lesson_say("submitted: task 0, task 1; completed: task %zu, task %zu", first, second);
    lesson_fact(first == 1 && second == 0,
                "as completed: the result that is ready first is received first");
    fb_mp_completion_free(completion);
    for (size_t i = 0; i < 2; i++)
        fb_mp_future_free(future[i]);
    fb_mp_event_free(go);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "as_completed",
        .title = "As they are completed",
        .rows = "M4 W7",
        .question = "Task 0 is submitted before task 1 and takes longer. You loop over the "
                    "results as completed. Which result is first?",
        .choices = { "task 0: it was submitted first", "task 1: it is done first", "both at once" },
        .answer = 'b',
        .explains = "map returns results in the order of the items, so you wait for the "
                    "slowest of those before; as completed returns each result when it is "
                    "ready, so that you can continue with it. To know which task it belongs "
                    "to, look at the future.",
        .next = "Use it for downloads of different sizes, and show each when it is "
                "complete. When do you want the order of map?",
        .breaks = "the second task is delayed, not the first.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
