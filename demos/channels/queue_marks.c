/* A producer and three consumers. An end mark for each consumer says that no more messages will come. */
#include "demos/lesson/lesson.h"

#include "harness/mp/channel/queue.h"
#include "harness/mp/sync/value.h"

#include <errno.h>

#define CONSUMERS 3
#define COUNT 1000

struct order {
    struct fb_mp_queue *queue;
    struct fb_mp_array *taken; /* how often each number was taken; then the number of marks */
};

static int consume(const void *argument, size_t size)
{
    const struct order *order = argument;
    int *taken = order->taken->items, number, result;
    size_t got;
    (void)size;
    /* Broken: without a timeout, consumers would wait for a mark for ever. */
    int64_t patience = lesson_is_broken() ? FB_MP_SECOND / 2 : FB_MP_FOREVER;
    while ((result = fb_mp_queue_get(order->queue, &number, sizeof number, patience, &got)) == 0)
        taken[number]++; /* no other consumer has this number */
    __atomic_fetch_add(&taken[COUNT], result == -ENODATA, __ATOMIC_SEQ_CST);
    return 0;
}

static void run(void)
{
    struct order order;
    int once = 0;
    lesson_need(fb_mp_queue_make(64, &order.queue), "make a queue");
    lesson_need(FB_MP_ARRAY(int, COUNT + 1, false, &order.taken), "make an array");
    for (int i = 0; i < CONSUMERS; i++)
        lesson_start(consume, &order, sizeof order);
    for (int i = 0; i < COUNT; i++)
        lesson_need(fb_mp_queue_put(order.queue, &i, sizeof i, FB_MP_FOREVER), "put");
    for (int i = 0; i < (lesson_is_broken() ? 1 : CONSUMERS); i++)
        lesson_need(fb_mp_queue_put_end(order.queue, FB_MP_FOREVER), "put an end mark");
    lesson_join_all(); /* returns when each consumer has found its mark */
    for (int i = 0; i < COUNT; i++)
        once += ((const int *)order.taken->items)[i] == 1;
    lesson_say("%d numbers were put, %d were taken once; %d of %d consumers found a mark.", COUNT,
               once, ((const int *)order.taken->items)[COUNT], CONSUMERS);
    lesson_fact(once == COUNT,
                "each of 1000 numbers was taken exactly once, by one of three consumers");
    lesson_fact(((const int *)order.taken->items)[COUNT] == CONSUMERS,
                "each consumer found its own end mark");
    fb_mp_array_free(order.taken);
    fb_mp_queue_free(order.queue);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "queue_marks",
        .title = "A queue, and how it ends",
        .rows = "M5 W6 W8",
        .question = "One producer, three consumers, one queue. The producer has finished. How many "
                    "end marks must it put into the queue so that all consumers end?",
        .choices = { "one", "three", "none: an empty queue is enough" },
        .answer = 'b',
        .explains = "An empty queue means only that there is nothing in it now. Only the producer "
                    "knows that nothing more will come, so it puts end marks. A consumer that "
                    "takes a mark ends, so each consumer needs its own. A queue passes each "
                    "message to exactly one consumer: none is lost, and none is delivered twice.",
        .next = "Put the marks before the last numbers: what happens to those numbers? With only "
                "one mark, two consumers wait for ever: the lesson one_mark shows a remedy.",
        .breaks = "there is one end mark for all; consumers give up after half a second.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
