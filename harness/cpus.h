/* How many CPUs this process may use, and using just one of them. */
#ifndef FB_CPUS_H
#define FB_CPUS_H

struct fb_cpus {
    unsigned online;    /* in the machine */
    unsigned allowed;   /* by affinity (taskset, cpuset) */
    double quota;       /* CPUs by cgroup quota, v1 or v2, the least on the way up; 0: no quota */
    unsigned effective; /* max(1, floor(min(allowed, quota))): the default number of workers */
};

/* Reads them afresh: sched_getaffinity and the files that /proc/self/cgroup leads to. */
void fb_cpus_read(struct fb_cpus *ret_cpus);

/* Confines the calling thread to one CPU. 0 or a negative errno. */
int fb_cpus_bind(unsigned cpu);

/* Chooses CPUs for count workers, far apart first (hwloc's distribution over cores), within what is
 * allowed; more workers than CPUs go round. 0, or -ENODEV when the topology can't be read. */
int fb_cpus_choose(unsigned count, unsigned *ret_cpus);

#endif
