/* `forkbench overhead`: what each way of running costs by itself. */
#include "cli.h"
#include "dispatch.h"

#include "harness/cpus.h"

static const struct argp_option option_table[] = {
    { "json", 'j', 0, 0, "Print JSON", 0 },
    { 0 },
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    bool *json = state->input;
    if (key != 'j')
        return fb_parse_rest(key, arg, state);
    *json = true;
    return 0;
}

static const struct argp parser = {
    .options = option_table,
    .parser = parse_option,
    .doc = "Measures what handing out work costs by itself: the latency of an empty job, the claim "
           "of an item, and the task length at which half the time is work, beside OpenMP in the "
           "same rounds. Takes about 40 s.",
};

static int overhead_main(int argc, char **argv)
{
    bool json = false;
    int result = fb_parse(&parser, argc, argv, &json);
    if (result)
        return result;
    struct fb_cpus cpus;
    fb_cpus_read(&cpus);
    struct fb_metrics metrics = { 0 };
    struct fb_error error = { 0 };
    struct fb_progress progress;
    fb_progress_begin(&progress);
    result = fb_dispatch_measure(cpus.workers, &metrics, &error, &progress);
    fb_progress_end(&progress);
    if (result < 0)
        result = fb_fail_with(&error);
    else if (json)
        fb_metrics_print_json(&metrics);
    else
        fb_metrics_print(&metrics);
    fb_metrics_clear(&metrics);
    return result;
}

const struct fb_command fb_command_overhead = {
    .name = "overhead",
    .summary = "what each way of running costs by itself",
    .main = overhead_main,
};
