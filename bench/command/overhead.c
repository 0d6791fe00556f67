/* `forkbench overhead`: the costs of each way of running. */
#include "bench/command/cli.h"
#include "bench/format/result_dir.h"
#include "bench/overhead/groups.h"
#include "bench/overhead/overhead.h"
#include "bench/overhead/overhead_report.h"

#include <stdlib.h>

#define ROUNDS_MOST 1000

struct options {
    bool json;
    const char *folder; /* for the files; NULL: none */
    const char *image;  /* argument of a spawned worker; NULL: this is the command itself */
    unsigned rounds;
};

static const struct argp_option option_table[] = {
    { "json", 'j', 0, 0, "Print JSON", 0 },
    { "output", 'o', "DIR", 0, "Write overhead.json, overhead.csv and curves.csv into it", 0 },
    { "rounds", 'n', "N", 0, "Samples of each figure (default 31; an interval takes 6)", 0 },
    { "image", 'I', "TEXT", OPTION_HIDDEN, "Run as a spawned worker", 0 },
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
    .doc = "Measures what each way of running costs by itself: creating and ending workers, "
           "handing out an empty job, claiming an item, how long a task has to be, waking a "
           "sleeping thread, switching, waiting while another thread computes, sending messages; "
           "and where the time of a coarse job goes. Takes one to two minutes.",
};

static int overhead_main(int argc, char **argv)
{
    static const char *const taken[] = { "overhead.json", "overhead.csv", "curves.csv", NULL };
    struct options options = { .rounds = 31 };
    struct fb_error error = { 0 };
    int result = fb_parse(&parser, argc, argv, &options);
    if (result)
        return result;
    if (options.image)
        return fb_creation_worker(options.image);
    if (options.folder && fb_result_dir_make(options.folder, taken, &error) < 0)
        return fb_fail_with(&error);
    struct fb_machine machine;
    struct fb_metrics metrics = { 0 };
    struct fb_overhead_report report = { &machine, &metrics };
    fb_machine_read(&machine);
    result = fb_groups_measure(machine.cpus.workers, options.rounds, &metrics, &error);
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
