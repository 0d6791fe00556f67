/* A pool of processes that share the jobs, claims and results with the caller: what forkpool and
 * spawnpool have in common. A worker that dies ends the job; a process that dies takes its workers
 * with it. */
#ifndef FB_SHARED_POOL_H
#define FB_SHARED_POOL_H

#include "harness/harness.h"

#include "harness/mp/process/process.h"

/* The members of fb_harness; name: the harness'. */
int fb_shared_pool_open(const char *name, enum fb_mp_method method,
                        const struct fb_setting *setting, struct fb_pool **ret_pool,
                        struct fb_error *error);
int fb_shared_pool_run(struct fb_pool *pool, const struct fb_job *job, struct fb_report *report,
                       struct fb_error *error);
void fb_shared_pool_close(struct fb_pool *pool);

#endif
