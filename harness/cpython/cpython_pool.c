/* A peer: CPython's multiprocessing.Pool (fork). */
#include "peer.h"

static int open_pool(const struct fb_setting *setting, struct fb_pool **ret_pool,
                     struct fb_error *error)
{
    return fb_peer_open("pool", setting, ret_pool, error);
}

const struct fb_harness fb_harness_cpython_pool = {
    .name = "cpython-pool",
    .summary = "a peer: CPython's multiprocessing.Pool (fork)",
    .interpreter = true,
    .takes_variant = true,
    .base = "cpython-single",
    .find = fb_peer_find,
    .variants = fb_peer_variants,
    .supports = fb_peer_supports,
    .open = open_pool,
    .run = fb_peer_run,
    .close = fb_peer_close,
    .describe = fb_peer_describe,
};
