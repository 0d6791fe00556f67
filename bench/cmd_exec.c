/* `forkbench exec`: one kernel under one harness, in this process. */
#include "cli.h"
#include "json.h"

#include "harness/cpus.h"
#include "harness/worker.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define ASSIGNMENTS_MOST 32

struct options {
    struct fb_trial_request request;
    const char *harness_name; /* as given, with its variant */
    const char *assignment[ASSIGNMENTS_MOST];
    size_t assignments;
    bool json, workers_given;
};

static const struct argp_option option_table[] = {
    { "kernel", 'k', "KERNEL", 0, "The work (see `forkbench list kernels`)", 0 },
    { "harness", 'H', "HARNESS", 0,
      "The way to run it (see `forkbench list harnesses`); "
      "cpython-*=PATH names an interpreter",
      0 },
    { "workers", 'w', "N", 0,
      "Workers, the caller included (default: effective CPUs, rounded down)", 0 },
    { "chunk", 'c', "N", 0, "Items a claim (default: static one block a worker, else 1)", 0 },
    { "schedule", 's', "NAME", 0, "static, dynamic (default) or guided", 0 },
    { "param", 'p', "NAME=VALUE", 0, "A parameter of the kernel; may be given several times", 0 },
    { "repeat", 'r', "N", 0, "Run the job N times; run_ns is the median", 0 },
    { "copies", 'C', "N", 0, "Run N independent single copies at once (the ceiling)", 0 },
    { "bind", 'b', "none|core", 0, "Bind each worker to a core of its own (default none)", 0 },
    { "switch-interval", 'i', "MS", 0, "gil: wait before asking for the lock (default 5 ms)", 0 },
    { "known", 'K', "DIGEST", 0, "Results with this digest were checked before: don't again", 0 },
    { "json", 'j', 0, 0, "Print JSON", 0 },
    { 0 },
};

static error_t take_count(const char *option, const char *arg, uint64_t most, unsigned *ret_count)
{
    uint64_t number;
    error_t result = fb_take_number(option, arg, 1, most, &number);
    if (result == 0)
        *ret_count = (unsigned)number;
    return result;
}

static error_t take_bind(const char *arg, bool *ret_bind)
{
    if (strcmp(arg, "none") != 0 && strcmp(arg, "core") != 0) {
        fb_fail(FB_EXIT_USAGE, "bad value: --bind %s: give none or core", arg);
        return EINVAL;
    }
    *ret_bind = strcmp(arg, "core") == 0;
    return 0;
}

static error_t take_interval(const char *arg, uint64_t *ret_ns)
{
    double ms;
    error_t result = fb_take_real("--switch-interval", arg, &ms);
    if (result == 0 && (ms < 1e-3 || ms > 1e6)) {
        fb_fail(FB_EXIT_USAGE, "bad value: --switch-interval %s: give 0.001 to 1000000 ms", arg);
        return EINVAL;
    }
    if (result == 0)
        *ret_ns = (uint64_t)llround(ms * 1e6);
    return result;
}

static error_t take_digest(const char *arg, struct fb_trial_request *request)
{
    if (strlen(arg) != 16 || strspn(arg, "0123456789abcdef") != 16) {
        fb_fail(FB_EXIT_USAGE, "bad value: --known %s: give 16 hexadecimal digits", arg);
        return EINVAL;
    }
    request->known = strtoull(arg, NULL, 16);
    request->has_known = true;
    return 0;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;
    struct fb_trial_request *request = &options->request;
    uint64_t number = 0;
    error_t result;
    switch (key) {
    case 'k':
        return fb_take_kernel(arg, &request->kernel);
    case 'H':
        options->harness_name = arg;
        return fb_take_harness(arg, &request->harness, &request->variant);
    case 'w':
        options->workers_given = true;
        return take_count("--workers", arg, FB_WORKERS_MOST, &request->workers);
    case 'c':
        result = fb_take_number("--chunk", arg, 1, SIZE_MAX / 2, &number);
        request->chunk = number;
        return result;
    case 's':
        return fb_take_schedule(arg, &request->schedule);
    case 'p':
        return fb_take_more("--param", arg, options->assignment, &options->assignments,
                            ASSIGNMENTS_MOST);
    case 'r':
        return take_count("--repeat", arg, 1000000, &request->repeat);
    case 'C':
        return take_count("--copies", arg, FB_WORKERS_MOST, &request->copies);
    case 'b':
        return take_bind(arg, &request->bind);
    case 'i':
        return take_interval(arg, &request->switch_interval_ns);
    case 'K':
        return take_digest(arg, request);
    case 'j':
        options->json = true;
        return 0;
    default:
        return fb_parse_rest(key, arg, state);
    }
}

static const struct argp parser = {
    .options = option_table,
    .parser = parse_option,
    .doc = "Runs one kernel under one harness, in this process, and checks its results.",
};

