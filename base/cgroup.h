/* What the control groups of this process allow, of either version. */
#ifndef FB_CGROUP_H
#define FB_CGROUP_H

#include <stddef.h>

#define FB_CGROUP_TEXT 128

struct fb_cgroup {
    double quota;                /* CPUs, the least on the way up; 0: none */
    char quota_from[64];         /* "cgroup v2 cpu.max 150000/100000 us"; "" for none */
    char cpuset[FB_CGROUP_TEXT]; /* CPUs that may be used, as the kernel lists them: "0-3,8";
                                  * "" if no cpuset is found */
    char stat_path[1200];        /* the file that counts how often the quota was used up: the
                                  * group's cpu.stat; "" for none */
};

/* Reads what /proc/self/cgroup leads to. root is put before every path: "" for this machine, or
 * a folder with a copy. */
void fb_cgroup_read(const char *root, struct fb_cgroup *ret_cgroup);

/* For how many ns all threads of the group were held back because its quota was used up, since it
 * was made, out of cpu.stat. 0 and *ret_ns, or -ENOENT if that isn't told. */
int fb_cgroup_throttled(const struct fb_cgroup *cgroup, unsigned long long *ret_ns);

#endif
