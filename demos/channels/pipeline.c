/* A producer, four consumers that count primes, and a collector that sorts their results. */
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
    struct fb_mp_event *full; /* set when the producer finds the queue full */
    struct fb_mp_array *room; /* the number of tasks that were put before that */
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
    /* In the broken lesson there are no end marks, so the wait has a timeout. */
    int64_t timeout = lesson_is_broken() ? FB_MP_SECOND / 2 : FB_MP_FOREVER;
    int end;
    fb_mp_event_wait(order->full,
                     lesson_is_broken() ? 0 : 30 * FB_MP_SECOND); /* starts late on purpose */
    while ((end = fb_mp_queue_get(order->tasks, &result.task, sizeof result.task, timeout,
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
    lesson_say("%d results, %d primes, %d consumers reported that they had finished", done, primes,
               ends);
    bool ordered = done == TASKS;
    for (int i = 0; i < done; i++)
        ordered &= result[i].task == (i + 1) * STEP;
    lesson_fact(*(int *)order.room->items == ROOM,
                "the producer put 20 tasks and then had to wait for room");
    lesson_fact(ordered && primes == 41062, "50 results in order, 41062 primes in all");
    lesson_fact(ends == CONSUMERS, "each of four consumers reported that it had finished");
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
        .question = "A producer creates tasks faster than four consumers can do them. The queue "
                    "between them has room for 20 tasks. What happens?",
        .choices = { "tasks are dropped", "the producer waits when the queue is full",
                     "the queue grows" },
        .answer = 'b',
        .explains =
            "A bounded queue slows the fast side down to the speed of the slow side, so memory "
            "does not fill up. Results arrive in the order in which they are finished, so each "
            "contains its task, by which the collector sorts. Each consumer reports when it has "
            "finished, so the collector knows when it has all results.",
        .next = "Give the queue room for 1 task, then for 1,000: what becomes slower? Use only one "
                "consumer.",
        .breaks = "the queue has room for all tasks, and there are no end marks.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
