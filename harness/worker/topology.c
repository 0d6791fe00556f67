#include "harness/worker/topology.h"

#include <errno.h>
#include <hwloc.h>
#include <stdlib.h>

/* Loads the topology of the CPUs that this process may use; the caller destroys it. 0 or
 * -ENODEV. */
static int load(hwloc_topology_t *ret_topology)
{
    if (hwloc_topology_init(ret_topology) < 0)
        return -ENODEV;
    /* By default hwloc leaves out CPUs forbidden by cgroups, but not those forbidden by the
     * affinity. */
    hwloc_topology_set_flags(*ret_topology, HWLOC_TOPOLOGY_FLAG_IS_THISSYSTEM |
                                                HWLOC_TOPOLOGY_FLAG_RESTRICT_TO_CPUBINDING);
    if (hwloc_topology_load(*ret_topology) == 0)
        return 0;
    hwloc_topology_destroy(*ret_topology);
    return -ENODEV;
}

static unsigned count(hwloc_topology_t topology, hwloc_obj_type_t type)
{
    int objects = hwloc_get_nbobjs_by_type(topology, type);
    return objects > 0 ? (unsigned)objects : 0;
}

int fb_topology_read(struct fb_topology *ret_topology)
{
    hwloc_topology_t topology;
    int result = load(&topology);
    if (result < 0)
        return result;
    *ret_topology = (struct fb_topology){
        .packages = count(topology, HWLOC_OBJ_PACKAGE),
        .numa_nodes = count(topology, HWLOC_OBJ_NUMANODE),
        .cores = count(topology, HWLOC_OBJ_CORE),
        .threads = count(topology, HWLOC_OBJ_PU),
    };
    hwloc_obj_t core = NULL;
    while ((core = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_CORE, core))) {
        int threads = hwloc_bitmap_weight(core->cpuset);
        if (threads > (int)ret_topology->threads_per_core)
            ret_topology->threads_per_core = (unsigned)threads;
    }
    hwloc_topology_destroy(topology);
    return 0;
}

int fb_topology_choose(unsigned count, unsigned *ret_cpus)
{
    hwloc_topology_t topology;
    int result = load(&topology);
    if (result < 0)
        return result;
    result = -ENODEV;
    hwloc_bitmap_t *sets = calloc(count, sizeof *sets);
    hwloc_obj_t root = hwloc_get_root_obj(topology);
    int available = hwloc_bitmap_weight(root->cpuset);
    unsigned distinct = available > 0 && (unsigned)available < count ? (unsigned)available : count;
    if (sets && available > 0 &&
        hwloc_distrib(topology, &root, 1, sets, distinct, INT_MAX, 0) == 0) {
        for (unsigned i = 0; i < count; i++)
            ret_cpus[i] = (unsigned)hwloc_bitmap_first(sets[i % distinct]);
        result = 0;
    }
    for (unsigned i = 0; sets && i < count; i++)
        hwloc_bitmap_free(sets[i]);
    free(sets);
    hwloc_topology_destroy(topology);
    return result;
}
