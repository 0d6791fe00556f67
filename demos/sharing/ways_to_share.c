/* Sends a number to another process and back: in shared memory, by queues, by a pipe, by a manager. */
#include "demos/lesson/lesson.h"

#include "base/error.h"
#include "harness/mp/channel/connection.h"
#include "harness/mp/manager/manager.h"
#include "harness/mp/manager/object.h"
#include "harness/mp/channel/queue.h"
#include "harness/mp/sync/sync.h"
#include "harness/mp/sync/value.h"

#include <stdio.h>

#define TRIPS 400
#define WARM 20
#define ROUNDS 9

enum { VALUE, QUEUE, PIPE, MANAGER, WAYS };

/* Both processes use these. */
static struct {
    struct fb_mp_array *value; /* asked and answered: semaphores around the value */
    struct fb_mp_semaphore *asked, *answered;
    struct fb_mp_queue *there, *back;
    struct fb_mp_connection *near, *far;
    struct fb_mp_proxy *managed_there, *managed_back;
} shared;

static void by_value(int i)
{
    *(int *)shared.value->items = i;
    fb_mp_semaphore_release(shared.asked);
    fb_mp_semaphore_acquire(shared.answered, FB_MP_FOREVER);
}

static void by_queue(int i)
{
    size_t size;
    fb_mp_queue_put(shared.there, &i, sizeof i, FB_MP_FOREVER);
    fb_mp_queue_get(shared.back, &i, sizeof i, FB_MP_FOREVER, &size);
}

static void by_pipe(int i)
{
    size_t size;
    fb_mp_send(shared.near, &i, sizeof i);
    fb_mp_receive(shared.near, &i, sizeof i, FB_MP_FOREVER, &size);
}

static void by_manager(int i)
{
    struct fb_mp_object back;
    fb_mp_managed_queue_put(shared.managed_there, fb_mp_integer(i), FB_MP_FOREVER);
    fb_mp_managed_queue_get(shared.managed_back, FB_MP_FOREVER, &back);
    fb_mp_object_free(&back);
}

/* The other process: answers each number, WARM + TRIPS times. */
static int answer(const void *argument, size_t size)
{
    struct fb_mp_object object;
    int number;
    for (int i = 0; i < WARM + TRIPS; i++)
        switch (*(const int *)argument) {
        case VALUE:
            fb_mp_semaphore_acquire(shared.asked, FB_MP_FOREVER);
            ++*(int *)shared.value->items;
            fb_mp_semaphore_release(shared.answered);
            break;
        case QUEUE:
            fb_mp_queue_get(shared.there, &number, sizeof number, FB_MP_FOREVER, &size);
            fb_mp_queue_put(shared.back, &number, sizeof number, FB_MP_FOREVER);
            break;
        case PIPE:
            fb_mp_receive(shared.far, &number, sizeof number, FB_MP_FOREVER, &size);
            fb_mp_send(shared.far, &number, sizeof number);
            break;
        default:
            fb_mp_managed_queue_get(shared.managed_there, FB_MP_FOREVER, &object);
            fb_mp_managed_queue_put(shared.managed_back, object, FB_MP_FOREVER);
            fb_mp_object_free(&object);
        }
    return 0;
}

/* The µs of one round trip. */
static double cost(int way)
{
    static void (*const ways[WAYS])(int) = { by_value, by_queue, by_pipe, by_manager };
    lesson_start(answer, &way, sizeof way);
    for (int i = 0; i < WARM; i++) /* afterwards, the other process has started */
        ways[way](i);
    int64_t start = fb_mp_now();
    for (int i = 0; i < TRIPS; i++)
        ways[way](i);
    double us = (double)(fb_mp_now() - start) / 1e3 / TRIPS;
    lesson_join_all();
    return us;
}

