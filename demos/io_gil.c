/* Waiting on eight threads under an interpreter's lock, on eight without it, and on eight processes. */
#include "lesson.h"

#include <stdio.h>

#define ROUNDS_MOST 6
#define ROUNDS (lesson_is_broken() ? 2u : ROUNDS_MOST) /* broken, it need not be told exactly */
#define WORK "-k sleep -p count=24 -p wait_us=5000 "

enum { ONE, LOCKED, THREADS, PROCESSES, WAYS };
static const char *const words[WAYS] = { WORK "-H single", WORK "-H gil -w 8",
                                         WORK "-H pthread -w 8", WORK "-H forkpool -w 8" };

/* Both parts of it: as well as on processes, and faster than there are CPUs. */
static void claim(struct fb_interval ratio, struct fb_interval speedup)
{
    unsigned cpus = lesson_cpus(1);
    enum lesson_verdict as_well = lesson_is_above(ratio, 0.8),
                        more = lesson_is_above(speedup, cpus);
    char condition[120];
    snprintf(condition, sizeof condition, "eight workers on %u CPUs, %.2g times as fast as one",
             cpus, speedup.value);
    lesson_claim(
        "C16", "I/O-bound work does as well on threads; more workers than cores help there", ratio,
        "times as fast as on processes",
        as_well == LESSON_HOLDS && more != LESSON_HOLDS ? LESSON_DEPENDS : as_well, condition);
}

static void run(void)
{
    double ns[WAYS][ROUNDS_MOST], value[WAYS];
    for (unsigned i = 0; i < ROUNDS; i++)
        for (unsigned way = 0; way < WAYS; way++) {
            lesson_progress(i * WAYS + way, ROUNDS * WAYS);
            /* Whoever waits with the lock in its hands keeps all others waiting. */
            ns[way][i] = lesson_run_ns(way == LOCKED && lesson_is_broken() ? WORK "-H gil=hold -w 8"
                                                                           : words[way]);
        }
    lesson_progress(1, 1);
    for (int way = 0; way < WAYS; way++)
        value[way] = fb_ratio_interval(ns[ONE], ns[way], ROUNDS).value;
    lesson_bars("times", WAYS,
                (const char *const[]){ "one thread", "eight threads under the lock",
                                       "eight threads", "eight processes" },
                value);
    lesson_fact(value[LOCKED] > 4,
                "eight threads wait for eight things at once, also under an interpreter's lock");
    struct fb_interval ratio = fb_ratio_interval(ns[PROCESSES], ns[LOCKED], ROUNDS);
    lesson_fact(ratio.value > 0.8, "eight processes wait no faster");
    claim(ratio, fb_ratio_interval(ns[ONE], ns[LOCKED], ROUNDS));
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "io_gil",
        .title = "Waiting under the lock",
        .rows = "C16 W10",
        .question = "24 records have to be waited for, 5 ms each. Eight threads of a Python "
                    "program share the waiting, on two CPUs. How fast is that, compared with "
                    "one thread?",
        .choices = { "as fast: there is the GIL", "twice: there are two CPUs", "eight times" },
        .answer = 'c',
        .explains = "Whoever waits needs neither a CPU nor the lock: the interpreter gives it "
                    "up before it waits and takes it again afterwards. So the number of CPUs "
                    "does not matter, and threads, which are cheap, do as well as processes. An "
                    "event loop waits for all of them on a single thread (kinds_of_work).",
        .next = "Use 100 workers. Let a thread compute beside those that wait: forkbench "
                "overhead, convoy.latency, shows how late they come then.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
