/* The same computation on threads and on processes, with Python's lock and without. */
#include "demos/lesson/lesson.h"

#include <errno.h>
#include <stdio.h>

#define ROUNDS_MOST 6
#define ROUNDS                                                                                     \
    (lesson_is_broken() ? 2u : ROUNDS_MOST) /* with --break, no precise numbers are needed */
#define WORK "-k primes -p ranges=64 -p hi=400000 "

enum { ONE, THREADS, PROCESSES, LOCKED, PYTHON, PYTHON_THREADS, PYTHON_PROCESSES, WAYS };
static const struct {
    const char *label; /* the number of workers is appended if there are several */
    const char *words;
    int base;
    bool several;
} ways[WAYS] = {
    [ONE] = { "C: one thread", WORK "-H single", ONE, false },
    [THREADS] = { "C: threads, ", WORK "-H pthread", ONE, true },
    [PROCESSES] = { "C: processes, ", WORK "-H forkpool", ONE, true },
    [LOCKED] = { "C: threads under a lock like Python's, ", WORK "-H gil", ONE, true },
    [PYTHON] = { "Python: one thread", WORK "-H cpython-single", PYTHON, false },
    [PYTHON_THREADS] = { "Python: threads, ", WORK "-H cpython-thread", PYTHON, true },
    [PYTHON_PROCESSES] = { "Python: processes, ", WORK "-H cpython-process", PYTHON, true },
};

static unsigned workers; /* as many as CPUs, up to eight */
static struct lesson_exec measured[WAYS][ROUNDS_MOST];

/* The speedup over one thread in the same language. */
static struct fb_interval speedup(int way)
{
    double base[ROUNDS_MOST], own[ROUNDS_MOST];
    for (unsigned i = 0; i < ROUNDS; i++) {
        base[i] = measured[ways[way].base][i].run_ns;
        own[i] = measured[way][i].run_ns;
    }
    return fb_ratio_interval(base, own, ROUNDS);
}

/* The upper end of the interval, because something may have disturbed the measurement. */
static double best(int way)
{
    struct fb_interval measured = speedup(way);
    return measured.samples < FB_INTERVAL_LEAST ? measured.value : measured.high;
}

/* Returns whether there is a Python. */
static bool measure(void)
{
    int ways_here = WAYS;
    for (unsigned i = 0; i < ROUNDS; i++)
        for (int way = 0; way < ways_here; way++) {
            const char *how =
                way == LOCKED && lesson_is_broken() ? WORK "-H gil=off" : ways[way].words;
            char words[200];
            snprintf(words, sizeof words, "%s -w %u", how, ways[way].several ? workers : 1);
            lesson_progress(i * WAYS + (unsigned)way, ROUNDS * WAYS);
            bool there = lesson_exec(words, &measured[way][i]);
            lesson_need(there || way >= PYTHON ? 0 : -ENOTSUP, "run forkbench exec");
            if (!there)
                ways_here = PYTHON; /* no python3: C only */
        }
    lesson_progress(1, 1);
    return ways_here == WAYS;
}

static void claim(bool python)
{
    struct fb_interval threads = speedup(python ? PYTHON_THREADS : LOCKED);
    struct fb_interval processes = speedup(python ? PYTHON_PROCESSES : PROCESSES);
    double used[ROUNDS_MOST];
    for (unsigned i = 0; i < ROUNDS; i++) {
        const struct lesson_exec *exec = &measured[python ? PYTHON_THREADS : LOCKED][i];
        used[i] = exec->cpu_ns / exec->wall_ns;
    }
    struct fb_interval busy = fb_median_interval(used, ROUNDS);
    enum lesson_verdict no_faster = lesson_is_below(threads, 1.2);
    lesson_claim("C1", "under the GIL, CPU-bound threads are no faster, even slower, than one",
                 threads, "times as fast as one thread", no_faster,
                 measured[PYTHON_THREADS][0].lockless ? "this interpreter has no such lock" : NULL);
    char unit[60], condition[80];
    snprintf(unit, sizeof unit, "times as fast, %u processes", workers);
    snprintf(condition, sizeof condition, "one CPU's worth, whatever their number; here %u threads",
             workers);
    lesson_claim("C2", "processes give about the number of cores", processes, unit,
                 lesson_is_above(processes, 0.8 * workers), NULL);
    enum lesson_verdict no_more = lesson_is_below(busy, 1.2);
    lesson_claim("C3", "4 threads on 4 cores show 25 % CPU", busy, "CPUs in use by threads",
                 no_more, no_more == LESSON_HOLDS ? condition : NULL);
}

static void run(void)
{
    workers = lesson_cpus() < 8 ? lesson_cpus() : 8;
    bool python = measure();
    char name[WAYS][80];
    const char *label[WAYS];
    double value[WAYS];
    size_t count = python ? WAYS : PYTHON;
    for (size_t way = 0; way < count; way++) {
        snprintf(name[way], sizeof *name, "%s", ways[way].label);
        if (ways[way].several)
            snprintf(name[way], sizeof *name, "%s%u of them", ways[way].label, workers);
        label[way] = name[way];
        value[way] = speedup((int)way).value;
    }
    lesson_bars("times", count, label, value);
    if (!python)
        lesson_say("(There is no python3 here: C only.)");
    bool locked = python && !measured[PYTHON_THREADS][0].lockless;
    lesson_measured(value[LOCKED] < 1.2 && (!locked || value[PYTHON_THREADS] < 1.2),
                    "threads that share an interpreter's lock are no faster than one");
    lesson_measured(best(PROCESSES) > 1.3 && (!python || best(PYTHON_PROCESSES) > 1.3),
                    "processes are faster");
    claim(python);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "gil",
        .title = "Threads or processes? The interpreter's lock",
        .rows = "C1 C2 C3",
        .question = "Counting primes keeps a CPU busy. There are several CPUs, and as many "
                    "threads of one Python program share the counting. How fast is that, "
                    "compared with one thread?",
        .choices = { "as many times as fast as there are threads", "as fast as one thread",
                     "half as fast" },
        .answer = 'b',
        .explains = "CPython has one lock for the whole interpreter, the GIL: only the thread "
                    "that holds it runs Python code. Threads take turns every 5 ms, so "
                    "together they do the work of one CPU. Each process has an interpreter of "
                    "its own, and so a lock of its own. C has no such lock: its threads are "
                    "as fast as processes. With the same lock around them, they are as slow "
                    "as Python's threads.",
        .next = "Run forkbench exec -k primes -p ranges=64 -H gil -w 2 --trace gil.json "
                "and open the file in ui.perfetto.dev to see how the lock changes hands. "
                "Do the same with --gil off and another file. Then go on with io_gil: why "
                "threads are right for waiting.",
        .breaks = "the threads in C compute without the lock.",
        .cpus = 2,
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