static struct fb_mp_manager *set_up(void)
{
    struct fb_mp_manager *manager;
    struct fb_error error;
    lesson_need(fb_mp_manager_start(FB_MP_FORK, &manager, &error), "start a manager");
    lesson_need(fb_mp_managed_queue_make(manager, 0, &shared.managed_there),
                "make a managed queue");
    lesson_need(fb_mp_managed_queue_make(manager, 0, &shared.managed_back), "make a managed queue");
    lesson_need(FB_MP_VALUE(int, false, &shared.value), "make a shared number");
    lesson_need(fb_mp_semaphore_make(0, false, &shared.asked), "make a semaphore");
    lesson_need(fb_mp_semaphore_make(0, false, &shared.answered), "make a semaphore");
    lesson_need(fb_mp_queue_make(16, &shared.there), "make a queue");
    lesson_need(fb_mp_queue_make(16, &shared.back), "make a queue");
    lesson_need(fb_mp_pipe(true, &shared.near, &shared.far), "make a pipe");
    return manager;
}

/* Judges whether other ways take longer. here: their time divided by this way's; note: the name of the same
 * ratio in the Python version. LESSON_DEPENDS: Python and this runtime disagree. */
static void judge(const char *row, const char *says, struct fb_interval here, const char *note,
                  const char *unit)
{
    struct fb_interval python = lesson_python(note);
    enum lesson_verdict verdict = lesson_is_above(here, 1), other = verdict;
    char condition[160] = "", where[80];
    snprintf(where, sizeof where, "%s%s", unit, lesson_is_known(python) ? ", Python" : "");
    if (lesson_is_known(python)) {
        other = lesson_is_above(python, 1);
        snprintf(condition, sizeof condition,
                 "%.2f %s, in Python; in this runtime %.2f [%.2f, %.2f]", python.value, unit,
                 here.value, here.low, here.high);
    }
    lesson_claim(row, says, lesson_is_known(python) ? python : here, where,
                 verdict == other ? verdict : LESSON_DEPENDS, condition[0] ? condition : NULL);
}

static void run(void)
{
    double us[WAYS][ROUNDS], median[WAYS];
    lesson_on_one_cpu(true);
    struct fb_mp_manager *manager = set_up();
    for (int i = 0; i < ROUNDS; i++)
        for (int way = 0; way < WAYS; way++)
            us[way][i] = cost(lesson_is_broken() ? MANAGER : way);
    for (int way = 0; way < WAYS; way++)
        median[way] = fb_median(us[way], ROUNDS);
    lesson_bars("us a round trip", WAYS,
                (const char *const[]){ "a value and two semaphores", "two queues", "a pipe",
                                       "a manager's queues" },
                median);
    struct fb_interval slowest = fb_ratio_interval(us[MANAGER], us[VALUE], ROUNDS);
    lesson_measured(slowest.low > 1.2, "the way through a manager takes longest");
    int next = median[QUEUE] < median[PIPE] ? QUEUE : PIPE; /* the fastest after the value */
    judge("C8", "Value and Array are the fastest way to share",
          fb_ratio_interval(us[next], us[VALUE], ROUNDS), "value",
          "times a value's time, by the next best");
    judge("C7", "Pipe is faster than Queue", fb_ratio_interval(us[QUEUE], us[PIPE], ROUNDS), "pipe",
          "times a pipe's time, by queues");
    fb_mp_array_free(shared.value);
    fb_mp_semaphore_free(shared.asked);
    fb_mp_semaphore_free(shared.answered);
    fb_mp_queue_free(shared.there);
    fb_mp_queue_free(shared.back);
    fb_mp_connection_close(shared.near);
    fb_mp_connection_close(shared.far);
    fb_mp_proxy_close(shared.managed_there);
    fb_mp_proxy_close(shared.managed_back);
    fb_mp_manager_close(manager);
    lesson_on_one_cpu(false);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "ways_to_share",
        .title = "Value, queue, pipe or manager",
        .rows = "M5 M6 M7 M10 C7 C8",
        .question = "A number is sent from one process to another, and an answer back, all on one "
                    "CPU. Which way takes longest?",
        .choices = { "shared memory, with a semaphore each way", "two queues", "a pipe",
                     "a manager" },
        .answer = 'd',
        .explains =
            "In all four ways, the other process has to be woken, and that is most of the time. "
            "Shared memory adds nothing to it; a queue or a pipe copies a message. A manager is a "
            "third process between the two: each put and each get is a request with an answer. In "
            "return, it stores values of any size and shape, for processes that share no memory.",
        .next = "Send 1 MiB instead of a number (big_data). Send a thousand numbers before waiting "
                "for an answer: then waking is no longer most of the time (forkbench overhead, "
                "exchange.message).",
        .breaks = "all four go through the manager.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
