/* `forkbench exec`: one kernel under one harness, in this process. */
#include "bench/command/cli.h"
#include "bench/command/exec_json.h"
#include "bench/command/options.h"
#include "bench/trial/trial.h"

#include "base/clock.h"
#include "base/cpus.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NAME_ROOM (PATH_MAX + 32)

struct options {
    struct fb_work_options work;
    struct fb_trial_request request;
    char harness_name[NAME_ROOM]; /* as given, with its variant */
    const char *gil;              /* --gil's mode, or NULL */
    const char *trace;            /* the file, or NULL */
    bool json;
};

static const struct argp_option option_table[] = {
    { "repeat", 'r', "N", 0, "Run the job N times; run_ns is the median", 0 },
    { "least", 'l', "MS", 0, "Repeat the job until it has run for MS ms in all", 0 },
    { "copies", 'C', "N", 0, "Run N independent single copies at once (the ceiling)", 0 },
    { "switch-interval", 'i', "MS", 0, "gil: wait before asking for the lock (default 5 ms)", 0 },
    { "gil", 'g', "MODE", 0,
      "gil: compute like the kernel's Python version (twin, the default), in Python itself "
      "(python), in an extension that holds the lock (hold) or releases it (release), or without a "
      "lock (off)",
      0 },
    { "trace", 't', "FILE", 0,
      "Trace the last job: when each worker had which chunk and held the lock. Trace events for "
      "Perfetto, or a table if FILE ends in .csv",
      0 },
    { "known", 'K', "DIGEST", 0, "Skip the check of results with this digest", 0 },
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

static error_t take_ms(const char *option, const char *arg, uint64_t *ret_ns)
{
    double ms;
    error_t result = fb_take_real(option, arg, &ms);
    if (result == 0 && (ms < 1e-3 || ms > 1e6)) {
        fb_fail(FB_EXIT_USAGE, "bad value: %s %s: give 0.001 to 1000000 ms", option, arg);
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

static error_t take_gil(const char *arg, struct options *options)
{
    if (!*arg) {
        fb_fail(FB_EXIT_USAGE, "no mode: --gil: give twin, python, hold, release or off");
        return EINVAL;
    }
    options->gil = arg;
    return 0;
}

static error_t take_trace(const char *arg, struct options *options)
{
    struct fb_error error = { 0 };
    if (fb_trace_check(arg, &error) < 0) {
        fb_fail(FB_EXIT_USAGE, "%s", error.text);
        return EINVAL;
    }
    options->trace = arg;
    options->request.trace = true;
    return 0;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;
    struct fb_trial_request *request = &options->request;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->work;
        return 0;
    case 'r':
        return take_count("--repeat", arg, FB_REPEAT_MOST, &request->repeat);
    case 'l':
        return take_ms("--least", arg, &request->least_ns);
    case 'C':
        return take_count("--copies", arg, FB_WORKERS_MOST, &request->copies);
    case 'i':
        return take_ms("--switch-interval", arg, &request->switch_interval_ns);
    case 'g':
        return take_gil(arg, options);
    case 't':
        return take_trace(arg, options);
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
    .children = fb_options_one,
    .doc = "Runs one kernel under one harness, in this process, and checks its results.",
};

static int check_binding(struct options *options)
{
    struct fb_trial_request *request = &options->request;
    const struct fb_work_options *work = &options->work;
    unsigned wanted = request->copies ? request->copies : request->workers;
    if (!work->cpu_count)
        return 0;
    if (work->cpu_count != wanted)
        return fb_fail(
            FB_EXIT_USAGE, "bad list: --bind: %zu CPU%s for %u worker%s: give one for each",
            work->cpu_count, work->cpu_count == 1 ? "" : "s", wanted, wanted == 1 ? "" : "s");
    for (size_t i = 0; i < work->cpu_count; i++)
        if (!fb_cpus_may_use(work->cpus[i]))
            return fb_fail(FB_EXIT_USAGE, "no such CPU: --bind %u: give CPUs that may be used",
                           work->cpus[i]);
    request->cpus = work->cpus;
    return 0;
}

/* `-H gil --gil MODE` means `-H gil=MODE`. */
static int apply_gil_mode(struct options *options)
{
    struct fb_trial_request *request = &options->request;
    if (!options->gil)
        return 0;
    if (strcmp(request->harness->name, "gil") != 0)
        return fb_fail(FB_EXIT_USAGE, "only gil has a lock: --gil %s with -H %s: give -H gil",
                       options->gil, request->harness->name);
    if (request->variant && strcmp(options->gil, request->variant) != 0)
        return fb_fail(FB_EXIT_USAGE, "two modes: --gil %s with -H %s: give one", options->gil,
                       options->harness_name);
    snprintf(options->harness_name, NAME_ROOM, "gil=%s", options->gil);
    request->harness = fb_harness_find(options->harness_name, &request->variant);
    return 0;
}

static int check_trace(const struct options *options)
{
    const struct fb_trial_request *request = &options->request;
    if (options->trace && (!request->harness->native || request->copies))
        return fb_fail(FB_EXIT_USAGE, "can't be traced: %s: give a native harness",
                       request->copies ? "copies" : request->harness->name);
    return 0;
}

/* Fills the request from the options for work. Harnesses without a base run on one worker, so that
 * a script can give one list of workers to all harnesses. */
static int take_work(struct options *options)
{
    struct fb_trial_request *request = &options->request;
    const struct fb_work_options *work = &options->work;
    if (!work->lists.kernels || !work->lists.harnesses)
        return fb_fail(FB_EXIT_USAGE, "missing option: %s: see `forkbench exec --help`",
                       work->lists.kernels ? "--harness" : "--kernel");
    request->kernel = fb_kernel_find(work->lists.kernel[0]);
    request->harness = fb_harness_find(work->lists.harness[0], &request->variant);
    snprintf(options->harness_name, NAME_ROOM, "%s", work->lists.harness[0]);
    request->chunk = work->chunk;
    request->schedule = work->schedule;
    request->bind = work->bind;
    request->workers = work->lists.workers[0];
    if (!work->lists.worker_counts) {
        struct fb_cpus cpus;
        fb_cpus_read(&cpus);
        request->workers = cpus.workers;
    }
    if (!request->harness->base)
        request->workers = 1;
    return 0;
}

static int complete(struct options *options)
{
    struct fb_trial_request *request = &options->request;
    const struct fb_plan_request *lists = &options->work.lists;
    if (take_work(options) != 0)
        return FB_EXIT_USAGE;
    if (check_binding(options) != 0 || apply_gil_mode(options) != 0 || check_trace(options) != 0)
        return FB_EXIT_USAGE;
    if (request->copies && strcmp(request->harness->name, "single") != 0)
        return fb_fail(FB_EXIT_USAGE, "copies are copies of single: -H %s: give -H single",
                       request->harness->name);
    if (!fb_harness_supports(request->harness, request->kernel))
        return fb_fail(FB_EXIT_USAGE, "%s can't run this kernel: %s: choose another harness",
                       request->harness->name, request->kernel->name);
    if (fb_params_init(&request->params, request->kernel) < 0)
        return fb_fail(FB_EXIT_IMPOSSIBLE, "out of memory");
    struct fb_error error;
    for (size_t i = 0; i < lists->params; i++)
        if (fb_params_set(&request->params, lists->param[i], &error) < 0)
            return fb_fail(FB_EXIT_USAGE, "%s", error.text);
    return 0;
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
           trial->runs > 1 ? " (median)" : "");
    printf("set-up %.3f ms, open %.3f ms, close %.3f ms; %zu items, digest %016" PRIx64 ", %s\n",
           (double)trial->setup_ns / 1e6, (double)trial->open_ns / 1e6,
           (double)trial->close_ns / 1e6, trial->items, trial->digest,
           trial->valid ? "checked" : "NOT VALID");
}

static int report(const struct options *options, const struct fb_trial *trial, uint64_t start_ns)
{
    const char *kernel = options->request.kernel->name;
    if (!options->json)
        print_text(options, trial);
    else
        fb_exec_print_json(&options->request, options->harness_name, trial, start_ns);
    for (size_t i = 0; i < trial->failed; i++)
        fb_fail(FB_EXIT_NO, "%s: %s", kernel, trial->broken[i]);
    if (!trial->valid && trial->failed == 0)
        fb_fail(FB_EXIT_NO, "%s under %s: %s", kernel, options->harness_name,
                trial->why_invalid.text);
    return trial->valid ? FB_EXIT_OK : FB_EXIT_NO;
}

static int write_trace(const struct options *options, const struct fb_trial *trial)
{
    const struct fb_trace_job job = { .kernel = options->request.kernel->name,
                                      .harness = options->harness_name,
                                      .workers = options->request.workers,
                                      .run_ns = trial->runs_ns[trial->runs - 1] };
    struct fb_error error = { 0 };
    if (options->trace && fb_trace_write(&trial->trace, &job, options->trace, &error) < 0)
        return fb_fail_with(&error);
    return FB_EXIT_OK;
}

static int exec_main(int argc, char **argv)
{
    uint64_t start_ns = fb_now_ns();
    struct options options = {
        .work = { .schedule = FB_DYNAMIC },
        .request = { .repeat = 1, .switch_interval_ns = 5000000 },
    };
    struct fb_trial trial = { 0 };
    struct fb_error error = { 0 };
    int result = fb_parse(&parser, argc, argv, &options);
    if (result == 0)
        result = complete(&options);
    if (result == 0 && fb_trial_run(&options.request, &trial, &error) < 0)
        result = fb_fail_with(&error);
    else if (result == 0)
        result = report(&options, &trial, start_ns);
    if (result == 0)
        result = write_trace(&options, &trial);
    fb_trial_clear(&trial);
    fb_params_clear(&options.request.params);
    return result;
}

const struct fb_command fb_command_exec = {
    .name = "exec",
    .summary = "one kernel under one harness, in this process",
    .main = exec_main,
};
