/* The error of a failed task reaches the process that waits for it; other tasks continue. */
#include "demos/lesson/lesson.h"

#include "base/error.h"
#include "harness/mp/pool/future.h"
#include "harness/mp/pool/map.h"
#include "harness/mp/pool/pool.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define COUNT 4

/* With --break it hides the error. */
static int take_root(struct fb_mp_call *call)
{
    double number = *(const double *)call->argument, root = number < 0 ? 0 : sqrt(number);
    if (number < 0 && !lesson_is_broken())
        return fb_error_set(&call->error, -EDOM, "no square root of %g", number);
    return fb_mp_return(call, &root, sizeof root);
}

/* Shows the error of one task. */
static void submit_one(struct fb_mp_pool *pool)
{
    const double number = -4;
    struct fb_mp_future *future;
    struct fb_error error = { 0 };
    lesson_need(fb_mp_submit(pool, take_root, &number, sizeof number, NULL, &future), "submit");
    int result = fb_mp_future_result(future, FB_MP_FOREVER, NULL, NULL, &error);
    lesson_say("one task: %s", result < 0 ? error.text : "no error");
    lesson_fact(result == -EDOM && strcmp(error.text, "no square root of -4") == 0,
                "the error reaches the process that waits: no square root of -4");
    fb_mp_future_free(future);
}

/* Shows the error of a map in the background: the first one, after all items are done. */
static void map_several(struct fb_mp_pool *pool)
{
    const double number[COUNT] = { 1, -4, 9, 16 };
    double root[COUNT] = { 0 };
    struct fb_mp_map *map;
    struct fb_error error = { 0 };
    lesson_need(fb_mp_map_async(pool, take_root, number, COUNT, sizeof *number, root, sizeof *root,
                                &(struct fb_mp_map_options){ .chunk = 1 }, &map),
                "map");
    int result = fb_mp_map_result(map, FB_MP_FOREVER, &error);
    lesson_say("a map: %s", result < 0 ? error.text : "no error");
    lesson_say("its other results: %g %g %g", root[0], root[2], root[3]);
    lesson_fact(result == -EDOM && strstr(error.text, "no square root of -4"),
                "a map with one bad item fails with the error of that item");
    fb_mp_map_free(map);
}

static void run(void)
{
    FB_MP_POOL_SCOPED(pool) = NULL;
    struct fb_error error = { 0 };
    lesson_need(fb_mp_pool_open(&(struct fb_mp_pool_options){ .workers = 2 }, &pool, &error),
                "open a pool");
    submit_one(pool);
    map_several(pool);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "task_error",
        .title = "A task that fails",
        .rows = "M3 M11",
        .question = "A task in a worker, which is another process, has to take the square "
                    "root of -4 and can't. What does the process see that waits for the "
                    "result?",
        .choices = { "nothing: it happened in another process", "the error, with its text",
                     "the worker is dead" },
        .answer = 'b',
        .explains = "An error is a result like any other: its number and its text are sent to "
                    "the process that waits for this task, and the worker takes the next "
                    "task. You wait for a map as a whole, so it fails as a whole. If a task "
                    "hides its error, as with --break, nobody notices it.",
        .next = "The other results of this map are still available. In Python they are "
                "not, so use imap there, which continues with the next one.",
        .breaks = "the task hides its error and returns 0.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
