/* Many small tasks: a process for each, and a pool. */
#include "demos/lesson/lesson.h"

#include "base/error.h"
#include "harness/mp/pool/map.h"
#include "harness/mp/pool/pool.h"

#include <stdio.h>

#define ROUNDS 7
#define COUNTS 3

static const int counts[COUNTS] = { 1, 10, 100 };

static int small(struct fb_mp_call *call)
{
    (void)call;
    return 0;
}

static int small_process(const void *argument, size_t size)
{
    (void)argument, (void)size;
    return 0;
}

/* Returns us for all tasks, including starting and ending the processes. */
static double by_processes(int count)
{
    int64_t start = fb_mp_now();
    for (int i = 0; i < count; i++) {
        lesson_start(small_process, NULL, 0);
        lesson_join_all();
    }
    return (double)(fb_mp_now() - start) / 1e3;
}

static double by_pool(int count)
{
    FB_MP_POOL_SCOPED(pool) = NULL;
    struct fb_error error;
    int64_t start = fb_mp_now();
    lesson_need(fb_mp_pool_open(&(struct fb_mp_pool_options){ .workers = 2 }, &pool, &error),
                "open a pool");
    const struct fb_mp_map_options one_by_one = { .chunk = 1 };
    lesson_need(fb_mp_map(pool, small, NULL, (size_t)count, 0, NULL, 0, &one_by_one, &error),
                "map");
    fb_mp_pool_close(pool);
    pool = NULL;
    return (double)(fb_mp_now() - start) / 1e3;
}

static void run(void)
{
    double each[COUNTS][ROUNDS], pool[COUNTS][ROUNDS], shown[2 * COUNTS];
    char name[2 * COUNTS][40];
    const char *label[2 * COUNTS];
    by_pool(1); /* starts the forkserver, which keeps running */
    for (int i = 0; i < ROUNDS; i++)
        for (int k = 0; k < COUNTS; k++) {
            each[k][i] = by_processes(counts[k]);
            pool[k][i] = lesson_is_broken() ? by_processes(counts[k]) : by_pool(counts[k]);
        }
    for (int k = 0; k < COUNTS; k++) {
        snprintf(name[2 * k], sizeof *name, "%d tasks, a process each", counts[k]);
        snprintf(name[2 * k + 1], sizeof *name, "%d tasks, a pool", counts[k]);
        shown[2 * k] = fb_median(each[k], ROUNDS);
        shown[2 * k + 1] = fb_median(pool[k], ROUNDS);
    }
    for (int k = 0; k < 2 * COUNTS; k++)
        label[k] = name[k];
    lesson_bars("us", 2 * COUNTS, label, shown);
    struct fb_interval ratio = fb_ratio_interval(each[COUNTS - 1], pool[COUNTS - 1], ROUNDS);
    lesson_measured(ratio.low > 2, "a hundred small tasks take less than half the time in a pool, "
                                   "compared with a process each");
    lesson_claim("C12", "creating and ending processes often is slow; a pool is better", ratio,
                 "times as long, 100 tasks", lesson_is_above(ratio, 1), NULL);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "pool_or_new",
        .title = "A pool, or a process for each task?",
        .rows = "M2 C12",
        .question = "A hundred small tasks: do you start a process for each, or open a pool "
                    "of two workers? And for a single task?",
        .choices = { "a process each: it is simpler and as fast",
                     "the pool for a hundred; for one it makes little difference" },
        .answer = 'b',
        .explains = "Starting and ending a process takes hundreds of microseconds; a task for "
                    "a running worker takes about one microsecond. The cost of starting the "
                    "pool is paid once. So the pool is faster from a few tasks on; for a "
                    "single task there is little difference.",
        .next = "Let the parent have a gigabyte of memory: a fork copies its page tables. "
                "From how many tasks on is the pool faster then?",
        .breaks = "the \"pool\" starts a process for each task too.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
