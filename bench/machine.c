#include "machine.h"

#include "commit.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* x86 names its model; aarch64 has numbers only, then the architecture must do. */
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
#ifdef __clang__
    snprintf(machine->compiler, sizeof machine->compiler, "clang %s", __clang_version__);
#else
    snprintf(machine->compiler, sizeof machine->compiler, "gcc %s", __VERSION__);
#endif
    strftime(machine->utc, sizeof machine->utc, "%Y-%m-%dT%H:%M:%SZ", &utc);
    strftime(machine->stamp, sizeof machine->stamp, "%Y%m%dT%H%M%SZ", &utc);
    snprintf(machine->commit, sizeof machine->commit, "%s", FB_COMMIT);
    machine->memory_mib = (unsigned long)sysconf(_SC_PHYS_PAGES) *
                          ((unsigned long)sysconf(_SC_PAGESIZE) / 1024) / 1024;
    fb_cpus_read(&machine->cpus);
}

json_t *fb_machine_json(const struct fb_machine *machine)
{
    json_t *quota = machine->cpus.quota > 0 ? json_real(machine->cpus.quota) : json_null();
    return json_pack("{ss ss ss sI si si so si}", "cpu", machine->cpu, "kernel", machine->kernel,
                     "compiler", machine->compiler, "memory_mib", (json_int_t)machine->memory_mib,
                     "cpus_online", (int)machine->cpus.online, "cpus_allowed",
                     (int)machine->cpus.allowed, "cpu_quota", quota, "cpus_effective",
                     (int)machine->cpus.effective);
}
