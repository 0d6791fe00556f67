/* Running on one CPU only. */
#include "demos/lesson/lesson.h"

#include <errno.h>
#include <sched.h>

void lesson_on_one_cpu(bool one)
{
    static cpu_set_t before;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(sched_getcpu(), &set);
    if (one)
        lesson_need(sched_getaffinity(0, sizeof before, &before) < 0 ? -errno : 0,
                    "count the CPUs");
    lesson_need(sched_setaffinity(0, sizeof set, one ? &set : &before) < 0 ? -errno : 0,
                "choose a CPU");
}
