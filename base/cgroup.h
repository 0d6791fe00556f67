/* The limits set by this process's control groups, of version 1 or 2. */
#ifndef FB_CGROUP_H
#define FB_CGROUP_H

#include <stddef.h>

#define FB_CGROUP_TEXT 128

struct fb_cgroup {
    double quota;                /* CPUs: the smallest of the group and its ancestors; 0: none */
    char quota_from[64];         /* "cgroup v2 cpu.max 150000/100000 us"; "" for none */
    char cpuset[FB_CGROUP_TEXT]; /* allowed CPUs in the kernel's notation: "0-3,8"; "" if no
                                  * cpuset is found */
    char stat_path[1200];        /* cpu.stat of the group with that quota, which counts throttling;
                                  * "" for none */
};

/* Reads the groups listed in /proc/self/cgroup. root is put before every path: "" for this machine,
 * or a folder with a copy of the files. */
void fb_cgroup_read(const char *root, struct fb_cgroup *ret_cgroup);

/* Reads from cpu.stat for how many ns, since the group was made, its threads were throttled because
 * the quota was used up. 0 and *ret_ns, or -ENOENT if that isn't known. */
int fb_cgroup_throttled(const struct fb_cgroup *cgroup, unsigned long long *ret_ns);

#endif
