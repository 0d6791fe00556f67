#include "bench/host/audit.h"

#include "base/clock.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define CPUS_MOST 4096

/* ---- CPUs ---- */

static unsigned allowed_cpus(cpu_set_t *set, size_t size)
{
    return sched_getaffinity(0, size, set) == 0 ? (unsigned)CPU_COUNT_S(size, set) : 0;
}

/* Sums the lines of /proc/stat of the CPUs in set: "cpu3 user nice system idle iowait irq softirq
 * steal …", in clock ticks. */
static void read_stat(const cpu_set_t *set, size_t size, struct fb_moment *moment)
{
    char line[512];
    long long tick_ns = 1000000000 / sysconf(_SC_CLK_TCK), busy = 0, idle = 0, steal = 0;
    long long value[8];
    unsigned cpu, found = 0;
    FILE *file = fopen("/proc/stat", "re");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "cpu%u %lld %lld %lld %lld %lld %lld %lld %lld", &cpu, &value[0],
                   &value[1], &value[2], &value[3], &value[4], &value[5], &value[6],
                   &value[7]) == 9 &&
            cpu < CPUS_MOST && CPU_ISSET_S(cpu, size, set)) {
            found++;
            busy += value[0] + value[1] + value[2] + value[5] + value[6];
            idle += value[3] + value[4];
            steal += value[7];
        }
    if (file)
        fclose(file);
    moment->busy_ns = found ? fb_optional_of(busy * tick_ns)
                            : fb_optional_missing("/proc/stat does not show these CPUs");
    moment->idle_ns = found ? fb_optional_of(idle * tick_ns) : moment->busy_ns;
    moment->steal_ns = found ? fb_optional_of(steal * tick_ns) : moment->busy_ns;
}

static bool read_number(const char *format, unsigned cpu, long long *ret_number)
{
    char path[128];
    snprintf(path, sizeof path, "%s", "/sys/devices/system/cpu/cpu");
    size_t used = strlen(path);
    snprintf(path + used, sizeof path - used, "%u/%s", cpu, format);
    FILE *file = fopen(path, "re");
    bool good = file && fscanf(file, "%lld", ret_number) == 1;
    if (file)
        fclose(file);
    return good;
}

/* Sums the number in that file over the CPUs in set; missing if a CPU does not have the file. */
static struct fb_optional read_cpus(const cpu_set_t *set, size_t size, const char *file)
{
    long long sum = 0, number;
    unsigned left = (unsigned)CPU_COUNT_S(size, set);
    for (unsigned cpu = 0; cpu < CPUS_MOST && left > 0; cpu++) {
        if (!CPU_ISSET_S(cpu, size, set))
            continue;
        left--;
        if (!read_number(file, cpu, &number))
            return fb_optional_missing("no %s of CPU %u", file, cpu);
        sum += number;
    }
    return fb_optional_of(sum);
}

static void read_machine(struct fb_moment *moment)
{
    size_t size = CPU_ALLOC_SIZE(CPUS_MOST);
    cpu_set_t *set = CPU_ALLOC(CPUS_MOST);
    unsigned count = set ? allowed_cpus(set, size) : 0;
    if (count == 0) {
        moment->busy_ns = moment->idle_ns = moment->steal_ns = moment->frequency_khz = moment->hot =
            fb_optional_missing("the CPUs that may be used are not known");
    } else {
        read_stat(set, size, moment);
        moment->frequency_khz = read_cpus(set, size, "cpufreq/scaling_cur_freq");
        moment->frequency_khz.value /= count;
        moment->hot = read_cpus(set, size, "thermal_throttle/core_throttle_count");
    }
    CPU_FREE(set);
}

/* ---- this trial ---- */

static void read_ended_children(struct fb_moment *moment)
{
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    int64_t us = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000ll +
                 usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
    moment->ended_cpu_ns = fb_optional_of(us * 1000);
    moment->ended_involuntary = fb_optional_of(usage.ru_nivcsw);
}

static struct fb_optional read_throttled(const struct fb_cgroup *cgroup)
{
    unsigned long long ns;
    if (fb_cgroup_throttled(cgroup, &ns) == 0)
        return fb_optional_of((int64_t)ns);
    return cgroup->quota > 0 ? fb_optional_missing("the control group has no cpu.stat")
                             : fb_optional_missing("no control group with a quota");
}

static void read_moment(const struct fb_auditor *auditor, struct fb_moment *moment)
{
    fb_counters_read(&auditor->counters, moment->counter);
    fb_process_tree_read(&moment->own);
    read_ended_children(moment);
    read_machine(moment);
    moment->throttled_ns = read_throttled(&auditor->cgroup);
    moment->now_ns = fb_now_ns();
}

void fb_audit_open(struct fb_auditor *auditor)
{
    fb_cgroup_read("", &auditor->cgroup);
    fb_counters_open(&auditor->counters);
}

void fb_audit_begin(struct fb_auditor *auditor)
{
    read_moment(auditor, &auditor->begin);
}

static struct fb_optional plus(const struct fb_optional *left, const struct fb_optional *right)
{
    if (!left->known)
        return *left;
    return right->known ? fb_optional_of(left->value + right->value) : *right;
}

void fb_audit_end(const struct fb_auditor *auditor, struct fb_audit *ret_audit)
{
    const struct fb_moment *begin = &auditor->begin;
    struct fb_moment end;
    read_moment(auditor, &end);
    struct fb_optional live = fb_optional_since(&begin->own.cpu_ns, &end.own.cpu_ns);
    struct fb_optional ended = fb_optional_since(&begin->ended_cpu_ns, &end.ended_cpu_ns);
    struct fb_optional switches =
        fb_optional_since(&begin->own.involuntary_switches, &end.own.involuntary_switches);
    struct fb_optional ended_switches =
        fb_optional_since(&begin->ended_involuntary, &end.ended_involuntary);
    struct fb_optional busy = fb_optional_since(&begin->busy_ns, &end.busy_ns);
    *ret_audit = (struct fb_audit){
        .window_ns = end.now_ns - begin->now_ns,
        .cpu_ns = plus(&live, &ended),
        .involuntary_switches = plus(&switches, &ended_switches),
        .waiting_ns = fb_optional_since(&begin->own.waiting_ns, &end.own.waiting_ns),
        .idle_ns = fb_optional_since(&begin->idle_ns, &end.idle_ns),
        .steal_ns = fb_optional_since(&begin->steal_ns, &end.steal_ns),
        .throttled_ns = fb_optional_since(&begin->throttled_ns, &end.throttled_ns),
        .hot = fb_optional_since(&begin->hot, &end.hot),
        .frequency_khz = end.frequency_khz,
        .frequency_change_khz = fb_optional_since(&begin->frequency_khz, &end.frequency_khz),
    };
    ret_audit->other_ns = fb_optional_since(&ret_audit->cpu_ns, &busy);
    if (ended.value > 0) /* the kernel keeps no waiting time of ended processes */
        ret_audit->waiting_ns = fb_optional_missing("the workers have ended");
    for (int i = 0; i < FB_COUNTERS; i++)
        ret_audit->counter[i] = fb_optional_since(&begin->counter[i], &end.counter[i]);
    fb_memory_read(&ret_audit->memory);
}

void fb_audit_close(struct fb_auditor *auditor)
{
    fb_counters_close(&auditor->counters);
}
