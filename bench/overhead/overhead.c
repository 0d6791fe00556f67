#include "bench/overhead/overhead.h"

#include <errno.h>
#include <time.h>

void fb_overhead_progress(const struct fb_overhead *overhead, double part, const char *what)
{
    double done = overhead->from + part * (overhead->to - overhead->from);
    fb_progress_show(overhead->progress, done, what);
}

void fb_overhead_idle(long ns)
{
    struct timespec pause = { .tv_nsec = ns };
    while (nanosleep(&pause, &pause) < 0 && errno == EINTR)
        ;
}
