/* Packages, cores and hardware threads, read by hwloc. Reading takes milliseconds: do it once per
 * run. */
#ifndef FB_TOPOLOGY_H
#define FB_TOPOLOGY_H

/* Counts only the CPUs that this process may use. */
struct fb_topology {
    unsigned packages, numa_nodes, cores, threads;
    unsigned threads_per_core; /* of the largest core; above 1: there are SMT siblings */
};

/* 0, or -ENODEV: the topology can't be read. */
int fb_topology_read(struct fb_topology *ret_topology);

/* Chooses a CPU for each of `count` workers among the allowed ones, spread over the cores
 * (hwloc_distrib). With more workers than CPUs, the CPUs are reused in turn. 0, or -ENODEV: the
 * topology can't be read. */
int fb_topology_choose(unsigned count, unsigned *ret_cpus);

#endif
