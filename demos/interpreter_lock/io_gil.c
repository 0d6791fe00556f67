/* Waiting on many threads under an interpreter's lock, on as many threads without it, and on as many processes. */
#include "demos/lesson/lesson.h"

#include <stdio.h>

#define ROUNDS_MOST 6
#define ROUNDS                                                                                     \
    (lesson_is_broken() ? 2u : ROUNDS_MOST) /* with --break, no precise numbers are needed */
#define WORK "-k sleep -p count=%u -p wait_us=5000 "

enum { ONE, LOCKED, THREADS, PROCESSES, WAYS };
static const char *const harness[WAYS] = { "single", "gil", "pthread", "forkpool" };

/* Both parts of the claim: threads do as well as processes, and are faster than the number of CPUs allows. */
static void claim(struct fb_interval ratio, struct fb_interval speedup, unsigned workers)
{
    char condition[160];
    struct fb_interval python = lesson_python("ratio"), faster = lesson_python("speedup");
    if (lesson_is_known(python) && lesson_is_known(faster))
        ratio = python, speedup = faster;
    enum lesson_verdict as_well = lesson_is_above(ratio, 0.8);
    enum lesson_verdict more = lesson_is_above(speedup, lesson_cpus());
    snprintf(condition, sizeof condition, "%u threads%s were %.3g times as fast as one, on %u CPUs",
             workers, lesson_is_known(python) ? " of Python's" : "", speedup.value, lesson_cpus());
    lesson_claim(
        "C16", "I/O-bound work does as well on threads; more workers than cores help there", ratio,
        "times as fast as on processes",
        as_well == LESSON_HOLDS && more != LESSON_HOLDS ? LESSON_DEPENDS : as_well, condition);
}

static void run(void)
{
    double ns[WAYS][ROUNDS_MOST], value[WAYS];
    unsigned workers = 4 * lesson_cpus() > 8 ? 4 * lesson_cpus() : 8;
    char words[200], name[WAYS][60];
    const char *label[WAYS];
    for (unsigned i = 0; i < ROUNDS; i++)
        for (unsigned way = 0; way < WAYS; way++) {
            /* A thread that waits and holds the lock makes all others wait. */
            bool held = way == LOCKED && lesson_is_broken();
            lesson_progress(i * WAYS + way, ROUNDS * WAYS);
            snprintf(words, sizeof words, WORK "-H %s%s -w %u", 3 * workers, harness[way],
                     held ? "=hold" : "", way == ONE ? 1 : workers);
            ns[way][i] = lesson_run_ns(words);
        }
    lesson_progress(1, 1);
    for (int way = 0; way < WAYS; way++)
        value[way] = fb_ratio_interval(ns[ONE], ns[way], ROUNDS).value;
    snprintf(name[ONE], sizeof *name, "one thread");
    snprintf(name[LOCKED], sizeof *name, "%u threads under the lock", workers);
    snprintf(name[THREADS], sizeof *name, "%u threads", workers);
    snprintf(name[PROCESSES], sizeof *name, "%u processes", workers);
    for (int way = 0; way < WAYS; way++)
        label[way] = name[way];
    lesson_bars("times", WAYS, label, value);
    lesson_measured(value[LOCKED] > 0.5 * workers,
                    "many threads wait for many things at once, even under an interpreter's lock");
    struct fb_interval ratio = fb_ratio_interval(ns[PROCESSES], ns[LOCKED], ROUNDS);
    lesson_measured(ratio.value > 0.8, "as many processes are no faster");
    claim(ratio, fb_ratio_interval(ns[ONE], ns[LOCKED], ROUNDS), workers);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "io_gil",
        .title = "Waiting under the lock",
        .rows = "C16 W10",
        .question = "A program has to wait 5 ms for each of many records. Four times as many "
                    "threads of one Python program as there are CPUs share the waiting. How "
                    "fast is that, compared with one thread?",
        .choices = { "as fast: there is the GIL", "as many times as fast as there are CPUs",
                     "as many times as fast as there are threads" },
        .answer = 'c',
        .explains = "A thread that waits needs neither a CPU nor the lock: the interpreter "
                    "releases the lock before it waits and acquires it again afterwards. So "
                    "the number of CPUs does not matter, and threads, which are cheap, do as "
                    "well as processes. An event loop waits for all records on a single "
                    "thread (kinds_of_work).",
        .next = "Use 100 workers. Let a thread compute at the same time: forkbench "
                "overhead (a minute and a half) measures how late the waiting threads "
                "continue then (convoy.latency).",
        .breaks = "the threads under the lock hold it while they wait.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
