#include "cpus.h"

#include <errno.h>
#include <hwloc.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static double read_v2(const char *folder)
{
    char path[1200], text[64] = "";
    snprintf(path, sizeof path, "%s/cpu.max", folder);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    double quota = 0, period = 0;
    if (fgets(text, sizeof text, file) && sscanf(text, "%lf %lf", &quota, &period) != 2)
        quota = 0; /* "max 100000" */
    fclose(file);
    return period > 0 ? quota / period : 0;
}

static double read_number(const char *folder, const char *name)
{
    char path[1200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "re");
    double number = 0;
    if (file && fscanf(file, "%lf", &number) != 1)
        number = 0;
    if (file)
        fclose(file);
    return number;
}

static double read_v1(const char *folder)
{
    double quota = read_number(folder, "cpu.cfs_quota_us"); /* -1: none */
    double period = read_number(folder, "cpu.cfs_period_us");
    return quota > 0 && period > 0 ? quota / period : 0;
}

/* The least quota of this group and of those above it. */
static double walk_up(const char *root, char *group, double (*read)(const char *))
{
    double least = 0;
    for (;;) {
        char folder[1100];
        snprintf(folder, sizeof folder, "%s%s", root, group);
        double quota = read(folder);
        if (quota > 0 && (least == 0 || quota < least))
            least = quota;
        char *slash = strrchr(group, '/');
        if (!slash)
            return least;
        *slash = '\0';
    }
}

static bool names_cpu(const char *controllers)
{
    for (const char *word = controllers; word; word = strchr(word, ',')) {
        word += *word == ',';
        if (strncmp(word, "cpu", 3) == 0 && (word[3] == ',' || word[3] == '\0'))
            return true;
    }
    return false;
}

static double read_quota(void)
{
    FILE *file = fopen("/proc/self/cgroup", "re");
    double least = 0;
    char line[1024];
    while (file && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':');
        char *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group)
            continue;
        *group++ = '\0';
        controllers++;
        double quota = 0;
        if (!*controllers)
            quota = walk_up("/sys/fs/cgroup", group, read_v2);
        else if (names_cpu(controllers))
            quota = walk_up("/sys/fs/cgroup/cpu", group, read_v1);
        if (quota > 0 && (least == 0 || quota < least))
            least = quota;
    }
    if (file)
        fclose(file);
    return least;
}

static unsigned count_allowed(unsigned online)
{
    /* The kernel's mask may be wider than cpu_set_t: grow until it fits. */
    for (int cpus = CPU_SETSIZE; cpus <= 1 << 16; cpus *= 2) {
        cpu_set_t *set = CPU_ALLOC(cpus);
        size_t size = CPU_ALLOC_SIZE(cpus);
        int result = set ? sched_getaffinity(0, size, set) : -1;
        unsigned count = result == 0 ? (unsigned)CPU_COUNT_S(size, set) : 0;
        CPU_FREE(set);
        if (count)
            return count;
    }
    return online;
}

void fb_cpus_read(struct fb_cpus *ret_cpus)
{
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    ret_cpus->online = online > 0 ? (unsigned)online : 1;
    ret_cpus->allowed = count_allowed(ret_cpus->online);
    ret_cpus->quota = read_quota();
    double effective = ret_cpus->allowed;
    if (ret_cpus->quota > 0 && ret_cpus->quota < effective)
        effective = ret_cpus->quota;
    ret_cpus->effective = effective < 1 ? 1 : (unsigned)effective;
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

int fb_cpus_choose(unsigned count, unsigned *ret_cpus)
{
    hwloc_topology_t topology;
    if (hwloc_topology_init(&topology) < 0)
        return -ENODEV;
    int result = -ENODEV;
    hwloc_bitmap_t *sets = calloc(count, sizeof *sets);
    /* What cgroups forbid is left out by default, what the affinity forbids is not. */
    hwloc_topology_set_flags(topology, HWLOC_TOPOLOGY_FLAG_IS_THISSYSTEM |
                                           HWLOC_TOPOLOGY_FLAG_RESTRICT_TO_CPUBINDING);
    if (!sets || hwloc_topology_load(topology) < 0)
        goto out;
    hwloc_obj_t root = hwloc_get_root_obj(topology);
    int available = hwloc_bitmap_weight(root->cpuset);
    unsigned distinct = available > 0 && (unsigned)available < count ? (unsigned)available : count;
    if (available <= 0 || hwloc_distrib(topology, &root, 1, sets, distinct, INT_MAX, 0) < 0)
        goto out;
    for (unsigned i = 0; i < count; i++)
        ret_cpus[i] = (unsigned)hwloc_bitmap_first(sets[i % distinct]);
    result = 0;
out:
    for (unsigned i = 0; sets && i < count; i++)
        hwloc_bitmap_free(sets[i]);
    free(sets);
    hwloc_topology_destroy(topology);
    return result;
}
