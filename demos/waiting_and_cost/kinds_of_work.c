/* Work that computes, waits, or does both: on threads under a lock, on processes and on an event loop. */
#include "demos/lesson/lesson.h"

#include <stdio.h>

#define ROUNDS_MOST 6
#define ROUNDS                                                                                     \
    (lesson_is_broken() ? 2u : ROUNDS_MOST) /* with --break, no precise numbers are needed */

enum { COMPUTING, WAITING, MIXED, KINDS };
static const char *const kinds[KINDS] = { "-k primes -p ranges=64 -p hi=200000",
                                          "-k sleep -p count=16 -p wait_us=4000",
                                          "-k mixed -p count=16 -p wait_us=4000 -p numbers=12000" };
enum { ONE, THREADS, PROCESSES, LOOP, WAYS };
static const char *const ways[WAYS] = { "-H single", "-H gil=python -w 8", "-H forkpool -w 8",
                                        "-H eventloop -w 2" };

static double ns[KINDS][WAYS][ROUNDS_MOST];

static void measure(void)
{
    char words[200];
    for (unsigned i = 0; i < ROUNDS; i++)
        for (int kind = 0; kind < KINDS; kind++)
            for (int way = 0; way < WAYS; way++) {
                lesson_progress((i * KINDS + (unsigned)kind) * WAYS + (unsigned)way,
                                ROUNDS * KINDS * WAYS);
                snprintf(words, sizeof words, "%s %s", kinds[kind],
                         lesson_is_broken() ? ways[ONE] : ways[way]);
                ns[kind][way][i] = lesson_run_ns(words);
            }
    lesson_progress(1, 1);
}

static struct fb_interval speedup(int kind, int way)
{
    return fb_ratio_interval(ns[kind][ONE], ns[kind][way], ROUNDS);
}

static void run(void)
{
    static const char *const names[KINDS] = { "computing", "waiting (16 at once)",
                                              "both (16 at once)" };
    static const char *const way_names[WAYS] = { "", "8 threads under a lock", "8 processes",
                                                 "event loop, 2 processes to compute" };
    char name[KINDS * (WAYS - 1)][60];
    const char *label[KINDS * (WAYS - 1)];
    double value[KINDS * (WAYS - 1)];
    size_t count = 0;
    measure();
    for (int kind = 0; kind < KINDS; kind++)
        for (int way = 1; way < WAYS; way++, count++) {
            snprintf(name[count], sizeof *name, "%s: %s", names[kind], way_names[way]);
            label[count] = name[count];
            value[count] = speedup(kind, way).value;
        }
    lesson_bars("times", count, label, value);
    bool computing = (lesson_is_broken() ? speedup(COMPUTING, PROCESSES).value
                                         : speedup(COMPUTING, PROCESSES).high) > 1.3 &&
                     speedup(COMPUTING, THREADS).value < 1.2 &&
                     speedup(COMPUTING, LOOP).value < 1.2;
    bool waiting = speedup(WAITING, THREADS).value > 4 && speedup(WAITING, LOOP).value > 4;
    lesson_measured(computing, "computing is faster on processes, not on threads under a lock or "
                               "on the thread of the loop");
    lesson_measured(waiting, "waiting is faster on threads and on an event loop");
    lesson_measured(
        (lesson_is_broken() ? speedup(MIXED, LOOP).value : speedup(MIXED, LOOP).high) > 1.5,
        "work that does both is faster on an event loop that hands its computing to processes");
    struct fb_interval mixed = speedup(MIXED, LOOP);
    lesson_claim(
        "C18",
        "waiting: event loop or threads; computing: processes; mixed: event loop + process pool",
        mixed, "times as fast, mixed on an event loop",
        computing && waiting ? lesson_is_above(mixed, 1.5) : LESSON_DEPENDS, NULL);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "kinds_of_work",
        .title = "Which kind of worker for which work",
        .rows = "M15 C18",
        .question = "Some work waits, some computes, some does both in turn. Is one kind of "
                    "worker best for all of it?",
        .choices = { "threads", "processes", "an event loop", "no: it depends on the work" },
        .answer = 'd',
        .explains = "Waiting only needs a list of what to wait for, and a single event loop "
                    "can wait for thousands of things. Computing needs CPUs, and under an "
                    "interpreter's lock a process for each. Work that does both is best "
                    "divided: the loop waits, and hands each piece of computing to a pool, "
                    "which notifies it of the result. (Processes do well too, if there are "
                    "enough of them for all the waiting.)",
        .next = "forkbench run -k primes,sleep,mixed -H "
                "single,pthread,forkpool,eventloop,gil=all -w 1,2,4,8,16 measures all of "
                "it in some minutes, and scripts/plot.sh results/latest draws it.",
        .breaks = "one thread does all of it, whatever the label says.",
        .cpus = 2,
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
