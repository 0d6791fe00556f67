#include "bench/trial/trace.h"

#include "bench/format/csv.h"
#include "bench/format/result_dir.h"
#include "bench/format/json.h"

#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STAMPS_MOST ((size_t)1 << 16)
#define STAMPS_IN_ALL ((size_t)1 << 22)

static const char *const kind_names[FB_TRACE_KINDS] = { "chunk", "wait", "hold" };

size_t fb_trace_stamps(unsigned workers)
{
    size_t each = STAMPS_IN_ALL / workers, room = 1;
    while (room * 2 <= each && room < STAMPS_MOST)
        room *= 2;
    return room;
}

/* ---- from stamps to spans ---- */

/* The open spans of one worker. */
struct reader {
    struct fb_trace *trace;
    unsigned worker;
    bool open[FB_TRACE_KINDS];
    struct fb_trace_span span[FB_TRACE_KINDS];
};

static void open_span(struct reader *reader, enum fb_trace_kind kind, uint64_t ns, uint64_t item)
{
    reader->open[kind] = true;
    reader->span[kind] = (struct fb_trace_span){
        .worker = reader->worker, .kind = kind, .begin_ns = ns, .item = item
    };
}

static void close_span(struct reader *reader, enum fb_trace_kind kind, uint64_t ns)
{
    if (!reader->open[kind])
        return;
    reader->open[kind] = false;
    reader->span[kind].end_ns = ns;
    reader->trace->span[reader->trace->count++] = reader->span[kind];
}

static void read_stamp(struct reader *reader, enum fb_event event, uint64_t ns, uint64_t item)
{
    switch (event) {
    case FB_EVENT_CHUNK:
        close_span(reader, FB_TRACE_CHUNK, ns);
        open_span(reader, FB_TRACE_CHUNK, ns, item);
        break;
    case FB_EVENT_IDLE:
        close_span(reader, FB_TRACE_CHUNK, ns);
        break;
    case FB_EVENT_WANT:
        open_span(reader, FB_TRACE_WAIT, ns, 0);
        break;
    case FB_EVENT_TAKEN:
        close_span(reader, FB_TRACE_WAIT, ns);
        open_span(reader, FB_TRACE_HOLD, ns, 0);
        break;
    case FB_EVENT_DROPPED:
        close_span(reader, FB_TRACE_HOLD, ns);
        break;
    }
}

static void read_worker(struct fb_trace *trace, const struct fb_report *report, unsigned worker,
                        uint64_t start_ns)
{
    const struct fb_stamps *stamps = &report->stamps[worker];
    struct reader reader = { .trace = trace, .worker = worker };
    uint64_t first = stamps->count > stamps->mask + 1 ? stamps->count - stamps->mask - 1 : 0;
    trace->lost += first;
    for (uint64_t i = first; i < stamps->count; i++) {
        const struct fb_stamp *stamp = &stamps->entry[i & stamps->mask];
        uint64_t ns = fb_instant_ns(report->between, stamp->ticks);
        read_stamp(&reader, (enum fb_event)(stamp->what >> FB_STAMP_ITEM_BITS),
                   ns > start_ns ? ns - start_ns : 0,
                   stamp->what & (((uint64_t)1 << FB_STAMP_ITEM_BITS) - 1));
    }
}

int fb_trace_take(const struct fb_report *report, uint64_t start_ns, struct fb_trace *ret_trace)
{
    struct fb_trace trace = { 0 };
    size_t room = 1;
    for (unsigned i = 0; i < report->workers; i++)
        room += report->stamps[i].count > report->stamps[i].mask ? report->stamps[i].mask + 1
                                                                 : report->stamps[i].count;
    trace.span = calloc(room, sizeof *trace.span);
    if (!trace.span)
        return -ENOMEM;
    for (unsigned i = 0; i < report->workers; i++)
        read_worker(&trace, report, i, start_ns);
    *ret_trace = trace;
    return 0;
}

void fb_trace_clear(struct fb_trace *trace)
{
    free(trace->span);
    *trace = (struct fb_trace){ 0 };
}

/* ---- files ---- */

struct document {
    const struct fb_trace *trace;
    const struct fb_trace_job *job;
};

static int write_table(const void *context, FILE *to)
{
    const struct document *document = context;
    fputs("kernel,harness,workers,run_ns,worker,what,begin_ns,end_ns,item\n", to);
    for (size_t i = 0; i < document->trace->count; i++) {
        const struct fb_trace_span *span = &document->trace->span[i];
        fprintf(to, "%s,", document->job->kernel);
        fb_csv_text(document->job->harness, to);
        fprintf(to, ",%u,%" PRIu64 ",%u,%s,%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\n",
                document->job->workers, document->job->run_ns, span->worker, kind_names[span->kind],
                span->begin_ns, span->end_ns, span->item);
    }
    return 0;
}

