/* Messages back and forth between two threads and between two processes, on one CPU. */
#include "demos/lesson/lesson.h"

#include "harness/mp/sync/sync.h"
#include "harness/mp/sync/value.h"

#include <pthread.h>

#define TRIPS 2000
#define WARM 100
#define ROUNDS 11

struct side {
    struct fb_mp_semaphore *mine, *yours;
};

/* Answers all messages. */
static void answer(const struct side *side)
{
    for (int i = 0; i < WARM + TRIPS; i++) {
        fb_mp_semaphore_acquire(side->mine, FB_MP_FOREVER);
        fb_mp_semaphore_release(side->yours);
    }
}

static void ask(const struct side *side, int trips)
{
    for (int i = 0; i < trips; i++) {
        fb_mp_semaphore_release(side->yours);
        fb_mp_semaphore_acquire(side->mine, FB_MP_FOREVER);
    }
}

static int process(const void *argument, size_t size)
{
    const struct side *side = argument;
    (void)size;
    answer(side);
    return 0;
}

static void *thread(void *context)
{
    process(context, 0);
    return NULL;
}

/* Returns us per round trip. */
static double cost(struct side *here, struct side *there, bool threads)
{
    pthread_t id;
    if (threads)
        lesson_need(-pthread_create(&id, NULL, thread, there), "start a thread");
    else
        lesson_start(process, there, sizeof *there);
    ask(here, WARM); /* until it has started */
    int64_t start = fb_mp_now();
    ask(here, TRIPS);
    double us = (double)(fb_mp_now() - start) / 1e3 / TRIPS;
    if (threads)
        pthread_join(id, NULL);
    else
        lesson_join_all();
    return us;
}

static void run(void)
{
    struct side here, there;
    double threads[ROUNDS], processes[ROUNDS];
    lesson_need(fb_mp_semaphore_make(0, false, &here.mine), "make a semaphore");
    lesson_need(fb_mp_semaphore_make(0, false, &here.yours), "make a semaphore");
    there.mine = here.yours;
    there.yours = here.mine;
    lesson_on_one_cpu(true);
    for (int i = 0; i < ROUNDS; i++) {
        threads[i] = cost(&here, &there, true);
        processes[i] = cost(&here, &there, lesson_is_broken());
    }
    lesson_on_one_cpu(false);
    lesson_bars("us per round trip", 2, (const char *const[]){ "two threads", "two processes" },
                (const double[]){ fb_median(threads, ROUNDS), fb_median(processes, ROUNDS) });
    struct fb_interval ratio = fb_ratio_interval(processes, threads, ROUNDS);
    lesson_say("processes take %.3g times as long [%.3g, %.3g]", ratio.value, ratio.low,
               ratio.high);
    lesson_measured(ratio.low > 1 && ratio.value < 5,
                    "switching to another process costs a little more than to another thread");
    lesson_claim("C6", "switching processes costs more than switching threads", ratio,
                 "times a thread's time", lesson_is_above(ratio, 1), NULL);
    fb_mp_semaphore_free(here.mine);
    fb_mp_semaphore_free(here.yours);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "switching",
        .title = "Switching",
        .rows = "C6 M8",
        .question = "Two threads on one CPU send messages back and forth, then two processes "
                    "do. How much longer does it take between processes?",
        .choices = { "as long", "a little longer", "ten times as long" },
        .answer = 'b',
        .explains = "In both cases the kernel stops one and continues the other. For a "
                    "process it also changes the page tables, and cached translations of "
                    "addresses have to be loaded again. That takes some tenths of a "
                    "microsecond, which matters only if little else happens.",
        .next = "Touch a megabyte between two switches: what do the caches cost then? "
                "Leave out the binding to one CPU.",
        .breaks = "the \"two processes\" are threads too.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
