/* Resizing images on two threads that release the interpreter's lock, and on two that hold it. */
#include "demos/lesson/lesson.h"

#define ROUNDS_MOST 6
#define ROUNDS                                                                                     \
    (lesson_is_broken() ? 2u : ROUNDS_MOST) /* with --break, no precise numbers are needed */
#define WORK "-k resize -p count=4 "

enum { ONE, RELEASED, HELD, WAYS };
static const char *const words[WAYS] = { WORK "-H single", WORK "-H gil -w 2",
                                         WORK "-H gil=hold -w 2" };

/* Measures Pillow on two threads; false if there is no Pillow. */
static bool measure_pillow(struct fb_interval *ret_speedup)
{
    double one[ROUNDS_MOST], two[ROUNDS_MOST];
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct lesson_exec exec;
        if (lesson_is_broken() || !lesson_exec(WORK "-H cpython-single", &exec))
            return false;
        one[i] = exec.run_ns;
        if (!lesson_exec(WORK "-H cpython-thread -w 2", &exec))
            return false;
        two[i] = exec.run_ns;
    }
    *ret_speedup = fb_ratio_interval(one, two, ROUNDS);
    return true;
}

/* Judged by Pillow, or, if there is none, by an extension in C under our lock. */
static void claim(struct fb_interval released)
{
    struct fb_interval measured = released;
    bool pillow = measure_pillow(&measured);
    if (pillow)
        lesson_say("Pillow itself, on two threads of Python: %.2f times", measured.value);
    enum lesson_verdict needs = lesson_is_below(measured, 1.3);
    lesson_claim("C4", "image processing needs processes", measured,
                 pillow ? "times as fast, Pillow on two threads"
                        : "times as fast, an extension on two threads",
                 needs,
                 needs != LESSON_DOES_NOT_HOLD ? NULL
                 : pillow
                     ? "Pillow releases the lock while it computes"
                     : "not if the extension releases the lock, as Pillow's documentation says");
}

static void run(void)
{
    double ns[WAYS][ROUNDS_MOST], value[WAYS];
    for (unsigned i = 0; i < ROUNDS; i++)
        for (unsigned way = 0; way < WAYS; way++) {
            lesson_progress(i * WAYS + way, ROUNDS * WAYS);
            ns[way][i] =
                lesson_run_ns(way == RELEASED && lesson_is_broken() ? words[HELD] : words[way]);
        }
    lesson_progress(1, 1);
    for (int way = 0; way < WAYS; way++)
        value[way] = fb_ratio_interval(ns[ONE], ns[way], ROUNDS).value;
    lesson_bars("times", WAYS,
                (const char *const[]){ "our extension in C, one thread",
                                       "two threads, the lock released",
                                       "two threads, the lock held" },
                value);
    struct fb_interval released = fb_ratio_interval(ns[ONE], ns[RELEASED], ROUNDS);
    lesson_measured((lesson_is_broken() ? released.value : released.high) > 1.3,
                    "an extension that releases the lock lets two threads compute at once");
    lesson_measured(value[HELD] < 1.2, "an extension that holds it does not");
    claim(released);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "image_threads",
        .title = "Do images need processes?",
        .rows = "W3 C4",
        .question = "Two threads of one Python program resize photographs with Pillow, which is "
                    "written in C. How fast is that, compared with one thread?",
        .choices = { "as fast: there is the GIL", "nearly twice as fast",
                     "it crashes: Pillow does not support threads" },
        .answer = 'b',
        .explains = "The lock protects the interpreter, not the CPU. An extension in C that "
                    "does not touch Python objects may release the lock while it computes, "
                    "and Pillow, zlib, hashlib and NumPy do so. Then threads are as fast as "
                    "processes, and no data has to be sent. What matters is whether the "
                    "extension releases the lock, not whether the work is computation.",
        .next = "forkbench run -k resize -H cpython-thread,cpython-process measures "
                "Pillow itself, in two minutes.",
        .breaks = "the threads hold the lock while they compute.",
        .cpus = 2,
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
