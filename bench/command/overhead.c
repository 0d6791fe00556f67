/* `forkbench overhead`: what each way of running costs by itself. */
#include "bench/command/cli.h"
#include "bench/format/result_dir.h"
#include "bench/overhead/overhead.h"
#include "bench/overhead/overhead_report.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS_MOST 1000

struct options {
    bool json;
    const char *folder; /* to write into; NULL: none */
    const char *image;  /* what a spawned worker was told; NULL: we are none */
    unsigned rounds;
};

static const struct argp_option option_table[] = {
    { "json", 'j', 0, 0, "Print JSON", 0 },
    { "output", 'o', "DIR", 0, "Write overhead.json, overhead.csv and curves.csv into it", 0 },
    { "rounds", 'n', "N", 0, "Samples of each figure (default 31; an interval takes 6)", 0 },
    { "image", 'I', "TEXT", OPTION_HIDDEN, "What is spawned to be timed", 0 },
    { 0 },
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;
    uint64_t number = 0;
    error_t result;
    switch (key) {
    case 'j':
        options->json = true;
        return 0;
    case 'o':
        options->folder = arg;
        return 0;
    case 'n':
        result = fb_take_number("--rounds", arg, 1, ROUNDS_MOST, &number);
        options->rounds = (unsigned)number;
        return result;
    case 'I':
        options->image = arg;
        return 0;
    default:
        return fb_parse_rest(key, arg, state);
    }
}

static const struct argp parser = {
    .options = option_table,
    .parser = parse_option,
    .doc = "Measures what each way of running costs by itself: making and ending workers, handing "
           "out an empty job, claiming an item, how long a task has to be, waking a sleeper, "
           "switching, waiting beside who computes, handing over messages; and where the time of a "
           "coarse job goes. Takes one "
           "to two minutes.",
};

void fb_overhead_progress(const struct fb_overhead *overhead, double part, const char *what)
{
    double done = overhead->from + part * (overhead->to - overhead->from);
    fb_progress_show(overhead->progress, done, what);
}

void fb_overhead_idle(long ns)
{
    struct timespec pause = { .tv_nsec = ns };
    while (nanosleep(&pause, &pause) < 0 && errno == EINTR)
        ;
}

/* In this order; a group's weight is about its part of the time. */
static const struct {
    int (*measure)(const struct fb_overhead *overhead, struct fb_error *error);
    double weight;
} groups[] = {
    { fb_creation_measure, 0.16 },     { fb_wakeup_measure, 0.09 },
    { fb_convoy_measure, 0.07 },       { fb_messages_measure, 0.22 },
    { fb_runtime_cost_measure, 0.05 }, { fb_pool_cost_measure, 0.05 },
    { fb_worker_death_measure, 0.02 }, { fb_dispatch_measure, 0.28 },
    { fb_breakdown_measure, 0.06 },
};

static int measure(unsigned workers, unsigned rounds, struct fb_metrics *metrics,
                   struct fb_error *error)
{
    struct fb_progress progress;
    struct fb_overhead overhead = {
        .workers = workers, .rounds = rounds, .metrics = metrics, .progress = &progress
    };
    int result = 0;
    fb_progress_begin(&progress);
    for (size_t i = 0; i < sizeof groups / sizeof *groups && result == 0; i++) {
        overhead.from = overhead.to;
        overhead.to += groups[i].weight;
        result = groups[i].measure(&overhead, error);
    }
    fb_progress_end(&progress);
    return result;
}

static int overhead_main(int argc, char **argv)
{
    static const char *const taken[] = { "overhead.json", "overhead.csv", "curves.csv", NULL };
    struct options options = { .rounds = 31 };
    struct fb_error error = { 0 };
    int result = fb_parse(&parser, argc, argv, &options);
    if (result)
        return result;
    if (options.image)
        return fb_creation_image(options.image);
    if (options.folder && fb_result_dir_make(options.folder, taken, &error) < 0)
        return fb_fail_with(&error);
    struct fb_machine machine;
    struct fb_metrics metrics = { 0 };
    struct fb_overhead_report report = { &machine, &metrics };
    fb_machine_read(&machine);
    result = measure(machine.cpus.workers, options.rounds, &metrics, &error);
    if (result == 0 && options.json)
        fb_overhead_print_json(&report, stdout);
    else if (result == 0)
        fb_overhead_print(&report, stdout);
    if (result == 0 && options.folder)
        result = fb_overhead_save(&report, options.folder, &error);
    fb_metrics_clear(&metrics);
    return result < 0 ? fb_fail_with(&error) : FB_EXIT_OK;
}

const struct fb_command fb_command_overhead = {
    .name = "overhead",
    .summary = "what each way of running costs by itself",
    .main = overhead_main,
};
