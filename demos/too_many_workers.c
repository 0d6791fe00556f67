/* The same computing on as many workers as there are CPUs, and on many more. */
#include "lesson.h"

#include <stdio.h>

#define ROUNDS 7
#define WORK "-k primes -p ranges=256 -p hi=400000 -H forkpool -w "

static void run(void)
{
    unsigned cpus = lesson_cpus(2), many = lesson_is_broken() ? 1 : 16 * cpus;
    double few_ns[ROUNDS], many_ns[ROUNDS];
    char words[2][100], label[2][40];
    snprintf(words[0], sizeof *words, WORK "%u", cpus);
    snprintf(words[1], sizeof *words, WORK "%u", many);
    snprintf(label[0], sizeof *label, "%u workers, as many as CPUs", cpus);
    snprintf(label[1], sizeof *label, "%u workers", many);
    for (unsigned i = 0; i < ROUNDS; i++) {
        lesson_progress(i, ROUNDS);
        few_ns[i] = lesson_run_ns(words[0]);
        many_ns[i] = lesson_run_ns(words[1]);
    }
    lesson_progress(ROUNDS, ROUNDS);
    lesson_bars(
        "ms", 2, (const char *const[]){ label[0], label[1] },
        (const double[]){ fb_median(few_ns, ROUNDS) / 1e6, fb_median(many_ns, ROUNDS) / 1e6 });
    struct fb_interval ratio = fb_ratio_interval(few_ns, many_ns, ROUNDS);
    lesson_fact(ratio.low < 1.1 && ratio.value > 0.7,
                "for computing, sixteen times as many workers as CPUs are no faster");
    lesson_claim("C17", "the pool should be as large as the number of CPUs", ratio,
                 "times as fast, 16 workers a CPU", LESSON_DEPENDS,
                 "for computing as many as the CPUs that the program may use; for waiting more");
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "too_many_workers",
        .title = "Too many workers",
        .rows = "C17",
        .question = "Two CPUs, work that computes, and a pool of 32 workers. Is that faster "
                    "than two workers?",
        .choices = { "yes, 16 times", "no", "it does not end" },
        .answer = 'b',
        .explains = "Only as many workers as CPUs can compute at a time; the others wait for "
                    "their turn, and cost memory and a little time for switching. What counts "
                    "is the CPUs that this program may use (its affinity, a container's quota), "
                    "not those that the box has. For waiting it is different: see io_gil.",
        .next = "Set the affinity to one CPU (taskset -c 0): how many workers are right "
                "now? Make the work waiting (-k sleep).",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
