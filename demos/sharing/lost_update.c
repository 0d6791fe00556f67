/* Four processes add to one number, with and without a lock. */
#include "demos/lesson/lesson.h"

#include "harness/mp/sync/value.h"
#include "harness/mp/sync/sync.h"

#include <sched.h>
#include <stdio.h>

#define PROCESSES 4
#define TIMES 10000
#define ROUNDS 31

struct order {
    struct fb_mp_array *counter; /* two ints: the number, and how many processes have started */
    bool locked;
};

/* All begin together: otherwise a process finishes before the next one has started. */
static void wait_for_all(volatile int *started)
{
    __atomic_fetch_add(started, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(started, __ATOMIC_SEQ_CST) < PROCESSES)
        sched_yield();
}

static int add(const void *argument, size_t size)
{
    const struct order *order = argument;
    volatile int *number = order->counter->items;
    (void)size;
    wait_for_all(number + 1);
    for (int i = 0; i < TIMES; i++) {
        if (order->locked)
            fb_mp_lock_acquire(order->counter->lock, FB_MP_FOREVER);
        *number = *number + 1; /* read, add, write: others interfere in between */
        if (order->locked)
            fb_mp_lock_release(order->counter->lock);
    }
    return 0;
}

static int count(struct fb_mp_array *counter, bool locked)
{
    int *number = counter->items;
    number[0] = number[1] = 0;
    for (int i = 0; i < PROCESSES; i++)
        lesson_start(add, &(struct order){ counter, locked }, sizeof(struct order));
    lesson_join_all();
    return *number;
}

static void run(void)
{
    struct fb_mp_array *counter;
    double counted[ROUNDS];
    unsigned losing = 0; /* rounds with lost increments */
    lesson_need(FB_MP_ARRAY(int, 2, true, &counter), "make a shared number");
    int with = count(counter, true);
    double least = PROCESSES * TIMES, most = 0;
    for (int i = 0; i < ROUNDS; i++) {
        counted[i] = count(counter, lesson_is_broken());
        least = counted[i] < least ? counted[i] : least;
        most = counted[i] > most ? counted[i] : most;
        losing += counted[i] < PROCESSES * TIMES;
    }
    struct fb_interval without = fb_median_interval(counted, ROUNDS);
    lesson_bars("of 40,000", 2, (const char *const[]){ "with the lock", "without, median" },
                (const double[]){ with, without.value });
    lesson_say("without the lock, %d tries gave between %.0f and %.0f", ROUNDS, least, most);
    lesson_fact(with == PROCESSES * TIMES, "with the lock, all 40,000 increments are counted");
    lesson_measured(losing > 0, "without the lock, increments are lost");
    char condition[60];
    snprintf(condition, sizeof condition, "lost in %u of %d tries; once is too often", losing,
             ROUNDS);
    lesson_claim("C9", "without a lock, increments are lost", without, "of 40,000 left",
                 losing > 0 ? LESSON_HOLDS : LESSON_DOES_NOT_HOLD, condition);
    fb_mp_array_free(counter);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "lost_update",
        .title = "The lost update",
        .rows = "M7 M8 W14 C9",
        .question = "Four processes add 1 to the same number in shared memory, 10,000 times each, "
                    "without a lock. What is the number in the end?",
        .choices = { "40,000", "less", "more" },
        .answer = 'b',
        .explains = "Adding 1 takes three steps: read the number, add 1, write the sum. If a "
                    "process reads between another's read and write, both write the same sum, and "
                    "one increment is lost. How many are lost depends on the CPUs and on chance. "
                    "With the lock, no other process can come in between the three steps.",
        .next = "Give each process its own number and add them up at the end: no lock, and nothing "
                "is lost. Or use an atomic addition (atomic_fetch_add), which is one step for the "
                "hardware.",
        .breaks = "the lock is also taken in the tries \"without\" it.",
        .cpus = 2,
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
