/* This process and all that descend from it, as /proc shows them: what the workers of a harness
 * have used up and hold. */
#ifndef FB_RELATIVES_H
#define FB_RELATIVES_H

#include "bench/host/optional_value.h"

/* Sums over all threads of all the processes, since each began. The threads that are running are up
 * to a clock tick behind. */
struct fb_relatives {
    struct fb_reading cpu_ns;     /* computing */
    struct fb_reading waiting_ns; /* ready to run, but without a CPU */
    struct fb_reading involuntary_switches;
};

void fb_relatives_read(struct fb_relatives *ret_relatives);

struct fb_memory {
    struct fb_reading processes;
    struct fb_reading pss_bytes; /* each page counted by its part: 1/n where n processes share it */
    struct fb_reading uss_bytes; /* pages that no other process has */
};

/* Takes some 30 us a MiB of private memory: outside timed windows only. */
void fb_memory_read(struct fb_memory *ret_memory);

#endif