/* Writes one event and `end`. The document is never in memory as a whole: that of a long job is
 * large. */
static int put_event(json_t *event, const char *end, FILE *to)
{
    int result =
        event ? json_dumpf(event, to, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(12))
              : -1;
    json_decref(event);
    fputs(end, to);
    return result < 0 ? -EIO : 0;
}

/* Work and lock have tracks of their own, because a chunk may start under one hold of the lock and
 * end under another, and spans on one track must nest. */
enum track { TRACK_WORK = 1, TRACK_LOCK = 2 };

static int name_tracks(const struct fb_trace_job *job, FILE *to)
{
    char text[160];
    int result = 0;
    for (int track = TRACK_WORK; track <= TRACK_LOCK && result == 0; track++) {
        snprintf(text, sizeof text, "%s under %.100s: %s", job->kernel, job->harness,
                 track == TRACK_WORK ? "chunks" : "the lock");
        result = put_event(json_pack("{ss ss si s{so}}", "ph", "M", "name", "process_name", "pid",
                                     track, "args", "name", fb_json_text(text)),
                           ",\n", to);
        for (unsigned worker = 0; worker < job->workers && result == 0; worker++) {
            snprintf(text, sizeof text, "worker %u", worker);
            result = put_event(json_pack("{ss ss si si s{ss}}", "ph", "M", "name", "thread_name",
                                         "pid", track, "tid", (int)worker, "args", "name", text),
                               ",\n", to);
        }
    }
    return result;
}

static int put_span(const struct fb_trace_span *span, const char *end, FILE *to)
{
    bool chunk = span->kind == FB_TRACE_CHUNK;
    json_t *event = json_pack(
        "{ss ss ss si si sf sf}", "ph", "X", "name", kind_names[span->kind], "cat",
        chunk ? "work" : "lock", "pid", chunk ? TRACK_WORK : TRACK_LOCK, "tid", (int)span->worker,
        "ts", (double)span->begin_ns / 1e3, "dur", (double)(span->end_ns - span->begin_ns) / 1e3);
    if (event && chunk)
        json_object_set_new(event, "args", json_pack("{sI}", "first item", (json_int_t)span->item));
    return put_event(event, end, to);
}

static int write_events(const void *context, FILE *to)
{
    const struct document *document = context;
    const struct fb_trace *trace = document->trace;
    fputs("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n", to);
    int result = name_tracks(document->job, to);
    for (size_t i = 0; i < trace->count && result == 0; i++)
        result = put_span(&trace->span[i], ",\n", to);
    if (result == 0)
        result = put_event(json_pack("{ss ss si si sf s{sI}}", "ph", "i", "name",
                                     "the last result is in", "pid", TRACK_WORK, "tid", 0, "ts",
                                     (double)document->job->run_ns / 1e3, "args", "stamps lost",
                                     (json_int_t)trace->lost),
                           "\n", to);
    fputs("]}\n", to);
    return result;
}

int fb_trace_check(const char *path, struct fb_error *error)
{
    struct stat info;
    char copy[PATH_MAX];
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof copy || path[length - 1] == '/')
        return fb_error_set(error, -EINVAL, "not a file's name: %.150s: give another", path);
    /* Writing replaces the file, which would replace a link or a device, too. */
    if (lstat(path, &info) == 0 && !S_ISREG(info.st_mode))
        return fb_error_set(error, -EINVAL, "not a regular file: %.150s: give another", path);
    strcpy(copy, path);
    if (access(dirname(copy), W_OK | X_OK) < 0)
        return fb_error_set(error, -errno, "can't write %.150s: %s: give another folder", path,
                            strerror(errno));
    return 0;
}

int fb_trace_write(const struct fb_trace *trace, const struct fb_trace_job *job, const char *path,
                   struct fb_error *error)
{
    const struct document document = { trace, job };
    size_t length = strlen(path);
    bool table = length >= 4 && strcmp(path + length - 4, ".csv") == 0;
    char *folder = strdup(path), *name = strdup(path);
    int result = !folder || !name
                     ? fb_error_set(error, -ENOMEM, "out of memory")
                     : fb_result_dir_write(dirname(folder), basename(name),
                                           table ? write_table : write_events, &document, error);
    free(folder);
    free(name);
    return result;
}