static int complete(struct options *options)
{
    struct fb_trial_request *request = &options->request;
    if (!request->kernel || !request->harness)
        return fb_fail(FB_EXIT_USAGE, "missing option: %s: see `forkbench exec --help`",
                       request->kernel ? "--harness" : "--kernel");
    bool single = !request->harness->base;
    if (single && options->workers_given && request->workers != 1)
        request->workers = 1; /* so that one list of workers serves every harness of a script */
    if (!options->workers_given) {
        struct fb_cpus cpus;
        fb_cpus_read(&cpus);
        request->workers = single ? 1 : cpus.workers;
    }
    if (request->copies && strcmp(request->harness->name, "single") != 0)
        return fb_fail(FB_EXIT_USAGE, "copies are copies of single: -H %s: give -H single",
                       request->harness->name);
    if (!fb_harness_supports(request->harness, request->kernel))
        return fb_fail(FB_EXIT_USAGE, "%s can't run this kernel: %s: choose another harness",
                       request->harness->name, request->kernel->name);
    if (fb_params_init(&request->params, request->kernel) < 0)
        return fb_fail(FB_EXIT_IMPOSSIBLE, "out of memory");
    struct fb_error error;
    for (size_t i = 0; i < options->assignments; i++)
        if (fb_params_set(&request->params, options->assignment[i], &error) < 0)
            return fb_fail(FB_EXIT_USAGE, "%s", error.text);
    return 0;
}

struct usage {
    uint64_t wall_ns, user_ns, system_ns, voluntary, involuntary, minor_faults, max_rss_bytes;
};

/* Of this process and of the children that it has waited for. */
static struct usage read_usage(uint64_t start_ns)
{
    struct usage usage = { .wall_ns = fb_now_ns() - start_ns };
    static const int who[] = { RUSAGE_SELF, RUSAGE_CHILDREN };
    for (int i = 0; i < 2; i++) {
        struct rusage part;
        getrusage(who[i], &part);
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

static void print_json(const struct options *options, const struct fb_trial *trial,
                       const struct usage *usage)
{
    const struct fb_trial_request *request = &options->request;
    char digest[20];
    snprintf(digest, sizeof digest, "%016" PRIx64, trial->digest);
    json_t *params = json_object(), *broken = json_array();
    for (int i = 0; request->kernel->params[i].name; i++)
        json_object_set_new(params, request->kernel->params[i].name,
                            fb_json_text(request->params.value[i].text));
    for (size_t i = 0; i < trial->failed; i++)
        json_array_append_new(broken, fb_json_text(trial->broken[i]));
    json_t *root =
        json_pack("{ss so so si sI ss si sb sI ss so sb so sI so}", "kernel", request->kernel->name,
                  "parameters", params, "harness", fb_json_text(options->harness_name), "workers",
                  (int)request->workers, "chunk", (json_int_t)request->chunk, "schedule",
                  fb_schedule_names[request->schedule], "copies", (int)request->copies, "bound",
                  request->bind, "items", (json_int_t)trial->items, "digest", digest, "answer",
                  fb_json_text(trial->answer), "valid", trial->valid, "why_invalid",
                  fb_json_text(trial->why_invalid.text), "failed_items", (json_int_t)trial->failed,
                  "failures", broken);
    if (trial->description[0])
        json_object_set_new(root, "description", fb_json_text(trial->description));
    add_times(root, trial, usage);
    json_object_set_new(root, "per_worker", workers_json(trial));
    fb_json_print(root, stdout);
}

static void print_text(const struct options *options, const struct fb_trial *trial)
{
    const struct fb_trial_request *request = &options->request;
    printf("%s under %s", request->kernel->name, options->harness_name);
    if (request->copies)
        printf(", %u copies at once", request->copies);
    else if (request->harness->base)
        printf(", %u workers, %s", request->workers, fb_schedule_names[request->schedule]);
    printf(": %s in %.3f ms%s\n", trial->answer, (double)trial->run_ns / 1e6,
           request->repeat > 1 ? " (median)" : "");
    printf("set-up %.3f ms, open %.3f ms, close %.3f ms; %zu items, digest %016" PRIx64 ", %s\n",
           (double)trial->setup_ns / 1e6, (double)trial->open_ns / 1e6,
           (double)trial->close_ns / 1e6, trial->items, trial->digest,
           trial->valid ? "checked" : "NOT VALID");
}

static int report(const struct options *options, const struct fb_trial *trial,
                  const struct usage *usage)
{
    const char *kernel = options->request.kernel->name;
    if (!options->json)
        print_text(options, trial);
    else
        print_json(options, trial, usage);
    for (size_t i = 0; i < trial->failed; i++)
        fb_fail(FB_EXIT_NO, "%s: %s", kernel, trial->broken[i]);
    if (!trial->valid && trial->failed == 0)
        fb_fail(FB_EXIT_NO, "%s under %s: %s", kernel, options->harness_name,
                trial->why_invalid.text);
    return trial->valid ? FB_EXIT_OK : FB_EXIT_NO;
}

static int exec_main(int argc, char **argv)
{
    uint64_t start_ns = fb_now_ns();
    struct options options = {
        .request = { .repeat = 1, .schedule = FB_DYNAMIC, .switch_interval_ns = 5000000 },
    };
    struct fb_trial trial = { 0 };
    struct fb_error error = { 0 };
    int result = fb_parse(&parser, argc, argv, &options);
    if (result == 0)
        result = complete(&options);
    if (result == 0 && fb_trial_run(&options.request, &trial, &error) < 0)
        result = fb_fail_with(&error);
    else if (result == 0) {
        struct usage usage = read_usage(start_ns);
        result = report(&options, &trial, &usage);
    }
    fb_trial_clear(&trial);
    fb_params_clear(&options.request.params);
    return result;
}

const struct fb_command fb_command_exec = {
    .name = "exec",
    .summary = "one kernel under one harness, in this process",
    .main = exec_main,
};
