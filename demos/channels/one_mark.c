/* One end mark for four consumers: each puts it back for the next one. */
#include "demos/lesson/lesson.h"

#include "harness/mp/channel/queue.h"
#include "harness/mp/sync/value.h"

#include <errno.h>
#include <sys/types.h>

#define CONSUMERS 4
#define COUNT 100
#define TIMEOUT (500 * FB_MP_MILLISECOND)

struct order {
    struct fb_mp_queue *queue;
    struct fb_mp_array
        *taken; /* items per consumer; consumers that found the mark; sum of items per consumer */
    int number;
    bool puts_back;
};

static int consume(const void *argument, size_t size)
{
    const struct order *order = argument;
    int *taken = order->taken->items, item, result;
    /* The wait times out only in the broken lesson. */
    while ((result = fb_mp_queue_get(order->queue, &item, sizeof item,
                                     order->puts_back ? FB_MP_FOREVER : TIMEOUT, &size)) == 0)
        taken[order->number]++, taken[CONSUMERS + 1 + order->number] += item;
    if (result == -ENODATA && order->puts_back)
        fb_mp_queue_put_end(order->queue, FB_MP_FOREVER);
    if (result == -ENODATA)
        __atomic_fetch_add(&taken[CONSUMERS], 1, __ATOMIC_SEQ_CST);
    return 0;
}

static void run(void)
{
    struct fb_mp_queue *queue;
    struct fb_mp_array *taken;
    lesson_need(fb_mp_queue_make(16, &queue), "make a queue");
    lesson_need(FB_MP_ARRAY(int, 2 * CONSUMERS + 1, false, &taken), "make an array");
    for (int i = 0; i < CONSUMERS; i++)
        lesson_start(consume, &(struct order){ queue, taken, i, !lesson_is_broken() },
                     sizeof(struct order));
    for (int i = 0; i < COUNT; i++)
        lesson_need(fb_mp_queue_put(queue, &i, sizeof i, FB_MP_FOREVER), "put");
    lesson_need(fb_mp_queue_put_end(queue, FB_MP_FOREVER), "put the end mark");
    lesson_join_all();
    const int *count = taken->items;
    lesson_say("taken: %d + %d + %d + %d", count[0], count[1], count[2], count[3]);
    int sum = count[5] + count[6] + count[7] + count[8];
    lesson_fact(count[0] + count[1] + count[2] + count[3] == COUNT && sum == 4950,
                "all 100 items were taken, none twice");
    lesson_fact(count[CONSUMERS] == CONSUMERS, "one end mark ended all four consumers");
    fb_mp_array_free(taken);
    fb_mp_queue_free(queue);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "one_mark",
        .title = "One end mark, put back",
        .rows = "M5",
        .question = "A producer does not know how many consumers there are, and puts a single end "
                    "mark into the queue. How can all consumers end?",
        .choices = { "they can't", "each consumer that takes the mark puts it back before it ends",
                     "the queue copies the mark to all consumers" },
        .answer = 'b',
        .explains =
            "A queue passes each message to one consumer, and that includes the mark. A consumer "
            "that puts it back passes it on to the next. The last consumer leaves it in the queue, "
            "which is then not quite empty. The producer need not know the number of consumers.",
        .next =
            "What happens if an item is put after the mark? What is the queue's size at the end?",
        .breaks = "no consumer puts the mark back; consumers give up after half a second.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
