#include "bench/command/exec_json.h"

#include "bench/format/json.h"
#include "bench/host/disturbance.h"

#include "base/clock.h"
#include "base/cpus.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>

struct usage {
    uint64_t wall_ns, user_ns, system_ns, voluntary, involuntary, minor_faults, max_rss_bytes;
};

/* Sums this process and the children that it has waited for. */
static struct usage read_usage(uint64_t start_ns)
{
    struct usage usage = { .wall_ns = fb_now_ns() - start_ns };
    static const int scope[] = { RUSAGE_SELF, RUSAGE_CHILDREN };
    for (int i = 0; i < 2; i++) {
        struct rusage part;
        getrusage(scope[i], &part);
        usage.user_ns +=
            (uint64_t)part.ru_utime.tv_sec * 1000000000u + (uint64_t)part.ru_utime.tv_usec * 1000u;
        usage.system_ns +=
            (uint64_t)part.ru_stime.tv_sec * 1000000000u + (uint64_t)part.ru_stime.tv_usec * 1000u;
        usage.voluntary += (uint64_t)part.ru_nvcsw;
        usage.involuntary += (uint64_t)part.ru_nivcsw;
        usage.minor_faults += (uint64_t)part.ru_minflt;
        uint64_t rss_bytes = (uint64_t)part.ru_maxrss * 1024u;
        if (rss_bytes > usage.max_rss_bytes)
            usage.max_rss_bytes = rss_bytes;
    }
    return usage;
}

static json_t *workers_json(const struct fb_trial *trial)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < trial->workers; i++) {
        const struct fb_worker_report *worker = &trial->worker[i];
        json_array_append_new(
            list, json_pack("{sI sI sI sI sI sI sI sI sI sI sI sI}", "ready_ns",
                            (json_int_t)worker->ready_ns, "first_ns", (json_int_t)worker->first_ns,
                            "done_ns", (json_int_t)worker->done_ns, "chunks",
                            (json_int_t)worker->chunks, "user_ns", (json_int_t)worker->user_ns,
                            "system_ns", (json_int_t)worker->system_ns, "voluntary_switches",
                            (json_int_t)worker->voluntary_switches, "involuntary_switches",
                            (json_int_t)worker->involuntary_switches, "minor_faults",
                            (json_int_t)worker->minor_faults, "lock_switches",
                            (json_int_t)worker->lock_switches, "lock_waits",
                            (json_int_t)worker->lock_waits, "lock_held_ns",
                            (json_int_t)worker->lock_held_ns));
    }
    return list;
}

static void add_times(json_t *root, const struct fb_trial *trial, const struct usage *usage)
{
    const struct {
        const char *name;
        uint64_t value;
    } field[] = {
        { "prepare_ns", trial->prepare_ns },
        { "setup_ns", trial->setup_ns },
        { "open_ns", trial->open_ns },
        { "run_ns", trial->run_ns },
        { "close_ns", trial->close_ns },
        { "wall_ns", usage->wall_ns },
        { "user_ns", usage->user_ns },
        { "system_ns", usage->system_ns },
        { "voluntary_switches", usage->voluntary },
        { "involuntary_switches", usage->involuntary },
        { "minor_faults", usage->minor_faults },
        { "max_rss_bytes", usage->max_rss_bytes },
    };
    for (size_t i = 0; i < sizeof field / sizeof *field; i++)
        json_object_set_new(root, field[i].name, json_integer((json_int_t)field[i].value));
    json_t *runs = json_array();
    for (unsigned i = 0; i < trial->runs; i++)
        json_array_append_new(runs, json_integer((json_int_t)trial->runs_ns[i]));
    json_object_set_new(root, "runs_ns", runs);
}

static json_t *audit_json(const struct fb_audit *audit)
{
    const struct {
        const char *name;
        const struct fb_optional *value;
    } field[] = {
        { "cpu_ns", &audit->cpu_ns },
        { "other_processes_ns", &audit->other_ns },
        { "idle_ns", &audit->idle_ns },
        { "steal_ns", &audit->steal_ns },
        { "waiting_ns", &audit->waiting_ns },
        { "involuntary_switches", &audit->involuntary_switches },
        { "quota_throttled_ns", &audit->throttled_ns },
        { "heat_throttles", &audit->hot },
        { "frequency_khz", &audit->frequency_khz },
        { "frequency_change_khz", &audit->frequency_change_khz },
        { "processes", &audit->memory.processes },
        { "pss_bytes", &audit->memory.pss_bytes },
        { "uss_bytes", &audit->memory.uss_bytes },
    };
    json_t *root = json_pack("{sI}", "window_ns", (json_int_t)audit->window_ns);
    for (size_t i = 0; i < sizeof field / sizeof *field; i++)
        json_object_set_new(root, field[i].name, fb_optional_json(field[i].value));
    for (int i = 0; i < FB_COUNTERS; i++)
        json_object_set_new(root, fb_counter_names[i], fb_optional_json(&audit->counter[i]));
    return root;
}

/* How many threads need a CPU: an interpreter has its main thread besides its workers. */
static unsigned count_threads(const struct fb_trial_request *request)
{
    if (request->copies)
        return request->copies;
    bool has_main_thread = request->harness->interpreter && request->harness->base;
    return request->workers + (has_main_thread ? 1 : 0);
}

static json_t *disturbed_json(const struct fb_trial_request *request, const struct fb_trial *trial)
{
    char text[FB_DISTURBANCES_MOST][FB_DISTURBANCE_TEXT];
    struct fb_cpus cpus;
    fb_cpus_read(&cpus);
    unsigned count =
        fb_disturbances_find(&trial->audit, count_threads(request), cpus.effective, text);
    json_t *list = json_array();
    for (unsigned i = 0; i < count; i++)
        json_array_append_new(list, json_string(text[i]));
    return list;
}

void fb_exec_print_json(const struct fb_trial_request *request, const char *harness,
                        const struct fb_trial *trial, uint64_t start_ns)
{
    struct usage usage = read_usage(start_ns);
    char digest[20];
    snprintf(digest, sizeof digest, "%016" PRIx64, trial->digest);
    json_t *params = json_object(), *broken = json_array();
    for (int i = 0; request->kernel->params[i].name; i++)
        json_object_set_new(params, request->kernel->params[i].name,
                            fb_json_text(request->params.value[i].text));
    for (size_t i = 0; i < trial->failed; i++)
        json_array_append_new(broken, fb_json_text(trial->broken[i]));
    json_t *root = json_pack(
        "{ss so so si sI ss si sb si sI ss so sb so sI so}", "kernel", request->kernel->name,
        "parameters", params, "harness", fb_json_text(harness), "workers", (int)request->workers,
        "chunk", (json_int_t)request->chunk, "schedule", fb_schedule_names[request->schedule],
        "copies", (int)request->copies, "bound", request->bind, "repeat", (int)trial->repeat,
        "items", (json_int_t)trial->items, "digest", digest, "answer", fb_json_text(trial->answer),
        "valid", trial->valid, "why_invalid", fb_json_text(trial->why_invalid.text), "failed_items",
        (json_int_t)trial->failed, "failures", broken);
    if (trial->description[0])
        json_object_set_new(root, "description", fb_json_text(trial->description));
    add_times(root, trial, &usage);
    json_object_set_new(root, "per_worker", workers_json(trial));
    json_object_set_new(root, "audit", audit_json(&trial->audit));
    json_object_set_new(root, "disturbed", disturbed_json(request, trial));
    fb_json_print(root, stdout);
}
