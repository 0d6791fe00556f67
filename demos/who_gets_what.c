/* Forty tasks, four workers: who did which? */
#include "lesson.h"

#include "base/error.h"
#include "harness/mp/map.h"
#include "harness/mp/pool.h"

#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#define TASKS 40

static int who(struct fb_mp_call *call)
{
    int pid = (int)getpid();
    sched_yield(); /* gives the others a chance */
    return fb_mp_return(call, &pid, sizeof pid);
}

static void run(void)
{
    FB_MP_POOL_SCOPED(pool) = NULL;
    struct fb_error error;
    int pid[TASKS], worker[TASKS], workers = 0;
    double tasks[TASKS] = { 0 };
    char name[TASKS][16];
    const char *label[TASKS];
    const struct fb_mp_pool_options options = { .workers = 4,
                                                .tasks_per_worker = lesson_is_broken() ? 1 : 0 };
    lesson_need(fb_mp_pool_open(&options, &pool, &error), "open a pool");
    const struct fb_mp_map_options one_by_one = { .chunk = 1 };
    lesson_need(fb_mp_map(pool, who, NULL, TASKS, 0, pid, sizeof *pid, &one_by_one, &error), "map");
    for (int i = 0; i < TASKS; i++) {
        int k = 0;
        while (k < workers && worker[k] != pid[i])
            k++;
        if (k == workers) {
            worker[workers++] = pid[i];
            snprintf(name[k], sizeof name[k], "%d", pid[i]);
            label[k] = name[k];
        }
        tasks[k]++;
    }
    lesson_bars("tasks", (size_t)workers, label, tasks);
    lesson_fact(workers <= 4, "forty tasks were done by no more than four processes");
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "who_gets_what",
        .title = "Who gets which task",
        .rows = "M2 W10",
        .question = "A pool of four workers is given forty small tasks, one by one. Does each "
                    "worker do ten?",
        .choices = { "yes, ten each", "not necessarily: whoever is free takes the next",
                     "one worker does them all" },
        .answer = 'b',
        .explains = "Workers are made once and used again and again. Nobody deals the tasks "
                    "out: who is free takes the next one, so a worker that was held up, or woke "
                    "late, does fewer. That is what makes pools good at tasks of different "
                    "length.",
        .next = "Let task 0 take a second: the others do the rest meanwhile. Give chunk = "
                "10: who takes a chunk, takes ten.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
