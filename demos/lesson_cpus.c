/* Which CPUs lessons may use, and on which of them a process runs. */
#include "lesson.h"

#include "base/cpus.h"

#include <errno.h>
#include <sched.h>

unsigned lesson_cpus(void)
{
    struct fb_cpus cpus;
    fb_cpus_read(&cpus);
    return cpus.workers;
}

static void read_affinity(cpu_set_t *ret_set)
{
    lesson_need(sched_getaffinity(0, sizeof *ret_set, ret_set) < 0 ? -errno : 0, "count the CPUs");
}

static void set_affinity(const cpu_set_t *set)
{
    lesson_need(sched_setaffinity(0, sizeof *set, set) < 0 ? -errno : 0, "choose a CPU");
}

void lesson_on_one_cpu(bool one)
{
    static cpu_set_t before;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(sched_getcpu(), &set);
    if (one)
        read_affinity(&before);
    set_affinity(one ? &set : &before);
}

void lesson_on_own_cpu(unsigned number)
{
    cpu_set_t all, set;
    read_affinity(&all);
    int cpu = -1;
    for (unsigned i = 0; i <= number % (unsigned)CPU_COUNT(&all); i++)
        do
            cpu++;
        while (!CPU_ISSET(cpu, &all));
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    set_affinity(&set);
}
