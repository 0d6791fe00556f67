/* A word that goes to and fro between two threads and between two processes, on one CPU. */
#include "demos/lesson/lesson.h"

#include "harness/mp/sync/sync.h"
#include "harness/mp/sync/value.h"

#include <pthread.h>

#define TRIPS 2000
#define WARM 100
#define ROUNDS 11

struct court {
    struct fb_mp_semaphore *mine, *yours;
};

/* Answers, all trips. */
static void answer(const struct court *court)
{
    for (int i = 0; i < WARM + TRIPS; i++) {
        fb_mp_semaphore_acquire(court->mine, FB_MP_FOREVER);
        fb_mp_semaphore_release(court->yours);
    }
}

static void ask(const struct court *court, int trips)
{
    for (int i = 0; i < trips; i++) {
        fb_mp_semaphore_release(court->yours);
        fb_mp_semaphore_acquire(court->mine, FB_MP_FOREVER);
    }
}

static int process(const void *argument, size_t size)
{
    const struct court *court = argument;
    (void)size;
    answer(court);
    return 0;
}

static void *thread(void *context)
{
    process(context, 0);
    return NULL;
}

/* us there and back. */
static double cost(struct court *here, struct court *there, bool threads)
{
    pthread_t id;
    if (threads)
        lesson_need(-pthread_create(&id, NULL, thread, there), "start a thread");
    else
        lesson_start(process, there, sizeof *there);
    ask(here, WARM); /* it is there then */
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
    struct court here, there;
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
    lesson_bars("us there and back", 2, (const char *const[]){ "two threads", "two processes" },
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
        .question = "Two threads on one CPU hand a word to and fro, then two processes do. How "
                    "much longer does a process take?",
        .choices = { "as long", "a little longer", "ten times as long" },
        .answer = 'b',
        .explains = "In both cases the kernel stops one and goes on with the other. For a "
                    "process it also changes the tables by which addresses are looked up, and "
                    "what was remembered of them has to be found again. That is some tenths of "
                    "a microsecond: it only matters when little else happens.",
        .next = "Touch a megabyte between two switches: what do the caches cost then? Leave "
                "the binding to one CPU out.",
        .breaks = "the \"two processes\" are threads too.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
