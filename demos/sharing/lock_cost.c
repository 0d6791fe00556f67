/* What a lock costs that nobody else wants, and one that two processes fight for. */
#include "demos/lesson/lesson.h"

#include "harness/mp/sync/sync.h"
#include "harness/mp/sync/value.h"

#include <sched.h>

#define TIMES 20000
#define ROUNDS 15

struct order {
    struct fb_mp_lock *lock;
    struct fb_mp_array *there; /* how many have come; then ns of each */
    int number, all;
};

/* Begins when all are there. */
static int take_and_release(const void *argument, size_t size)
{
    const struct order *order = argument;
    int64_t *there = order->there->items;
    (void)size;
    __atomic_fetch_add(there, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(there, __ATOMIC_SEQ_CST) < order->all)
        sched_yield();
    int64_t start = fb_mp_now();
    for (int i = 0; i < TIMES; i++) {
        fb_mp_lock_acquire(order->lock, FB_MP_FOREVER);
        fb_mp_lock_release(order->lock);
    }
    there[1 + order->number] = fb_mp_now() - start;
    return 0;
}

/* ns to take and release it once, while so many do it. */
static double cost(struct fb_mp_lock *lock, struct fb_mp_array *there, int processes)
{
    int64_t *items = there->items, sum = 0;
    items[0] = 0;
    for (int i = 0; i < processes; i++)
        lesson_start(take_and_release, &(struct order){ lock, there, i, processes },
                     sizeof(struct order));
    lesson_join_all();
    for (int i = 0; i < processes; i++)
        sum += items[1 + i];
    return (double)sum / processes / TIMES;
}

static void run(void)
{
    struct fb_mp_lock *lock;
    struct fb_mp_array *there;
    double alone[ROUNDS], fought[ROUNDS];
    lesson_need(fb_mp_lock_make(false, &lock), "make a lock");
    lesson_need(FB_MP_ARRAY(int64_t, 3, false, &there), "make an array");
    for (int i = 0; i < ROUNDS; i++) {
        alone[i] = cost(lock, there, 1);
        fought[i] = cost(lock, there, lesson_is_broken() ? 1 : 2);
    }
    lesson_bars("ns", 2, (const char *const[]){ "one process", "two processes" },
                (const double[]){ fb_median(alone, ROUNDS), fb_median(fought, ROUNDS) });
    struct fb_interval ratio = fb_ratio_interval(fought, alone, ROUNDS);
    lesson_measured(
        ratio.low > 1.2,
        "a lock that two fight for costs each of them more than one that nobody else wants");
    fb_mp_array_free(there);
    fb_mp_lock_free(lock);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "lock_cost",
        .title = "The lock, and what it costs",
        .rows = "M8 W15",
        .question = "A process takes a lock and releases it, again and again; nobody else wants "
                    "it. Then a second process does the same with the same lock. How does the "
                    "time for one turn change?",
        .choices = { "not at all", "it grows", "it halves: there are two of them" },
        .answer = 'b',
        .explains = "A lock that is free takes some tens of nanoseconds and no system call. "
                    "When two want it at the same time, one has to wait, the memory that the "
                    "lock lies in travels between their CPUs, and perhaps one sleeps and must "
                    "be woken. So take locks rarely, hold them briefly, and share little.",
        .next = "Count in a variable of your own and add it to the shared one every 1,000 "
                "times. What does a semaphore cost?",
        .breaks = "the \"two processes\" are one.",
        .cpus = 2,
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
