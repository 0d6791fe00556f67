/* The real interpreter as a peer: drives peer.py, which runs the Python twins of the kernels. */
#ifndef FB_PEER_H
#define FB_PEER_H

#include "harness/harness.h"

/* What the three harnesses have in common; mode is "single", "thread" or "process". */
int fb_peer_open(const char *mode, const struct fb_setting *setting, struct fb_pool **ret_pool,
                 struct fb_error *error);

/* Where one of the Python programs is: beside the executable's folder, in the build tree or where
 * it was installed. 0, or -ENOPKG with *error. */
int fb_peer_program(const char *name, char *ret_path, size_t size, struct fb_error *error);

/* The other members of fb_harness, the same for all three. */
int fb_peer_find(const char *variant, char *ret_variant, size_t size, struct fb_error *error);
bool fb_peer_supports(const struct fb_kernel *kernel);
int fb_peer_run(struct fb_pool *pool, const struct fb_job *job, struct fb_report *report,
                struct fb_error *error);
void fb_peer_close(struct fb_pool *pool);
void fb_peer_describe(const struct fb_pool *pool, char *text, size_t size);

#endif
