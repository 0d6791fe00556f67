#include "base/cpus.h"

#include <errno.h>
#include <sched.h>
#include <unistd.h>

/* The CPUs that the calling thread may use; the caller frees the set. NULL if they can't be read. */
static cpu_set_t *read_allowed(size_t *ret_size)
{
    /* The kernel's mask may be larger than cpu_set_t: double the size until it fits. */
    for (int cpus = CPU_SETSIZE; cpus <= 1 << 16; cpus *= 2) {
        cpu_set_t *set = CPU_ALLOC(cpus);
        *ret_size = CPU_ALLOC_SIZE(cpus);
        if (set && sched_getaffinity(0, *ret_size, set) == 0)
            return set;
        CPU_FREE(set);
    }
    return NULL;
}

static unsigned count_allowed(unsigned online)
{
    size_t size;
    cpu_set_t *set = read_allowed(&size);
    unsigned count = set ? (unsigned)CPU_COUNT_S(size, set) : 0;
    CPU_FREE(set);
    return count ? count : online;
}

bool fb_cpus_may_use(unsigned cpu)
{
    size_t size;
    cpu_set_t *set = read_allowed(&size);
    bool may = set && cpu < 8 * size && CPU_ISSET_S(cpu, size, set);
    CPU_FREE(set);
    return may;
}

void fb_cpus_read_at(const char *root, struct fb_cpus *ret_cpus)
{
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    ret_cpus->online = online > 0 ? (unsigned)online : 1;
    ret_cpus->allowed = count_allowed(ret_cpus->online);
    fb_cgroup_read(root, &ret_cpus->cgroup);
    double quota = ret_cpus->cgroup.quota;
    ret_cpus->effective = ret_cpus->allowed;
    if (quota > 0 && quota < ret_cpus->effective)
        ret_cpus->effective = quota;
    ret_cpus->workers = ret_cpus->effective < 1 ? 1 : (unsigned)ret_cpus->effective;
}

void fb_cpus_read(struct fb_cpus *ret_cpus)
{
    fb_cpus_read_at("", ret_cpus);
}

int fb_cpus_bind(unsigned cpu)
{
    cpu_set_t *set = CPU_ALLOC(cpu + 1);
    size_t size = CPU_ALLOC_SIZE(cpu + 1);
    if (!set)
        return -ENOMEM;
    CPU_ZERO_S(size, set);
    CPU_SET_S(cpu, size, set);
    int result = sched_setaffinity(0, size, set) == 0 ? 0 : -errno;
    CPU_FREE(set);
    return result;
}
