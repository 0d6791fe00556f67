/* CPU time and memory of this process and all its descendants, read from /proc: what a harness and
 * its workers use. */
#ifndef FB_PROCESS_TREE_H
#define FB_PROCESS_TREE_H

#include "bench/host/optional_value.h"

/* Sums over all threads of these processes, since each thread started. The figures of a running
 * thread may be up to a clock tick old. */
struct fb_process_tree {
    struct fb_optional cpu_ns;     /* on a CPU */
    struct fb_optional waiting_ns; /* ready to run, but without a CPU */
    struct fb_optional involuntary_switches;
};

void fb_process_tree_read(struct fb_process_tree *ret_tree);

struct fb_memory {
    struct fb_optional processes;
    struct fb_optional pss_bytes; /* a page that n processes share counts 1/n in each */
    struct fb_optional uss_bytes; /* pages that one process has alone */
};

/* Takes about 30 us per MiB of private memory: don't call it while a job is timed. */
void fb_memory_read(struct fb_memory *ret_memory);

#endif
