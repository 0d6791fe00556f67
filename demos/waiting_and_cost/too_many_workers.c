/* Computing and waiting, on as many workers as there are CPUs and on many more. */
#include "demos/lesson/lesson.h"

#include <stdio.h>

#define ROUNDS 7
#define MOST 256 /* workers, or four per CPU: more would show the same */
#define COMPUTING "-k primes -p ranges=256 -p hi=400000 -H forkpool -w %u"
#define WAITING "-k sleep -p count=%u -p wait_us=4000 -H forkpool -w %u"

/* How much faster many workers are than few; *_words: arguments of forkbench exec. */
static struct fb_interval compare(const char *few_words, const char *many_words, double *ret_few_ms,
                                  double *ret_many_ms)
{
    double few_ns[ROUNDS], many_ns[ROUNDS];
    for (unsigned i = 0; i < ROUNDS; i++) {
        few_ns[i] = lesson_run_ns(few_words);
        many_ns[i] = lesson_run_ns(many_words);
    }
    *ret_few_ms = fb_median(few_ns, ROUNDS) / 1e6;
    *ret_many_ms = fb_median(many_ns, ROUNDS) / 1e6;
    return fb_ratio_interval(few_ns, many_ns, ROUNDS);
}

static void claim(struct fb_interval computing, struct fb_interval waiting)
{
    char condition[200];
    enum lesson_verdict faster = lesson_is_above(computing, 1.1);
    enum lesson_verdict waits_faster = lesson_is_above(waiting, 1.1);
    snprintf(condition, sizeof condition,
             "for computing as many as the CPUs that the program may use; work that waits was "
             "%.2g times as fast [%.2g, %.2g] on more",
             waiting.value, waiting.low, waiting.high);
    lesson_claim("C17", "the pool should be as large as the number of CPUs", computing,
                 "times as fast on more, computing",
                 faster == LESSON_HOLDS         ? LESSON_DOES_NOT_HOLD
                 : waits_faster == LESSON_HOLDS ? LESSON_DEPENDS
                                                : LESSON_HOLDS,
                 waits_faster == LESSON_HOLDS ? condition : NULL);
}

static void run(void)
{
    unsigned cpus = lesson_cpus(), many = 16 * cpus < MOST ? 16 * cpus : MOST;
    many = many < 4 * cpus ? 4 * cpus : many;
    char words[4][100], name[4][60];
    const char *label[4] = { name[0], name[1], name[2], name[3] };
    double ms[4];
    snprintf(words[0], sizeof *words, COMPUTING, cpus);
    snprintf(words[1], sizeof *words, COMPUTING, lesson_is_broken() ? 1 : many);
    snprintf(words[2], sizeof *words, WAITING, many, cpus);
    snprintf(words[3], sizeof *words, WAITING, many, many);
    snprintf(name[0], sizeof *name, "computing: %u workers, as many as CPUs", cpus);
    snprintf(name[1], sizeof *name, "computing: %u workers", lesson_is_broken() ? 1 : many);
    snprintf(name[2], sizeof *name, "waiting: %u workers", cpus);
    snprintf(name[3], sizeof *name, "waiting: %u workers", many);
    struct fb_interval computing = compare(words[0], words[1], &ms[0], &ms[1]);
    struct fb_interval waiting = compare(words[2], words[3], &ms[2], &ms[3]);
    lesson_bars("ms", 4, label, ms);
    lesson_measured(computing.low < 1.1 && computing.value > 0.7,
                    "for computing, many more workers than CPUs are no faster");
    lesson_measured(waiting.value > 2, "for waiting, they are faster");
    claim(computing, waiting);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "too_many_workers",
        .title = "Too many workers",
        .rows = "M2 C17",
        .question = "The work is computing, and a pool has 16 workers for each CPU. Is that "
                    "faster than one worker for each CPU?",
        .choices = { "yes, 16 times", "no", "it does not finish" },
        .answer = 'b',
        .explains = "Only as many workers as there are CPUs can compute at a time; the others "
                    "wait for their turn, and cost memory and a little time for switching. "
                    "What counts is the CPUs that this program may use (its affinity, the "
                    "quota of its container), not those of the machine. Waiting needs no CPU, "
                    "so for waiting more workers are faster, as long as there is something to "
                    "wait for (io_gil).",
        .next = "Give forkbench exec -k primes -p ranges=256 -H forkpool -w 2 only one "
                "CPU (taskset -c 0): how many workers are right now?",
        .breaks = "the \"many\" workers that compute are one.",
        .cpus = 2,
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
