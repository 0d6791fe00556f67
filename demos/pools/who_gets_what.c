/* Forty tasks, four workers: which worker did which task? */
#include "demos/lesson/lesson.h"

#include "base/error.h"
#include "harness/mp/pool/map.h"
#include "harness/mp/pool/pool.h"
#include "harness/mp/sync/sync.h"
#include "harness/mp/sync/value.h"

#include <stdio.h>
#include <unistd.h>

#define TASKS 40

/* In shared memory, for all workers. */
struct shared {
    struct fb_mp_event *others_done;
    struct fb_mp_array *done; /* how many of the others are done */
};

/* Task 0 waits until all others are done. With --break it does not wait long, because tasks of its own chunk come
 * after it. */
static int who(struct fb_mp_call *call)
{
    const struct shared *shared = call->bound;
    int pid = (int)getpid();
    if (*(const int *)call->argument == 0)
        fb_mp_event_wait(shared->others_done, (lesson_is_broken() ? 1 : 60) * FB_MP_SECOND / 2);
    else if (__atomic_add_fetch((int *)shared->done->items, 1, __ATOMIC_SEQ_CST) == TASKS - 1)
        fb_mp_event_set(shared->others_done);
    return fb_mp_return(call, &pid, sizeof pid);
}

/* Shows a bar for each worker. Returns how many tasks the worker of task 0 did. */
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
        snprintf(name[k], sizeof name[k], "another worker");
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
    struct shared shared;
    int pid[TASKS], number[TASKS];
    for (int i = 0; i < TASKS; i++)
        number[i] = i;
    lesson_need(fb_mp_event_make(&shared.others_done), "make an event");
    lesson_need(FB_MP_VALUE(int, false, &shared.done), "make a shared number");
    lesson_need(fb_mp_pool_open(&(struct fb_mp_pool_options){ .workers = 4 }, &pool, &error),
                "open a pool");
    /* With chunks of ten, the worker that takes task 0 takes nine more tasks. */
    const struct fb_mp_map_options options = { .bound = &shared,
                                               .bound_size = sizeof shared,
                                               .chunk = lesson_is_broken() ? 10 : 1 };
    lesson_need(
        fb_mp_map(pool, who, number, TASKS, sizeof *number, pid, sizeof *pid, &options, &error),
        "map");
    lesson_fact(show(pid) == 1,
                "the worker of the first task does only that one, and the others do 39");
    fb_mp_event_free(shared.others_done);
    fb_mp_array_free(shared.done);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "who_gets_what",
        .title = "Who gets which task",
        .rows = "M2 W10",
        .question = "A pool of four workers gets forty tasks, one by one. The first task "
                    "takes longer than all others together. Does each worker do ten?",
        .choices = { "yes, ten each", "not necessarily: each free worker takes the next task",
                     "one worker does them all" },
        .answer = 'b',
        .explains = "Workers are started once and used for many tasks. The tasks are not "
                    "distributed in advance: each worker that becomes free takes the next "
                    "one, so a worker with a long task, or one that started late, does fewer. "
                    "That is why pools suit tasks of different length.",
        .next = "--break hands out chunks of ten: the worker that takes a chunk takes ten "
                "tasks, and nine of them wait for the slow one. If no task is slow, how "
                "many tasks does each worker do?",
        .breaks = "tasks are handed out in chunks of ten.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
