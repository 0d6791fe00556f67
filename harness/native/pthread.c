/* A worker is a thread. */
#include "harness/native/threads.h"

#include <errno.h>
#include <stdlib.h>

struct fb_pool {
    struct fb_threads threads;
};

static int open_pool(const struct fb_setting *setting, struct fb_pool **ret_pool,
                     struct fb_error *error)
{
    struct fb_pool *pool = calloc(1, sizeof *pool);
    int result = pool ? fb_threads_open(&pool->threads, setting, NULL, NULL, error)
                      : fb_error_set(error, -ENOMEM, "out of memory");
    if (result < 0)
        free(pool);
    else
        *ret_pool = pool;
    return result;
}

static int run(struct fb_pool *pool, const struct fb_job *job, struct fb_report *report,
               struct fb_error *error)
{
    return fb_caller_run(&pool->threads.caller, job, report, error);
}

static void close_pool(struct fb_pool *pool)
{
    if (!pool)
        return;
    fb_threads_close(&pool->threads);
    free(pool);
}

const struct fb_harness fb_harness_pthread = {
    .name = "pthread",
    .summary = "a pool of POSIX threads",
    .native = true,
    .base = "single",
    .open = open_pool,
    .run = run,
    .close = close_pool,
};
