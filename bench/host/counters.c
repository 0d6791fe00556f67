#include "bench/host/counters.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

const char *const fb_counter_names[FB_COUNTERS] = { "instructions", "cycles", "cache_misses",
                                                    "migrations" };

static const struct {
    uint32_t type;
    uint64_t config;
} events[FB_COUNTERS] = {
    [FB_INSTRUCTIONS] = { PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS },
    [FB_CYCLES] = { PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES },
    [FB_CACHE_MISSES] = { PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES },
    [FB_MIGRATIONS] = { PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS },
};

void fb_counters_open(struct fb_counters *counters)
{
    for (int i = 0; i < FB_COUNTERS; i++) {
        struct perf_event_attr attr = {
            .size = sizeof attr,
            .type = events[i].type,
            .config = events[i].config,
            .inherit = 1,
            /* Counting kernel code takes a privilege. Migrations happen in the kernel. */
            .exclude_kernel = events[i].type == PERF_TYPE_HARDWARE,
            .exclude_hv = events[i].type == PERF_TYPE_HARDWARE,
        };
        counters->fd[i] = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
        if (counters->fd[i] < 0)
            counters->missing[i] = fb_optional_missing(
                "perf_event_open: %s",
                errno == ENOENT ? "this machine has no such counter" : strerror(errno));
    }
}

void fb_counters_read(const struct fb_counters *counters, struct fb_optional ret_count[FB_COUNTERS])
{
    for (int i = 0; i < FB_COUNTERS; i++) {
        uint64_t count;
        if (counters->fd[i] < 0)
            ret_count[i] = counters->missing[i];
        else if (read(counters->fd[i], &count, sizeof count) != sizeof count)
            ret_count[i] = fb_optional_missing("reading the counter failed");
        else
            ret_count[i] = fb_optional_of((int64_t)count);
    }
}

void fb_counters_close(struct fb_counters *counters)
{
    for (int i = 0; i < FB_COUNTERS; i++)
        if (counters->fd[i] >= 0)
            close(counters->fd[i]);
}
