/* Two processes each increment their own number: side by side in memory, and far apart. */
#include "demos/lesson/lesson.h"

#include "harness/mp/sync/value.h"

#include <sched.h>

#define TIMES 200000
#define ROUNDS 21
#define FAR 32 /* numbers of 8 bytes: 256 bytes */

struct order {
    struct fb_mp_array
        *numbers; /* first the processes that have started; far behind, their numbers */
    int index;
};

static int count(const void *argument, size_t size)
{
    const struct order *order = argument;
    int64_t *started = order->numbers->items;
    volatile int64_t *mine = started + order->index;
    (void)size;
    __atomic_fetch_add(started, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(started, __ATOMIC_SEQ_CST) < 2)
        sched_yield();
    int64_t start = fb_mp_now();
    for (int i = 0; i < TIMES; i++)
        __atomic_fetch_add(mine, 1, __ATOMIC_RELAXED);
    *mine = fb_mp_now() - start;
    return 0;
}

/* The ns of one step, with the two numbers at these indexes. */
static double cost(struct fb_mp_array *numbers, int left, int right)
{
    int64_t *items = numbers->items;
    items[0] = items[left] = items[right] = 0;
    lesson_start(count, &(struct order){ numbers, left }, sizeof(struct order));
    lesson_start(count, &(struct order){ numbers, right }, sizeof(struct order));
    lesson_join_all();
    return (double)(items[left] + items[right]) / 2 / TIMES;
}

static void run(void)
{
    struct fb_mp_array *numbers;
    double near[ROUNDS], apart[ROUNDS];
    lesson_need(FB_MP_ARRAY(int64_t, 4 * FAR, false, &numbers), "make an array");
    for (int i = 0; i < ROUNDS; i++) {
        near[i] = cost(numbers, FAR, lesson_is_broken() ? 2 * FAR : FAR + 1);
        apart[i] = cost(numbers, FAR, 2 * FAR);
    }
    lesson_bars("ns a step", 2, (const char *const[]){ "side by side", "256 bytes apart" },
                (const double[]){ fb_median(near, ROUNDS), fb_median(apart, ROUNDS) });
    struct fb_interval ratio = fb_ratio_interval(near, apart, ROUNDS);
    lesson_say("side by side, a step takes %.2g times as long [%.2g, %.2g]", ratio.value, ratio.low,
               ratio.high);
    lesson_measured(ratio.low > 1.1, "two processes that write to the same cache line slow each "
                                     "other down, even if they share no number");
    fb_mp_array_free(numbers);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "false_sharing",
        .title = "False sharing",
        .rows = "M7",
        .question = "Two processes each increment their own number in shared memory; neither uses "
                    "the other's. Does it matter where the two numbers are?",
        .choices = { "no: they share nothing", "yes: side by side is slower",
                     "yes: side by side is faster" },
        .answer = 'b',
        .explains = "CPUs exchange memory in cache lines, usually of 64 bytes. If two numbers are "
                    "in the same line, the line moves from CPU to CPU at every step, although "
                    "neither process uses the other's number. So put data that different workers "
                    "write into different cache lines.",
        .next = "Try 8, 32, 64 and 128 bytes: from which distance on is it fast? Where are the "
                "counters of your own programs?",
        .breaks = "the two \"side by side\" are 256 bytes apart, too.",
        .cpus = 2,
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
