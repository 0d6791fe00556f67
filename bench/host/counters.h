/* What the kernel and the CPU count by perf_event_open(2), over this process and all that it makes
 * afterwards. */
#ifndef FB_COUNTERS_H
#define FB_COUNTERS_H

#include "bench/host/optional_value.h"

enum fb_counter { FB_INSTRUCTIONS, FB_CYCLES, FB_CACHE_MISSES, FB_MIGRATIONS, FB_COUNTERS };
extern const char *const fb_counter_names[FB_COUNTERS];

struct fb_counters {
    int fd[FB_COUNTERS]; /* -1: can't be counted */
    struct fb_optional why[FB_COUNTERS];
};

/* Opens what can be opened; counting begins. To be called before workers are made. */
void fb_counters_open(struct fb_counters *counters);
/* The counts so far, of workers too. */
void fb_counters_read(const struct fb_counters *counters,
                      struct fb_optional ret_count[FB_COUNTERS]);
void fb_counters_close(struct fb_counters *counters);

#endif
