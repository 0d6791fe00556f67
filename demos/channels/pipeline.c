/* A producer, four consumers that count primes, and results that are put in order again. */
#include "demos/lesson/lesson.h"

#include "harness/mp/channel/queue.h"
#include "harness/mp/sync/sync.h"
#include "harness/mp/sync/value.h"

#include <errno.h>
#include <stdlib.h>

#define TASKS 50
#define ROOM 20
#define CONSUMERS 4
#define STEP 10000

struct order {
    struct fb_mp_queue *tasks, *results;
    struct fb_mp_event *full; /* the producer had to wait */
    struct fb_mp_array *room; /* how many it could put before */
};

struct result {
    int task, count;
};

static bool is_prime(int n)
{
    if (n < 4 || n % 2 == 0)
        return n == 2 || n == 3;
    for (int divisor = 3; divisor * divisor <= n; divisor += 2)
        if (n % divisor == 0)
            return false;
    return true;
}

static int produce(const void *argument, size_t size)
{
    const struct order *order = argument;
    (void)size;
    for (int i = 1; i <= TASKS; i++) {
        int task = i * STEP;
        if (fb_mp_queue_put(order->tasks, &task, sizeof task, 0) == 0)
            continue;
        if (!fb_mp_event_is_set(order->full))
            *(int *)order->room->items = i - 1;
        fb_mp_event_set(order->full);
        fb_mp_queue_put(order->tasks, &task, sizeof task, FB_MP_FOREVER); /* waits for room */
    }
    for (int i = 0; i < (lesson_is_broken() ? 0 : CONSUMERS); i++)
        fb_mp_queue_put_end(order->tasks, FB_MP_FOREVER);
    return 0;
}

static int consume(const void *argument, size_t size)
{
    const struct order *order = argument;
    struct result result;
    /* Nobody tells it to end in the broken lesson: then it waits for a while only. */
    int64_t patience = lesson_is_broken() ? FB_MP_SECOND / 2 : FB_MP_FOREVER;
    int end;
    fb_mp_event_wait(order->full, lesson_is_broken() ? 0 : 30 * FB_MP_SECOND); /* slow to begin */
    while ((end = fb_mp_queue_get(order->tasks, &result.task, sizeof result.task, patience,
                                  &size)) == 0) {
        result.count = 0;
        for (int n = result.task; n < result.task + STEP; n++)
            result.count += is_prime(n);
        fb_mp_queue_put(order->results, &result, sizeof result, FB_MP_FOREVER);
    }
    return end == -ENODATA ? fb_mp_queue_put_end(order->results, FB_MP_FOREVER) : 1;
}

static int by_task(const void *left, const void *right)
{
    return ((const struct result *)left)->task - ((const struct result *)right)->task;
}

static void run(void)
{
    struct order order;
    struct result result[TASKS + 1];
    int done = 0, ends = 0, primes = 0, got;
    size_t size;
    lesson_need(fb_mp_queue_make(lesson_is_broken() ? TASKS : ROOM, &order.tasks), "make a queue");
    lesson_need(fb_mp_event_make(&order.full), "make an event");
    lesson_need(FB_MP_VALUE(int, false, &order.room), "make a shared number");
    lesson_need(fb_mp_queue_make(TASKS + CONSUMERS, &order.results), "make a queue");
    lesson_start(produce, &order, sizeof order);
    for (int i = 0; i < CONSUMERS; i++)
        lesson_start(consume, &order, sizeof order);
    while (ends < CONSUMERS && done < TASKS + 1) {
        got = fb_mp_queue_get(order.results, &result[done], sizeof *result,
                              (lesson_is_broken() ? 1 : 30) * FB_MP_SECOND, &size);
        if (got < 0 && got != -ENODATA)
            break;
        done += got == 0;
        ends += got == -ENODATA;
    }
    lesson_join_all();
    qsort(result, (size_t)done, sizeof *result, by_task);
    for (int i = 0; i < done; i++)
        primes += result[i].count;
    lesson_say("%d results, %d primes, %d consumers said that they are done", done, primes, ends);
    bool ordered = done == TASKS;
    for (int i = 0; i < done; i++)
        ordered &= result[i].task == (i + 1) * STEP;
    lesson_fact(*(int *)order.room->items == ROOM,
                "the producer put 20 tasks, and then had to wait for room");
    lesson_fact(ordered && primes == 41062, "50 results in order, 41062 primes in all");
    lesson_fact(ends == CONSUMERS, "each of four consumers says that it is done");
    fb_mp_event_free(order.full);
    fb_mp_array_free(order.room);
    fb_mp_queue_free(order.tasks);
    fb_mp_queue_free(order.results);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "pipeline",
        .title = "A pipeline",
        .rows = "W4 M5",
        .question = "A producer makes tasks faster than four consumers can do them. The queue "
                    "between them has room for 20. What happens?",
        .choices = { "tasks are thrown away", "the producer waits when the queue is full",
                     "the queue grows" },
        .answer = 'b',
        .explains = "A bounded queue slows the fast side down to the speed of the slow one, and "
                    "no memory fills up. The results come as they are done, so each carries its "
                    "task, to be sorted by; and as each consumer says when it is done, the "
                    "collector knows when that was all.",
        .next = "Make the queue 1 long, then 1,000: what becomes slower? Use one consumer "
                "only.",
        .breaks = "the queue has no end: there is always room, and no end marks are put.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
