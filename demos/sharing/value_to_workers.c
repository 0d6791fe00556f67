/* A shared value for the workers of a pool: passed at their start, or with each task. */
#include "demos/lesson/lesson.h"

#include "base/error.h"
#include "harness/mp/pool/map.h"
#include "harness/mp/pool/pool.h"
#include "harness/mp/sync/sync.h"
#include "harness/mp/sync/value.h"

static struct fb_mp_array *inherited;

static void add_one(struct fb_mp_array *counter)
{
    fb_mp_lock_acquire(counter->lock, FB_MP_FOREVER);
    ++*(int *)counter->items;
    fb_mp_lock_release(counter->lock);
}

/* Runs in each worker before its first task. */
static int store_value(const void *argument, size_t size)
{
    (void)size;
    inherited = *(struct fb_mp_array *const *)argument;
    return 0;
}

static int add_to_inherited(struct fb_mp_call *call)
{
    (void)call;
    add_one(inherited);
    return 0;
}

static int add_to_given(struct fb_mp_call *call)
{
    add_one(*(struct fb_mp_array *const *)call->bound);
    return 0;
}

static void judge(int added)
{
    const double here = added;
    struct fb_interval python = lesson_python("added");
    bool refused = lesson_is_known(python) && python.value == 0;
    if (refused)
        lesson_say("in Python, as an argument of the tasks: refused with a RuntimeError");
    lesson_claim(
        "C11", "a Value can be given to pool workers through map",
        lesson_is_known(python) ? python : fb_median_interval(&here, 1),
        lesson_is_known(python) ? "added by 4 tasks, Python" : "added by 4 tasks",
        refused && added == 4   ? LESSON_DEPENDS
        : refused || added != 4 ? LESSON_DOES_NOT_HOLD
                                : LESSON_HOLDS,
        refused ? "Python refuses it with a RuntimeError: by inheritance only; in this runtime, "
                  "where shared memory has one address in all processes, a pointer to it works"
                : "in this runtime, where shared memory has one address in all processes, a "
                  "pointer to it works");
}

static void run(void)
{
    FB_MP_POOL_SCOPED(pool) = NULL;
    struct fb_error error;
    struct fb_mp_array *counter, *other;
    lesson_need(FB_MP_VALUE(int, true, &counter), "make a shared number");
    lesson_need(FB_MP_VALUE(int, true, &other), "make a shared number");
    const struct fb_mp_pool_options options = { .workers = 4,
                                                .initializer = store_value,
                                                .argument = lesson_is_broken() ? &other : &counter,
                                                .size = sizeof counter };
    lesson_need(fb_mp_pool_open(&options, &pool, &error), "open a pool");
    lesson_need(fb_mp_map(pool, add_to_inherited, NULL, 4, 0, NULL, 0, NULL, &error), "map");
    int by_inheritance = *(int *)counter->items;
    const struct fb_mp_map_options bound = { .bound = &counter, .bound_size = sizeof counter };
    lesson_need(fb_mp_map(pool, add_to_given, NULL, 4, 0, NULL, 0, &bound, &error), "map");
    int by_argument = *(int *)counter->items - by_inheritance;
    lesson_say("by inheritance: %d; as an argument of the tasks: %d more", by_inheritance,
               by_argument);
    lesson_fact(by_inheritance == 4,
                "four tasks of workers that got the value at their start add 4");
    lesson_fact(by_argument == 4,
                "four tasks that get the value as an argument add 4 more, or are refused");
    judge(by_argument);
    fb_mp_pool_close(pool);
    pool = NULL;
    fb_mp_array_free(counter);
    fb_mp_array_free(other);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "value_to_workers",
        .title = "A value for a pool",
        .rows = "M7 W15 C11",
        .question = "In Python, four workers of a pool shall add 1 to the same shared value. How "
                    "do they get it, if it has to work with every start method?",
        .choices = { "as an argument of map", "when the pool is opened",
                     "as a global variable that was set before" },
        .answer = 'b',
        .explains = "In Python, a Value can't be sent to a worker (RuntimeError: only through "
                    "inheritance), so it is passed to the pool's initializer, which stores it. In "
                    "this runtime, shared memory has the same address in all processes, so a "
                    "pointer to it can be sent, too. A global variable is seen only by workers "
                    "that are forked after it was set.",
        .next = "Let the workers add without the lock. Read the error that the Python version "
                "prints. Set a global variable before the pool is opened, and after.",
        .breaks = "the workers get a different value than the one that is checked.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
