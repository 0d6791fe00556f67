/* What each worker of a job did when, from the stamps that workers write. Files are in Chrome's
 * trace-event format, which Perfetto opens, or CSV tables. */
#ifndef FB_TRACE_H
#define FB_TRACE_H

#include "harness/harness.h"

enum fb_trace_kind {
    FB_TRACE_CHUNK, /* from its first item to its last, waits included */
    FB_TRACE_WAIT,  /* waiting for the lock */
    FB_TRACE_HOLD,  /* holding the lock */
    FB_TRACE_KINDS
};

struct fb_trace_span {
    unsigned worker;
    enum fb_trace_kind kind;
    uint64_t begin_ns, end_ns; /* since the job was started */
    uint64_t item;             /* of a chunk: its first item */
};

struct fb_trace {
    struct fb_trace_span *span; /* ordered by worker; spans of one kind by time */
    size_t count;
    uint64_t lost; /* old stamps that were overwritten */
};

/* How many stamps each worker may keep, so that all of them fit into 64 MiB. */
size_t fb_trace_stamps(unsigned workers);

/* Makes spans from the stamps of a job that was started at start_ns. Spans without an end are left
 * out. 0 with *ret_trace (end with fb_trace_clear), or -ENOMEM. */
int fb_trace_take(const struct fb_report *report, uint64_t start_ns, struct fb_trace *ret_trace);
void fb_trace_clear(struct fb_trace *trace);

/* Checks as far as possible that a trace can be written to path: 0, or a negative errno with
 * *error: the folder does not exist or is not writable, or path is not a regular file. */
int fb_trace_check(const char *path, struct fb_error *error);

/* The traced job, for the header of a file. */
struct fb_trace_job {
    const char *kernel, *harness;
    unsigned workers;
    uint64_t run_ns;
};

/* Writes the trace to path: a table if path ends in .csv, otherwise trace events. On failure the
 * old file is unchanged. 0 or a negative errno with *error. */
int fb_trace_write(const struct fb_trace *trace, const struct fb_trace_job *job, const char *path,
                   struct fb_error *error);

#endif
