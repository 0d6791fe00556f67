/* A worker is a forked process. Jobs, claims and results are in shared memory; nothing is copied or
 * sent through a pipe. */
#include "harness/native/shared_pool.h"

static int open_pool(const struct fb_setting *setting, struct fb_pool **ret_pool,
                     struct fb_error *error)
{
    return fb_shared_pool_open("forkpool", FB_MP_FORK, setting, ret_pool, error);
}

const struct fb_harness fb_harness_forkpool = {
    .name = "forkpool",
    .summary = "a pool of forked processes; jobs, claims and results in shared memory",
    .native = true,
    .base = "single",
    .open = open_pool,
    .run = fb_shared_pool_run,
    .close = fb_shared_pool_close,
};
