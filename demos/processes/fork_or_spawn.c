/* A child by fork and a fresh image: what each knows, and what each costs beside a thread. */
#include "demos/lesson/lesson.h"

#include "base/error.h"
#include "harness/mp/process/process.h"
#include "harness/mp/sync/value.h"

#include <pthread.h>

#define ROUNDS 15

static int number = 1; /* the parent sets it to 2 */

static int tell(const void *argument, size_t size)
{
    struct fb_mp_array *told = *(struct fb_mp_array *const *)argument;
    (void)size;
    *(int *)told->items = number;
    return 0;
}

static void *nothing(void *context)
{
    return context;
}

/* In ns, from before it is started until it has ended; what it knows, in *told. */
static double child(enum fb_mp_method method, struct fb_mp_array *told)
{
    const struct fb_mp_process_options options = {
        .run = tell, .argument = &told, .size = sizeof told, .method = method
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
    struct fb_mp_array *told;
    double thread[ROUNDS], fork[ROUNDS], spawn[ROUNDS];
    int forked = 0, spawned = 0;
    lesson_need(FB_MP_VALUE(int, false, &told), "make a shared number");
    number = 2;
    for (int i = 0; i < ROUNDS; i++) {
        pthread_t id;
        int64_t start = fb_mp_now();
        lesson_need(-pthread_create(&id, NULL, nothing, NULL), "start a thread");
        pthread_join(id, NULL);
        thread[i] = (double)(fb_mp_now() - start);
        fork[i] = child(FB_MP_FORK, told);
        forked = *(int *)told->items;
        spawn[i] = child(lesson_is_broken() ? FB_MP_FORK : FB_MP_SPAWN, told);
        spawned = *(int *)told->items;
    }
    lesson_bars("us", 3, (const char *const[]){ "a thread", "a child by fork", "a fresh image" },
                (const double[]){ fb_median(thread, ROUNDS) / 1e3, fb_median(fork, ROUNDS) / 1e3,
                                  fb_median(spawn, ROUNDS) / 1e3 });
    lesson_fact(forked == 2, "a child by fork knows what its parent had set: 2");
    lesson_fact(spawned == 1, "a fresh image begins anew: 1");
    struct fb_interval ratio = fb_ratio_interval(fork, thread, ROUNDS);
    lesson_claim("C5", "creating a process costs more than creating a thread", ratio,
                 "times a thread's time, by fork", lesson_is_above(ratio, 1), NULL);
    fb_mp_array_free(told);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "fork_or_spawn",
        .title = "Fork or spawn",
        .rows = "M12 C5",
        .question = "A program sets a global variable from 1 to 2 and then starts two children: "
                    "one by fork, one by spawn, as a fresh image. Which of them sees the 2?",
        .choices = { "both", "the forked one", "neither" },
        .answer = 'b',
        .explains = "Fork copies the process as it is, so the child knows all that its parent "
                    "knew. A fresh image is the program started anew: it knows what it is given "
                    "as an argument and what is in shared memory. Fork is cheap while the "
                    "parent is small; a fresh image always costs about the same, and inherits "
                    "no threads' locks.",
        .next = "Touch a gigabyte of memory before (a big malloc, and memset): fork becomes "
                "expensive, spawn does not. Which is safe in a program with threads?",
        .breaks = "the \"fresh image\" is forked too.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, (const struct fb_mp_task[]){ FB_MP_RUN(tell), { 0 } });
}
