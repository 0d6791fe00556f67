/* Who did what when in one job, from the stamps of its workers; as Chrome's trace-event format, which
 * Perfetto opens, or as a table to draw from. */
#ifndef FB_TRACE_H
#define FB_TRACE_H

#include "harness/harness.h"

enum fb_trace_kind {
    FB_TRACE_CHUNK, /* from its first item to its last, waiting in between included */
    FB_TRACE_WAIT,  /* for the lock */
    FB_TRACE_HOLD,  /* of the lock */
    FB_TRACE_KINDS
};

struct fb_trace_span {
    unsigned worker;
    enum fb_trace_kind kind;
    uint64_t begin_ns, end_ns; /* since the job was handed over */
    uint64_t item;             /* a chunk's first */
};

struct fb_trace {
    struct fb_trace_span *span; /* worker by worker; of one kind, in the order of time */
    size_t count;
    uint64_t lost; /* stamps, the oldest, that there was no room for */
};

/* How many stamps a worker should keep, so that all of them fit into 64 MiB. */
size_t fb_trace_stamps(unsigned workers);

/* What the report's stamps say of the job that was handed over at start_ns. What had begun and not
 * ended in them is left out. 0 and *ret_trace, to be ended with fb_trace_clear, or -ENOMEM. */
int fb_trace_take(const struct fb_report *report, uint64_t start_ns, struct fb_trace *ret_trace);
void fb_trace_clear(struct fb_trace *trace);

/* Whether a trace can be written to path, as far as can be told beforehand: 0, or a negative errno with
 * *error: its folder is not there or may not be written into, or path is there and no regular file. */
int fb_trace_check(const char *path, struct fb_error *error);

/* What was traced, for the reader of a file. */
struct fb_trace_of {
    const char *kernel, *harness;
    unsigned workers;
    uint64_t run_ns;
};

/* Writes it to path: a table if that ends in .csv, else trace events. What was there is not lost if
 * that fails. 0 or a negative errno with *error. */
int fb_trace_write(const struct fb_trace *trace, const struct fb_trace_of *of, const char *path,
                   struct fb_error *error);

#endif
