#include "bench/host/machine.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* x86 has a model name; aarch64 has numbers only, so there the architecture is used. */
static void read_cpu(char *text, size_t size, const char *architecture)
{
    FILE *file = fopen("/proc/cpuinfo", "re");
    char line[256];
    snprintf(text, size, "%s", architecture);
    while (file && fgets(line, sizeof line, file)) {
        char *value = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !value)
            continue;
        value[strcspn(value, "\n")] = '\0';
        snprintf(text, size, "%s", value + 2);
        break;
    }
    if (file)
        fclose(file);
}

void fb_machine_read(struct fb_machine *ret_machine)
{
    struct fb_machine *machine = ret_machine;
    struct utsname name;
    struct tm utc;
    time_t now = time(NULL);
    uname(&name);
    gmtime_r(&now, &utc);
    read_cpu(machine->cpu, sizeof machine->cpu, name.machine);
    snprintf(machine->kernel, sizeof machine->kernel, "%.20s %.70s", name.sysname, name.release);
    strftime(machine->utc, sizeof machine->utc, "%Y-%m-%dT%H:%M:%SZ", &utc);
    strftime(machine->stamp, sizeof machine->stamp, "%Y%m%dT%H%M%SZ", &utc);
    machine->memory_mib = (unsigned long)sysconf(_SC_PHYS_PAGES) *
                          ((unsigned long)sysconf(_SC_PAGESIZE) / 1024) / 1024;
    fb_cpus_read(&machine->cpus);
    if (fb_topology_read(&machine->topology) < 0)
        machine->topology = (struct fb_topology){ 0 };
}

json_t *fb_machine_json(const struct fb_machine *machine)
{
    const struct fb_cpus *cpus = &machine->cpus;
    const struct fb_cgroup *cgroup = &cpus->cgroup;
    const struct fb_topology *topology = &machine->topology;
    json_t *quota = cgroup->quota > 0 ? json_real(cgroup->quota) : json_null();
    json_t *root =
        json_pack("{ss ss sI si si so ss ss sf si}", "cpu", machine->cpu, "kernel", machine->kernel,
                  "memory_mib", (json_int_t)machine->memory_mib, "cpus_online", (int)cpus->online,
                  "cpus_allowed", (int)cpus->allowed, "cpu_quota", quota, "cpu_quota_from",
                  cgroup->quota_from, "cpuset", cgroup->cpuset, "cpus_effective", cpus->effective,
                  "workers_default", (int)cpus->workers);
    if (topology->threads == 0)
        json_object_set_new(root, "topology", json_string("unavailable: hwloc can't read it"));
    else
        json_object_set_new(root, "topology",
                            json_pack("{si si si si si}", "packages", (int)topology->packages,
                                      "numa_nodes", (int)topology->numa_nodes, "cores",
                                      (int)topology->cores, "threads", (int)topology->threads,
                                      "threads_per_core", (int)topology->threads_per_core));
    return root;
}
