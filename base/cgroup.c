#include "base/cgroup.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define PATH 1100

/* Reads the first line of folder/name, without the newline. True, or false and "" if there is none. */
static bool read_line(const char *folder, const char *name, char *text, int size)
{
    char path[PATH + 64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "re");
    text[0] = '\0';
    if (!file)
        return false;
    if (!fgets(text, size, file))
        text[0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    fclose(file);
    return text[0] != '\0';
}

struct quota {
    long long us, period_us;
};

static bool read_quota_v2(const char *folder, struct quota *ret_quota)
{
    char text[64];
    return read_line(folder, "cpu.max", text, sizeof text) &&
           sscanf(text, "%lld %lld", &ret_quota->us, &ret_quota->period_us) == 2; /* or "max" */
}

static bool read_quota_v1(const char *folder, struct quota *ret_quota)
{
    char quota[64], period[64];
    return read_line(folder, "cpu.cfs_quota_us", quota, sizeof quota) &&
           read_line(folder, "cpu.cfs_period_us", period, sizeof period) &&
           sscanf(quota, "%lld", &ret_quota->us) == 1 &&
           sscanf(period, "%lld", &ret_quota->period_us) == 1;
}

/* The differences between the versions. */
static const struct version {
    unsigned number;
    const char *cpu, *cpuset; /* where the controllers are mounted */
    bool (*read_quota)(const char *folder, struct quota *ret_quota);
    const char *quota_file, *cpuset_file;
} versions[] = {
    { 1, "/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpuset", read_quota_v1, "cpu.cfs_quota_us",
      "cpuset.effective_cpus" },
    { 2, "/sys/fs/cgroup", "/sys/fs/cgroup", read_quota_v2, "cpu.max", "cpuset.cpus.effective" },
    /* systemd's hybrid mode mounts version 2 here, beside version 1. */
    { 2, "/sys/fs/cgroup/unified", "/sys/fs/cgroup/unified", read_quota_v2, "cpu.max",
      "cpuset.cpus.effective" },
};

/* Removes the last part of the path; false if there is none. */
static bool go_up(char *group)
{
    char *slash = strrchr(group, '/');
    if (slash)
        *slash = '\0';
    return slash != NULL;
}

/* Finds the smallest quota of this group and its ancestors. Skips groups that don't exist: in a
 * container, its own group may be mounted as the root. */
static void take_quota(const struct version *version, const char *root, const char *group,
                       struct fb_cgroup *cgroup)
{
    char here[PATH / 2], folder[PATH];
    snprintf(here, sizeof here, "%s", group);
    do {
        struct quota quota;
        snprintf(folder, sizeof folder, "%.200s%s%s", root, version->cpu, here);
        if (!version->read_quota(folder, &quota) || quota.us <= 0 || quota.period_us <= 0)
            continue;
        double cpus = (double)quota.us / (double)quota.period_us;
        if (cgroup->quota > 0 && cgroup->quota <= cpus)
            continue;
        cgroup->quota = cpus;
        snprintf(cgroup->stat_path, sizeof cgroup->stat_path, "%s/cpu.stat", folder);
        snprintf(cgroup->quota_from, sizeof cgroup->quota_from, "cgroup v%u %s %lld/%lld us",
                 version->number, version->quota_file, quota.us, quota.period_us);
    } while (go_up(here));
}

static void take_cpuset(const struct version *version, const char *root, const char *group,
                        struct fb_cgroup *cgroup)
{
    char here[PATH / 2], folder[PATH];
    snprintf(here, sizeof here, "%s", group);
    do {
        snprintf(folder, sizeof folder, "%.200s%s%s", root, version->cpuset, here);
        if (read_line(folder, version->cpuset_file, cgroup->cpuset, sizeof cgroup->cpuset))
            return;
    } while (go_up(here));
}

/* Whether a comma-separated list contains this word. */
static bool has_word(const char *list, const char *wanted)
{
    size_t length = strlen(wanted);
    for (const char *word = list; word; word = strchr(word, ',')) {
        word += *word == ',';
        if (strncmp(word, wanted, length) == 0 && (word[length] == ',' || word[length] == '\0'))
            return true;
    }
    return false;
}

/* Evaluates a line of /proc/self/cgroup: "4:cpu,cpuacct:/group", or "0::/group" for version 2. */
static void take_line(const char *root, char *line, struct fb_cgroup *cgroup)
{
    char *controllers = strchr(line, ':');
    char *group = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!group)
        return;
    *group++ = '\0';
    controllers++;
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        bool second = !*controllers;
        if ((versions[i].number == 2) != second)
            continue;
        if (second || has_word(controllers, "cpu"))
            take_quota(&versions[i], root, group, cgroup);
        if ((second || has_word(controllers, "cpuset")) && !cgroup->cpuset[0])
            take_cpuset(&versions[i], root, group, cgroup);
    }
}

void fb_cgroup_read(const char *root, struct fb_cgroup *ret_cgroup)
{
    char path[PATH], line[PATH / 2];
    *ret_cgroup = (struct fb_cgroup){ 0 };
    snprintf(path, sizeof path, "%.200s/proc/self/cgroup", root);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        take_line(root, line, ret_cgroup);
    }
    if (file)
        fclose(file);
}

int fb_cgroup_throttled(const struct fb_cgroup *cgroup, unsigned long long *ret_ns)
{
    char line[128];
    unsigned long long value;
    FILE *file = cgroup->stat_path[0] ? fopen(cgroup->stat_path, "re") : NULL;
    if (!file)
        return -ENOENT;
    int result = -ENOENT;
    while (result < 0 && fgets(line, sizeof line, file)) {
        unsigned scale = 0;
        if (sscanf(line, "throttled_usec %llu", &value) == 1)
            scale = 1000;
        else if (sscanf(line, "throttled_time %llu", &value) == 1) /* version 1: in ns */
            scale = 1;
        if (scale) {
            *ret_ns = value * scale;
            result = 0;
        }
    }
    fclose(file);
    return result;
}
