/* A pool of processes that share the jobs, claims and results with the caller; common to forkpool
 * and spawnpool. If a worker ends, the job ends; if the calling process ends, its workers end
 * too. */
#ifndef FB_SHARED_POOL_H
#define FB_SHARED_POOL_H

#include "harness/harness.h"

#include "harness/mp/process/process.h"

/* The functions of fb_harness. name: of the harness. */
int fb_shared_pool_open(const char *name, enum fb_mp_method method,
                        const struct fb_setting *setting, struct fb_pool **ret_pool,
                        struct fb_error *error);
int fb_shared_pool_run(struct fb_pool *pool, const struct fb_job *job, struct fb_report *report,
                       struct fb_error *error);
void fb_shared_pool_close(struct fb_pool *pool);

#endif
