#include "bench/command/options.h"

#include "bench/command/cli.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#define ASSIGNMENTS_MOST 32 /* -p options with one value each */

static const struct argp_option one_table[] = {
    { "kernel", 'k', "KERNEL", 0, "Required: the work (see `forkbench list kernels`)", 0 },
    { "harness", 'H', "HARNESS", 0,
      "Required: the way to run it (see `forkbench list harnesses`); "
      "cpython-*=PATH names an interpreter, gil=MODE is --gil MODE",
      0 },
    { "workers", 'w', "N", 0,
      "Workers, including the caller except under forkpipe (default: effective CPUs, rounded down)",
      0 },
    { "chunk", 'c', "N", 0, "Items per claim (default: static one block per worker, else 1)", 0 },
    { "schedule", 's', "NAME", 0, "static, dynamic (default) or guided", 0 },
    { "param", 'p', "NAME=VALUE", 0, "A parameter of the kernel; may be given several times", 0 },
    { "bind", 'b', "none|core|CPU,...", 0,
      "Bind each worker to a core of its own, or to these CPUs (default none)", 0 },
    { 0 },
};

static const struct argp_option lists_table[] = {
    { "kernel", 'k', "K,...", 0, "Kernels (default divisors,primes,resize)", 0 },
    { "harness", 'H', "H,...", 0,
      "Harnesses (default single,pthread,forkpool,gil); cpython-thread=all is every interpreter "
      "found, gil=all every mode",
      0 },
    { "workers", 'w', "N,...", 0,
      "Worker counts (default: effective CPUs, twice as many, and fewer, up to 20 cells)", 0 },
    { "param", 'p', "NAME=V1,V2", 0, "Values of a parameter; may be given several times", 0 },
    { "bind", 'b', "none|core", 0, "Bind each worker to a core of its own (default none)", 0 },
    { 0 },
};

const char *fb_option_name(const struct argp_option *table, int key)
{
    for (; table->name; table++)
        if (table->key == key)
            return table->name;
    return NULL;
}

/* ---- one value ---- */

/* Reports that there is no kernel or harness with that name, or why it was not built. */
static error_t refuse_name(const char *what, const char *name, const struct fb_missing *missing)
{
    for (; missing->name; missing++)
        if (strcmp(missing->name, name) == 0) {
            fb_fail(FB_EXIT_USAGE, "%s was not built: %s: %s", what, name, missing->reason);
            return EINVAL;
        }
    fb_fail(FB_EXIT_USAGE, "no such %s: %s: `forkbench list %s%s` shows them", what, name, what,
            strcmp(what, "harness") == 0 ? "es" : "s");
    return EINVAL;
}

static error_t take_kernel(const char *name, struct fb_plan_request *lists)
{
    if (!fb_kernel_find(name))
        return refuse_name("kernel", name, fb_kernels_missing);
    lists->kernel[0] = name;
    lists->kernels = 1;
    return 0;
}

static error_t take_harness(const char *name, struct fb_plan_request *lists)
{
    const char *variant;
    if (!fb_harness_find(name, &variant))
        return refuse_name("harness", name, fb_harnesses_missing);
    lists->harness[0] = name;
    lists->harnesses = 1;
    return 0;
}

static error_t take_worker_count(const char *arg, struct fb_plan_request *lists)
{
    uint64_t number = 0;
    error_t result = fb_take_number("--workers", arg, 1, FB_WORKERS_MOST, &number);
    lists->workers[0] = (unsigned)number;
    lists->worker_counts = 1;
    return result;
}

static error_t take_chunk(const char *arg, size_t *ret_chunk)
{
    uint64_t number = 0;
    error_t result = fb_take_number("--chunk", arg, 1, SIZE_MAX / 2, &number);
    *ret_chunk = number;
    return result;
}

