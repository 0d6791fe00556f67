/* This process and all that descend from it, as /proc shows them: what the workers of a harness
 * have used up and hold. */
#ifndef FB_PROCESS_TREE_H
#define FB_PROCESS_TREE_H

#include "bench/host/optional_value.h"

/* Sums over all threads of all the processes, since each began. The threads that are running are up
 * to a clock tick behind. */
struct fb_process_tree {
    struct fb_optional cpu_ns;     /* computing */
    struct fb_optional waiting_ns; /* ready to run, but without a CPU */
    struct fb_optional involuntary_switches;
};

void fb_process_tree_read(struct fb_process_tree *ret_relatives);

struct fb_memory {
    struct fb_optional processes;
    struct fb_optional
        pss_bytes; /* each page counted by its part: 1/n where n processes share it */
    struct fb_optional uss_bytes; /* pages that no other process has */
};

/* Takes some 30 us a MiB of private memory: outside timed windows only. */
void fb_memory_read(struct fb_memory *ret_memory);

#endif
