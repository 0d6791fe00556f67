/* How many CPUs this process may use; binding a thread to one of them. */
#ifndef FB_CPUS_H
#define FB_CPUS_H

#include "base/cgroup.h"

#include <stdbool.h>

struct fb_cpus {
    unsigned online;         /* in the machine */
    unsigned allowed;        /* by affinity (taskset, cpuset) */
    struct fb_cgroup cgroup; /* quota and cpuset */
    double effective;        /* min(allowed, quota): 1.5 is possible */
    unsigned workers;        /* max(1, floor(effective)): the default number of workers */
};

/* Reads sched_getaffinity and the cgroup files, without caching. */
void fb_cpus_read(struct fb_cpus *ret_cpus);

/* The same with the cgroup files under another root, for tests. */
void fb_cpus_read_at(const char *root, struct fb_cpus *ret_cpus);

/* Whether the calling thread may run on that CPU. */
bool fb_cpus_may_use(unsigned cpu);

/* Binds the calling thread to one CPU. 0 or a negative errno. */
int fb_cpus_bind(unsigned cpu);

#endif
