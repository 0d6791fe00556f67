/* Forty tasks, four workers: who did which? */
#include "demos/lesson/lesson.h"

#include "base/error.h"
#include "harness/mp/pool/map.h"
#include "harness/mp/pool/pool.h"
#include "harness/mp/sync/sync.h"
#include "harness/mp/sync/value.h"

#include <stdio.h>
#include <unistd.h>

#define TASKS 40

/* What the workers have in common, in shared memory. */
struct desk {
    struct fb_mp_event *others_done;
    struct fb_mp_array *done; /* how many of the others are */
};

/* Task 0 is held up until all others are done; broken, they stand behind it, so it does not wait long. */
static int who(struct fb_mp_call *call)
{
    const struct desk *desk = call->bound;
    int pid = (int)getpid();
    if (*(const int *)call->argument == 0)
        fb_mp_event_wait(desk->others_done, (lesson_is_broken() ? 1 : 60) * FB_MP_SECOND / 2);
    else if (__atomic_add_fetch((int *)desk->done->items, 1, __ATOMIC_SEQ_CST) == TASKS - 1)
        fb_mp_event_set(desk->others_done);
    return fb_mp_return(call, &pid, sizeof pid);
}

/* A bar for each worker. Returns how many tasks the one that was given task 0 did. */
static int show(const int *pid)
{
    int worker[TASKS], workers = 0;
    double tasks[TASKS] = { 0 };
    char name[TASKS][24];
    const char *label[TASKS];
    for (int i = 0; i < TASKS; i++) {
        int k = 0;
        while (k < workers && worker[k] != pid[i])
            k++;
        if (k == workers) {
            worker[workers++] = pid[i];
            snprintf(name[k], sizeof name[k], "worker %d", pid[i]);
            label[k] = name[k];
        }
        tasks[k]++;
    }
    for (int k = workers; k < 4; k++) {
        snprintf(name[k], sizeof name[k], "another one");
        label[k] = name[k];
    }
    lesson_bars("tasks", (size_t)(workers < 4 ? 4 : workers), label, tasks);
    lesson_fact(workers <= 4, "forty tasks were done by no more than four processes");
    return (int)tasks[0];
}

static void run(void)
{
    FB_MP_POOL_SCOPED(pool) = NULL;
    struct fb_error error;
    struct desk desk;
    int pid[TASKS], number[TASKS];
    for (int i = 0; i < TASKS; i++)
        number[i] = i;
    lesson_need(fb_mp_event_make(&desk.others_done), "make an event");
    lesson_need(FB_MP_VALUE(int, false, &desk.done), "make a shared number");
    lesson_need(fb_mp_pool_open(&(struct fb_mp_pool_options){ .workers = 4 }, &pool, &error),
                "open a pool");
    /* In chunks of ten whoever takes task 0 has taken nine more. */
    const struct fb_mp_map_options options = { .bound = &desk,
                                               .bound_size = sizeof desk,
                                               .chunk = lesson_is_broken() ? 10 : 1 };
    lesson_need(
        fb_mp_map(pool, who, number, TASKS, sizeof *number, pid, sizeof *pid, &options, &error),
        "map");
    lesson_fact(show(pid) == 1, "who is held up by the first task does one, and the others do 39");
    fb_mp_event_free(desk.others_done);
    fb_mp_array_free(desk.done);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "who_gets_what",
        .title = "Who gets which task",
        .rows = "M2 W10",
        .question = "A pool of four workers is given forty tasks, one by one. The first one takes "
                    "longer than all others together. Does each worker do ten?",
        .choices = { "yes, ten each", "not necessarily: whoever is free takes the next",
                     "one worker does them all" },
        .answer = 'b',
        .explains = "Workers are made once and used again and again. Nobody deals the tasks "
                    "out: who is free takes the next one, so a worker that was held up, or woke "
                    "late, does fewer. That is what makes pools good at tasks of different "
                    "length.",
        .next = "--break hands them over in chunks of ten: who takes a chunk, takes ten, and "
                "nine tasks wait for the slow one. Let no task be slow: who does how many?",
        .breaks = "tasks are handed over in chunks of ten.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
