/* What the CPUs share, by hwloc. Loading it takes milliseconds: once a run. */
#ifndef FB_TOPOLOGY_H
#define FB_TOPOLOGY_H

/* Of the CPUs that this process may use. */
struct fb_topology {
    unsigned packages, numa_nodes, cores, threads;
    unsigned threads_per_core; /* the most that share one core: above 1 means SMT siblings */
};

/* 0, or -ENODEV when the topology can't be read. */
int fb_topology_read(struct fb_topology *ret_topology);

/* Chooses CPUs for count workers, far apart first (hwloc's distribution over cores), within what is
 * allowed; more workers than CPUs go round. 0, or -ENODEV when the topology can't be read. */
int fb_topology_choose(unsigned count, unsigned *ret_cpus);

#endif
