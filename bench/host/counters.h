/* Event counts from perf_event_open(2), of this process and of all threads and processes that it
 * creates afterwards. */
#ifndef FB_COUNTERS_H
#define FB_COUNTERS_H

#include "bench/host/optional_value.h"

enum fb_counter { FB_INSTRUCTIONS, FB_CYCLES, FB_CACHE_MISSES, FB_MIGRATIONS, FB_COUNTERS };
extern const char *const fb_counter_names[FB_COUNTERS];

struct fb_counters {
    int fd[FB_COUNTERS];                     /* -1: can't be counted */
    struct fb_optional missing[FB_COUNTERS]; /* then: why not */
};

/* Opens the available counters and starts counting. Call before workers are created. */
void fb_counters_open(struct fb_counters *counters);
/* Reads the counts so far, workers included. */
void fb_counters_read(const struct fb_counters *counters,
                      struct fb_optional ret_count[FB_COUNTERS]);
void fb_counters_close(struct fb_counters *counters);

#endif
