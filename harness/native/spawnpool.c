/* A worker is a new process that runs this program (spawn). It shares everything as in forkpool. */
#include "harness/native/shared_pool.h"

static int open_pool(const struct fb_setting *setting, struct fb_pool **ret_pool,
                     struct fb_error *error)
{
    return fb_shared_pool_open("spawnpool", FB_MP_SPAWN, setting, ret_pool, error);
}

const struct fb_harness fb_harness_spawnpool = {
    .name = "spawnpool",
    .summary = "as forkpool, but a worker is a spawned process",
    .native = true,
    .base = "single",
    .open = open_pool,
    .run = fb_shared_pool_run,
    .close = fb_shared_pool_close,
};
