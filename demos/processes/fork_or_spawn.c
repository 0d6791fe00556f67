/* A forked child and a spawned child: which values they see, and what they cost compared with a thread. */
#include "demos/lesson/lesson.h"

#include "base/error.h"
#include "harness/mp/process/process.h"
#include "harness/mp/sync/value.h"

#include <pthread.h>

#define ROUNDS 15

static int number = 1; /* the parent sets it to 2 */

static int write_number(const void *argument, size_t size)
{
    struct fb_mp_array *seen = *(struct fb_mp_array *const *)argument;
    (void)size;
    *(int *)seen->items = number;
    return 0;
}

static void *nothing(void *context)
{
    return context;
}

/* Starts a child, which writes its number to *seen. Returns the time from start to end, in ns. */
static double child(enum fb_mp_method method, struct fb_mp_array *seen)
{
    const struct fb_mp_process_options options = {
        .run = write_number, .argument = &seen, .size = sizeof seen, .method = method
    };
    struct fb_mp_process *process;
    struct fb_error error;
    int64_t start = fb_mp_now();
    lesson_need(fb_mp_process_start(&options, &process, &error), "start a process");
    fb_mp_process_join(process, FB_MP_FOREVER);
    double ns = (double)(fb_mp_now() - start);
    fb_mp_process_close(process);
    return ns;
}

static void run(void)
{
    struct fb_mp_array *seen;
    double thread[ROUNDS], fork[ROUNDS], spawn[ROUNDS];
    int forked = 0, spawned = 0;
    lesson_need(FB_MP_VALUE(int, false, &seen), "make a shared number");
    number = 2;
    for (int i = 0; i < ROUNDS; i++) {
        pthread_t id;
        int64_t start = fb_mp_now();
        lesson_need(-pthread_create(&id, NULL, nothing, NULL), "start a thread");
        pthread_join(id, NULL);
        thread[i] = (double)(fb_mp_now() - start);
        fork[i] = child(FB_MP_FORK, seen);
        forked = *(int *)seen->items;
        spawn[i] = child(lesson_is_broken() ? FB_MP_FORK : FB_MP_SPAWN, seen);
        spawned = *(int *)seen->items;
    }
    lesson_bars("us", 3, (const char *const[]){ "a thread", "a forked child", "a spawned child" },
                (const double[]){ fb_median(thread, ROUNDS) / 1e3, fb_median(fork, ROUNDS) / 1e3,
                                  fb_median(spawn, ROUNDS) / 1e3 });
    lesson_fact(forked == 2, "a forked child sees the value that its parent had set: 2");
    lesson_fact(spawned == 1, "a spawned child starts with the initial value: 1");
    struct fb_interval ratio = fb_ratio_interval(fork, thread, ROUNDS);
    lesson_claim("C5", "creating a process costs more than creating a thread", ratio,
                 "times a thread's time, by fork", lesson_is_above(ratio, 1), NULL);
    fb_mp_array_free(seen);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "fork_or_spawn",
        .title = "Fork or spawn",
        .rows = "M12 C5",
        .question =
            "A program sets a global variable from 1 to 2 and then starts two children: one with "
            "fork, one with spawn, which runs the program anew. Which of them sees the 2?",
        .choices = { "both", "the forked child", "neither" },
        .answer = 'b',
        .explains =
            "Fork copies the whole process, so the child has every value that its parent had. "
            "Spawn starts the program anew: the child has only its arguments and what is in shared "
            "memory. Fork is cheap as long as the parent is small; spawn always costs about the "
            "same, and the child inherits no locks that the parent's threads hold.",
        .next = "Write to a gigabyte of memory first (malloc and memset): fork becomes expensive, "
                "spawn does not. Which of the two is safe in a program with threads?",
        .breaks = "the \"spawned\" child is forked, too.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson,
                       (const struct fb_mp_task[]){ FB_MP_RUN(write_number), { 0 } });
}
