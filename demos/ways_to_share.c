/* One number handed from process to process: in shared memory, by a queue, by a pipe, by a manager. */
#include "lesson.h"

#include "base/error.h"
#include "harness/mp/connection.h"
#include "harness/mp/manager.h"
#include "harness/mp/object.h"
#include "harness/mp/queue.h"
#include "harness/mp/sync.h"
#include "harness/mp/value.h"

#define TIMES 1000
#define ROUNDS 9

static struct fb_mp_array *value;
static struct fb_mp_queue *queue;
static struct fb_mp_connection *here, *there;
static struct fb_mp_proxy *managed;

static void by_value(int i)
{
    fb_mp_lock_acquire(value->lock, FB_MP_FOREVER);
    *(int *)value->items = i;
    fb_mp_lock_release(value->lock);
}

static void by_queue(int i)
{
    size_t size;
    fb_mp_queue_put(queue, &i, sizeof i, FB_MP_FOREVER);
    fb_mp_queue_get(queue, &i, sizeof i, FB_MP_FOREVER, &size);
}

static void by_pipe(int i)
{
    size_t size;
    fb_mp_send(here, &i, sizeof i);
    fb_mp_receive(there, &i, sizeof i, FB_MP_FOREVER, &size);
}

static void by_manager(int i)
{
    fb_mp_managed_value_set(managed, fb_mp_integer(i));
}

/* us each time. */
static double cost(void (*way)(int i))
{
    int64_t start = fb_mp_now();
    for (int i = 0; i < TIMES; i++)
        way(i);
    return (double)(fb_mp_now() - start) / 1e3 / TIMES;
}

static void run(void)
{
    enum { VALUE, QUEUE, PIPE, MANAGER, WAYS };
    static void (*const ways[WAYS])(int) = { by_value, by_queue, by_pipe, by_manager };
    struct fb_mp_manager *manager;
    struct fb_error error;
    double us[WAYS][ROUNDS], median[WAYS];
    lesson_need(fb_mp_manager_start(FB_MP_FORK, &manager, &error), "start a manager");
    lesson_need(fb_mp_managed_value_make(manager, fb_mp_integer(0), &managed),
                "make a managed value");
    lesson_need(FB_MP_VALUE(int, true, &value), "make a shared number");
    lesson_need(fb_mp_queue_make(16, &queue), "make a queue");
    lesson_need(fb_mp_pipe(true, &here, &there), "make a pipe");
    for (int i = 0; i < ROUNDS; i++)
        for (int way = 0; way < WAYS; way++)
            us[way][i] = cost(lesson_is_broken() ? by_manager : ways[way]);
    for (int way = 0; way < WAYS; way++)
        median[way] = fb_median(us[way], ROUNDS);
    lesson_bars("us", WAYS,
                (const char *const[]){ "a value and its lock", "a message by a queue",
                                       "a message by a pipe", "a manager's value" },
                median);
    struct fb_interval ratio = fb_ratio_interval(us[QUEUE], us[VALUE], ROUNDS);
    struct fb_interval slowest = fb_ratio_interval(us[MANAGER], us[VALUE], ROUNDS);
    lesson_fact(slowest.low > 3, "a manager costs many times what a value in shared memory costs");
    lesson_claim("C8", "Value and Array are the fastest way to share", ratio,
                 "times a value's time, by a queue", lesson_is_above(ratio, 1), NULL);
    struct fb_interval pipe = fb_ratio_interval(us[QUEUE], us[PIPE], ROUNDS);
    enum lesson_verdict faster = lesson_is_above(pipe, 1);
    lesson_claim("C7", "Pipe is faster than Queue", pipe, "times a pipe's time, by a queue", faster,
                 faster == LESSON_DOES_NOT_HOLD
                     ? "here the queue lies in shared memory and needs no system call; "
                       "Python's queue is a pipe with locks and a thread"
                     : NULL);
    fb_mp_array_free(value);
    fb_mp_queue_free(queue);
    fb_mp_connection_close(here);
    fb_mp_connection_close(there);
    fb_mp_proxy_close(managed);
    fb_mp_manager_close(manager);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "ways_to_share",
        .title = "Value, queue, pipe or manager",
        .rows = "M5 M6 M7 M10 C7 C8",
        .question = "A number has to get from one process to another. Which way is the slowest?",
        .choices = { "a value in shared memory, with its lock", "a queue", "a manager" },
        .answer = 'c',
        .explains = "A value is written where all can see it. A queue or a pipe copies a "
                    "message, and has to tell that it is there. A manager is asked by a "
                    "message, does it, and answers by another, and two processes have to be "
                    "woken. What it can do for that: values of any size and shape, for "
                    "processes that share no memory.",
        .next = "Take 1 MiB instead of a number (big_data). Let two processes do it at the "
                "same time.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
