/* The cost of a lock that one process uses, and of a lock that two processes compete for. */
#include "demos/lesson/lesson.h"

#include "harness/mp/sync/sync.h"
#include "harness/mp/sync/value.h"

#include <sched.h>

#define TIMES 20000
#define ROUNDS 15

struct order {
    struct fb_mp_lock *lock;
    struct fb_mp_array *shared; /* how many processes have started; then the ns of each */
    int number, all;
};

/* Begins when all processes have started. */
static int acquire_and_release(const void *argument, size_t size)
{
    const struct order *order = argument;
    int64_t *shared = order->shared->items;
    (void)size;
    __atomic_fetch_add(shared, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(shared, __ATOMIC_SEQ_CST) < order->all)
        sched_yield();
    int64_t start = fb_mp_now();
    for (int i = 0; i < TIMES; i++) {
        fb_mp_lock_acquire(order->lock, FB_MP_FOREVER);
        fb_mp_lock_release(order->lock);
    }
    shared[1 + order->number] = fb_mp_now() - start;
    return 0;
}

/* The ns to acquire and release the lock once, while that many processes do it. */
static double cost(struct fb_mp_lock *lock, struct fb_mp_array *shared, int processes)
{
    int64_t *items = shared->items, sum = 0;
    items[0] = 0;
    for (int i = 0; i < processes; i++)
        lesson_start(acquire_and_release, &(struct order){ lock, shared, i, processes },
                     sizeof(struct order));
    lesson_join_all();
    for (int i = 0; i < processes; i++)
        sum += items[1 + i];
    return (double)sum / processes / TIMES;
}

static void run(void)
{
    struct fb_mp_lock *lock;
    struct fb_mp_array *shared;
    double alone[ROUNDS], contended[ROUNDS];
    lesson_need(fb_mp_lock_make(false, &lock), "make a lock");
    lesson_need(FB_MP_ARRAY(int64_t, 3, false, &shared), "make an array");
    for (int i = 0; i < ROUNDS; i++) {
        alone[i] = cost(lock, shared, 1);
        contended[i] = cost(lock, shared, lesson_is_broken() ? 1 : 2);
    }
    lesson_bars("ns", 2, (const char *const[]){ "one process", "two processes" },
                (const double[]){ fb_median(alone, ROUNDS), fb_median(contended, ROUNDS) });
    struct fb_interval ratio = fb_ratio_interval(contended, alone, ROUNDS);
    lesson_measured(
        ratio.low > 1.2,
        "two processes that compete for a lock each pay more than one that has it alone");
    fb_mp_array_free(shared);
    fb_mp_lock_free(lock);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "lock_cost",
        .title = "The lock, and what it costs",
        .rows = "M8 W15",
        .question = "A process acquires and releases a lock, again and again; no other process "
                    "uses it. Then a second process does the same with the same lock. How does the "
                    "time for one acquire and release change?",
        .choices = { "not at all", "it grows", "it halves: two processes share the work" },
        .answer = 'b',
        .explains = "Acquiring a free lock takes some tens of nanoseconds and no system call. If "
                    "two processes want it at the same time, one has to wait, the lock's cache "
                    "line moves between their CPUs, and perhaps one process sleeps and must be "
                    "woken. So acquire locks rarely, hold them briefly, and share little.",
        .next = "Count in a private variable and add it to a shared one after every 1,000 steps. "
                "What does a semaphore cost?",
        .breaks = "the \"two processes\" are only one.",
        .cpus = 2,
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