static error_t take_schedule(const char *name, enum fb_schedule *ret_schedule)
{
    for (int i = 0; fb_schedule_names[i]; i++)
        if (strcmp(name, fb_schedule_names[i]) == 0) {
            *ret_schedule = (enum fb_schedule)i;
            return 0;
        }
    fb_fail(FB_EXIT_USAGE, "no such schedule: %s: give static, dynamic or guided", name);
    return EINVAL;
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

/* The last --bind counts. */
static error_t take_bind_or_cpus(char *arg, struct fb_work_options *work)
{
    const char *part[FB_WORKERS_MOST];
    work->cpu_count = 0;
    if (strcmp(arg, "none") == 0 || strcmp(arg, "core") == 0)
        return take_bind(arg, &work->bind);
    size_t count = fb_split(arg, part, FB_WORKERS_MOST);
    if (arg[0] < '0' || arg[0] > '9' || count > FB_WORKERS_MOST) {
        fb_fail(FB_EXIT_USAGE, "bad value: --bind %s: give none, core or CPU,CPU,… (%d at most)",
                arg, FB_WORKERS_MOST);
        return EINVAL;
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t cpu = 0;
        error_t result = fb_take_number("--bind", part[i], 0, INT_MAX, &cpu);
        if (result != 0)
            return result;
        work->cpus[i] = (unsigned)cpu;
    }
    work->cpu_count = count;
    work->bind = true;
    return 0;
}

/* ---- lists ---- */

static error_t take_list(const char *option, char *arg, const char **list, size_t *count)
{
    bool good = true;
    *count = fb_split(arg, list, FB_LIST_MOST);
    for (size_t i = 0; i < *count && i < FB_LIST_MOST; i++)
        good &= *list[i] != '\0';
    if (good && *count <= FB_LIST_MOST)
        return 0;
    fb_fail(FB_EXIT_USAGE, "bad list: %s: give 1 to %d names with commas between", option,
            FB_LIST_MOST);
    return EINVAL;
}

static error_t take_worker_counts(char *arg, struct fb_plan_request *lists)
{
    const char *part[FB_LIST_MOST];
    error_t result = take_list("--workers", arg, part, &lists->worker_counts);
    for (size_t i = 0; i < lists->worker_counts && result == 0; i++) {
        uint64_t number = 0;
        result = fb_take_number("--workers", part[i], 1, FB_WORKERS_MOST, &number);
        lists->workers[i] = (unsigned)number;
    }
    return result;
}

/* ---- parsers ---- */

static void note_given(struct fb_work_options *work, const struct argp_option *table, int key)
{
    const char *name = fb_option_name(table, key);
    if (name)
        work->given = name;
}

static error_t parse_one(int key, char *arg, struct argp_state *state)
{
    struct fb_work_options *work = state->input;
    struct fb_plan_request *lists = &work->lists;
    note_given(work, one_table, key);
    switch (key) {
    case 'k':
        return take_kernel(arg, lists);
    case 'H':
        return take_harness(arg, lists);
    case 'w':
        return take_worker_count(arg, lists);
    case 'c':
        return take_chunk(arg, &work->chunk);
    case 's':
        return take_schedule(arg, &work->schedule);
    case 'p':
        return fb_take_more("--param", arg, lists->param, &lists->params, ASSIGNMENTS_MOST);
    case 'b':
        return take_bind_or_cpus(arg, work);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_lists(int key, char *arg, struct argp_state *state)
{
    struct fb_work_options *work = state->input;
    struct fb_plan_request *lists = &work->lists;
    note_given(work, lists_table, key);
    switch (key) {
    case 'k':
        return take_list("--kernel", arg, lists->kernel, &lists->kernels);
    case 'H':
        return take_list("--harness", arg, lists->harness, &lists->harnesses);
    case 'w':
        return take_worker_counts(arg, lists);
    case 'p':
        return fb_take_more("--param", arg, lists->param, &lists->params, FB_LIST_MOST);
    case 'b':
        return take_bind(arg, &work->bind);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp one = { .options = one_table, .parser = parse_one };
static const struct argp lists = { .options = lists_table, .parser = parse_lists };

const struct argp_child fb_options_one[] = { { .argp = &one }, { 0 } };
const struct argp_child fb_options_lists[] = { { .argp = &lists }, { 0 } };
