/* The caller alone, in a plain loop: the base of every speedup. */
#include "harness/worker/worker.h"
#include "base/clock.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct fb_pool {
    struct fb_caller caller; /* only for its binding and yield; the gate is not used */
};

static int open_pool(const struct fb_setting *setting, struct fb_pool **ret_pool,
                     struct fb_error *error)
{
    if (setting->workers != 1)
        return fb_error_set(error, -EINVAL, "single has one worker, not %u: leave out -w",
                            setting->workers);
    struct fb_pool *pool = calloc(1, sizeof *pool);
    int result = pool ? fb_caller_open(&pool->caller, setting, error)
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
    struct fb_team *team = pool->caller.team;
    struct fb_stamps *stamps = fb_team_stamps(team, 0);
    fb_stamps_reset(stamps, 1);
    if (report)
        fb_report_begin(team->report);
    int result = fb_worker_scratch(&pool->caller.worker, job->kernel, job->input);
    if (result < 0)
        return fb_error_set(error, result, "worker 0 could not begin %s: %s", job->kernel->name,
                            strerror(-result));
    if (job->items) {
        if (report)
            team->report->first_ns = fb_now_ns();
        fb_stamp(stamps, FB_EVENT_CHUNK, 0);
        job->kernel->run(job->input, pool->caller.worker.scratch, 0, job->items, job->results,
                         &pool->caller.yield);
    }
    fb_stamp(stamps, FB_EVENT_IDLE, 0);
    if (report) {
        fb_report_end(team->report);
        team->report->chunks = job->items > 0;
        *report = fb_team_report(team);
    }
    return 0;
}

static void close_pool(struct fb_pool *pool)
{
    if (!pool)
        return;
    fb_caller_close(&pool->caller);
    free(pool);
}

const struct fb_harness fb_harness_single = {
    .name = "single",
    .summary = "the caller alone, a plain loop: the base of every speedup",
    .native = true,
    .open = open_pool,
    .run = run,
    .close = close_pool,
};
