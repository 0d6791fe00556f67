/* The real interpreter as a peer: runs peer.py, which runs the Python versions of the kernels. */
#ifndef FB_PEER_H
#define FB_PEER_H

#include "harness/harness.h"

/* open for all these harnesses; mode is one of peer.py's modes. */
int fb_peer_open(const char *mode, const struct fb_setting *setting, struct fb_pool **ret_pool,
                 struct fb_error *error);

/* Finds one of the Python programs, relative to the executable's folder: in the build tree or where
 * it is installed. 0, or -ENOPKG with *error. */
int fb_peer_program(const char *name, char *ret_path, size_t size, struct fb_error *error);

/* The other functions of fb_harness, common to all. A variant is a path, a name on the PATH, or a
 * version ("3.12"). */
int fb_peer_find(const char *variant, char *ret_variant, size_t size, struct fb_error *error);
int fb_peer_variants(char ***ret_names);
bool fb_peer_supports(const struct fb_kernel *kernel);
int fb_peer_run(struct fb_pool *pool, const struct fb_job *job, struct fb_report *report,
                struct fb_error *error);
void fb_peer_close(struct fb_pool *pool);
void fb_peer_describe(const struct fb_pool *pool, char *text, size_t size);

/* Defines the harness for one of those modes. `over`: the base of its speedups, or NULL. */
#define FB_PEER_HARNESS(id, called, words, mode, over)                                             \
    static int open_pool(const struct fb_setting *setting, struct fb_pool **ret_pool,              \
                         struct fb_error *error)                                                   \
    {                                                                                              \
        return fb_peer_open(mode, setting, ret_pool, error);                                       \
    }                                                                                              \
    const struct fb_harness fb_harness_##id = {                                                    \
        .name = called,                                                                            \
        .summary = words,                                                                          \
        .interpreter = true,                                                                       \
        .takes_variant = true,                                                                     \
        .base = over,                                                                              \
        .find = fb_peer_find,                                                                      \
        .variants = fb_peer_variants,                                                              \
        .supports = fb_peer_supports,                                                              \
        .open = open_pool,                                                                         \
        .run = fb_peer_run,                                                                        \
        .close = fb_peer_close,                                                                    \
        .describe = fb_peer_describe,                                                              \
    }

#endif
