/* A producer, three consumers, and how these know that nothing more will come: an end mark for each. */
#include "demos/lesson/lesson.h"

#include "harness/mp/channel/queue.h"
#include "harness/mp/sync/value.h"

#include <errno.h>

#define CONSUMERS 3
#define COUNT 1000

struct order {
    struct fb_mp_queue *queue;
    struct fb_mp_array *taken; /* an int for each number that was put, then one for marks */
};

static int consume(const void *argument, size_t size)
{
    const struct order *order = argument;
    int *taken = order->taken->items, number, result;
    size_t got;
    (void)size;
    /* Broken, one would wait for a mark for ever. */
    int64_t patience = lesson_is_broken() ? FB_MP_SECOND / 2 : FB_MP_FOREVER;
    while ((result = fb_mp_queue_get(order->queue, &number, sizeof number, patience, &got)) == 0)
        taken[number]++; /* it alone has this number */
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
    lesson_join_all(); /* returns: each has found its mark */
    for (int i = 0; i < COUNT; i++)
        once += ((const int *)order.taken->items)[i] == 1;
    lesson_say("%d numbers were put, %d were taken once; %d of %d consumers found a mark.", COUNT,
               once, ((const int *)order.taken->items)[COUNT], CONSUMERS);
    lesson_fact(once == COUNT, "each of 1000 numbers was taken once, by one of three consumers");
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
        .question = "One producer, three consumers, one queue. The producer is done. How many end "
                    "marks must "
                    "it put, so that all consumers end?",
        .choices = { "one", "three", "none: an empty queue says enough" },
        .answer = 'b',
        .explains =
            "An empty queue says only that nothing is there now. Only the producer knows that "
            "nothing more will come, so it says so; and as whoever takes a mark ends, there is "
            "one for each. A queue hands each message to one consumer: none is lost, none comes "
            "twice.",
        .next =
            "Put the marks before the last numbers: what happens to these? With one mark only two "
            "consumers wait for ever: see one_mark for what helps.",
        .breaks = "one end mark is put for all; consumers give up after half a second.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
