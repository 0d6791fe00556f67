/* `forkbench run`: the sweep. */
#include "bench/format/result_dir.h"
#include "bench/format/json.h"
#include "bench/run/run_session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct options {
    struct fb_plan_request request;
    double budget_s[FB_FAMILIES], precision;
    uint64_t seed;
    bool bind;
    const char *against;   /* a program, or NULL */
    json_t *against_build; /* what it says of itself; owned */
    const char *folder;    /* to write into; NULL: the default */
    const char *resume;    /* the folder of a run to go on with, or NULL */
    const char *other;     /* an option beside --resume; NULL: none is given */
};

static const struct argp_option option_table[] = {
    { "kernel", 'k', "K,...", 0, "Kernels (default divisors,primes,resize)", 0 },
    { "harness", 'H', "H,...", 0,
      "Harnesses (default single,pthread,forkpool,gil); cpython-thread=all is every interpreter "
      "found, "
      "gil=all every mode",
      0 },
    { "workers", 'w', "N,...", 0,
      "Worker counts (default: effective CPUs, twice as many, and fewer, "
      "as far as 20 cells go)",
      0 },
    { "param", 'p', "NAME=V1,V2", 0, "Values of a parameter; may be given several times", 0 },
    { "against", 'A', "BINARY", 0, "Another build of forkbench, in the same blocks", 0 },
    { "bind", 'b', "none|core", 0, "Bind each worker to a core of its own (default none)", 0 },
    { "precision", 'e', "PERCENT", 0,
      "Full width of the 95 % intervals that is worth more blocks (default 2)", 0 },
    { "budget", 'B', "SECONDS", 0, "At most, for the harnesses in C (default 120)", 0 },
    { "cpython-budget", 'P', "SECONDS", 0, "At most, for the cpython harnesses (default 120)", 0 },
    { "seed", 'S', "N", 0, "Of the order within blocks (default 1)", 0 },
    { "output", 'o', "DIR", 0, "Where to write (default results/<UTC stamp>-<commit>)", 0 },
    { "resume", 'R', "DIR", 0, "Go on with the interrupted run in DIR", 0 },
    { 0 },
};

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

static error_t take_workers(char *arg, struct fb_plan_request *request)
{
    const char *part[FB_LIST_MOST];
    error_t result = take_list("--workers", arg, part, &request->worker_counts);
    for (size_t i = 0; i < request->worker_counts && result == 0; i++) {
        uint64_t number = 0;
        result = fb_take_number("--workers", part[i], 1, FB_WORKERS_MOST, &number);
        request->workers[i] = (unsigned)number;
    }
    return result;
}

static error_t take_precision(const char *arg, double *ret_precision)
{
    double percent;
    error_t result = fb_take_real("--precision", arg, &percent);
    if (result == 0)
        *ret_precision = percent / 100;
    return result;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;
    struct fb_plan_request *request = &options->request;
    for (const struct argp_option *option = option_table; option->name; option++)
        if (option->key == key && key != 'R')
            options->other = option->name;
    switch (key) {
    case 'k':
        return take_list("--kernel", arg, request->kernel, &request->kernels);
    case 'H':
        return take_list("--harness", arg, request->harness, &request->harnesses);
    case 'w':
        return take_workers(arg, request);
    case 'p':
        return fb_take_more("--param", arg, request->param, &request->params, FB_LIST_MOST);
    case 'A':
        options->against = arg;
        return 0;
    case 'b':
        return fb_take_bind(arg, &options->bind);
    case 'e':
        return take_precision(arg, &options->precision);
    case 'B':
        return fb_take_real("--budget", arg, &options->budget_s[FB_FAMILY_C]);
    case 'P':
        return fb_take_real("--cpython-budget", arg, &options->budget_s[FB_FAMILY_CPYTHON]);
    case 'S':
        return fb_take_number("--seed", arg, 0, INT64_MAX, &options->seed);
    case 'o':
        options->folder = arg;
        return 0;
    case 'R':
        options->resume = arg;
        return 0;
    default:
        return fb_parse_rest(key, arg, state);
    }
}

static const struct argp parser = {
    .options = option_table,
    .parser = parse_option,
    .doc = "Measures kernels under harnesses, each trial a fresh process, in interleaved random "
           "blocks: a warm-up, then as many as --precision needs and the budgets allow. Writes "
           "run.json, six tables as CSV and summary.md; while it is not complete, journal.jsonl.",
};

/* ---- the head of the journal: what was asked for, and of which machine ---- */

static json_t *list_json(const char *const *list, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, fb_json_text(list[i]));
    return array;
}

static json_t *make_head(const struct options *options, const struct fb_machine *machine)
{
    const struct fb_plan_request *request = &options->request;
    json_t *workers = json_array();
    for (size_t i = 0; i < request->worker_counts; i++)
        json_array_append_new(workers, json_integer((json_int_t)request->workers[i]));
    return json_pack("{si so ss ss so so so so so sI sf sf sf sb ss? sO?}", "schema", FB_SCHEMA,
                     "build", fb_build_json(&fb_build), "started_utc", machine->utc, "stamp",
                     machine->stamp, "machine", fb_machine_json(machine), "kernels",
                     list_json(request->kernel, request->kernels), "harnesses",
                     list_json(request->harness, request->harnesses), "params",
                     list_json(request->param, request->params), "workers", workers, "seed",
                     (json_int_t)options->seed, "precision", options->precision, "budget_s",
                     options->budget_s[FB_FAMILY_C], "cpython_budget_s",
                     options->budget_s[FB_FAMILY_CPYTHON], "bind", options->bind, "against",
                     options->against, "against_build", options->against_build);
}

/* The list's strings belong to the head. */
static size_t read_list(const json_t *head, const char *name, const char **list)
{
    const json_t *array = json_object_get(head, name);
    size_t count = 0;
    for (; count < json_array_size(array) && count < FB_LIST_MOST; count++) {
        const char *text = json_string_value(json_array_get(array, count));
        list[count] = text ? text : "";
    }
    return count;
}

static void read_head(const json_t *head, struct options *options)
{
    struct fb_plan_request *request = &options->request;
    request->kernels = read_list(head, "kernels", request->kernel);
    request->harnesses = read_list(head, "harnesses", request->harness);
    request->params = read_list(head, "params", request->param);
    const json_t *workers = json_object_get(head, "workers");
    for (size_t i = 0; i < json_array_size(workers) && i < FB_LIST_MOST; i++)
        request->workers[request->worker_counts++] =
            (unsigned)json_integer_value(json_array_get(workers, i));
    options->seed = (uint64_t)json_integer_value(json_object_get(head, "seed"));
    options->precision = json_number_value(json_object_get(head, "precision"));
    options->budget_s[FB_FAMILY_C] = json_number_value(json_object_get(head, "budget_s"));
    options->budget_s[FB_FAMILY_CPYTHON] =
        json_number_value(json_object_get(head, "cpython_budget_s"));
    options->bind = json_is_true(json_object_get(head, "bind"));
    options->against = json_string_value(json_object_get(head, "against"));
}

/* The first field of `now` that `before` does not have like that, or NULL. */
static const char *find_difference(json_t *now, const json_t *before)
{
    const char *name;
    json_t *value;
    json_object_foreach(now, name, value)
    {
        if (!json_equal(value, json_object_get(before, name)))
            return name;
    }
    return NULL;
}

/* Whether the rest would be measured by the same build under the same conditions. */
static int check_head(const json_t *head, const struct fb_machine *machine)
{
    json_t *build = fb_build_json(&fb_build), *conditions = fb_machine_json(machine);
    const char *name = find_difference(build, json_object_get(head, "build"));
    int result = 0;
    if (name)
        result = fb_fail(FB_EXIT_INCOMPARABLE,
                         "can't go on with another build: %s differs: measure anew", name);
    else if ((name = find_difference(conditions, json_object_get(head, "machine"))))
        result = fb_fail(FB_EXIT_INCOMPARABLE,
                         "can't go on under other conditions: %s differs: measure anew", name);
    json_decref(build);
    json_decref(conditions);
    return result;
}

/* ---- */

static int begin(struct fb_run_session *sweep, const struct options *options,
                 const struct fb_machine *machine, struct fb_error *error)
{
    static const char *const taken[] = { "run.json", FB_JOURNAL, NULL };
    int result;
    if (options->folder) {
        snprintf(sweep->folder, sizeof sweep->folder, "%s", options->folder);
        result = fb_result_dir_make(sweep->folder, taken, error);
    } else {
        result = fb_result_dir_make_default(machine->stamp, fb_build.commit, sweep->folder,
                                            sizeof sweep->folder, error);
    }
    if (result == 0)
        result =
            fb_journal_create(&sweep->journal, sweep->folder, make_head(options, machine), error);
    return result;
}

static int go_on(struct fb_run_session *sweep, struct options *options, struct fb_machine *machine)
{
    struct fb_error error = { 0 };
    if (options->other)
        return fb_fail(FB_EXIT_USAGE, "a resumed run has its options already: --%s: leave it out",
                       options->other);
    snprintf(sweep->folder, sizeof sweep->folder, "%s", options->resume);
    if (fb_journal_open(&sweep->journal, sweep->folder, &error) < 0)
        return error.code == -ENOENT
                   ? fb_fail(FB_EXIT_USAGE,
                             "no interrupted run: %s: there is no " FB_JOURNAL " in it (a complete "
                             "run has none)",
                             options->resume)
                   : fb_fail_with(&error);
    const json_t *head = sweep->journal.head;
    int result = check_head(head, machine);
    read_head(head, options);
    const char *utc = json_string_value(json_object_get(head, "started_utc"));
    snprintf(machine->utc, sizeof machine->utc, "%s", utc ? utc : "");
    return result;
}

/* The other build, as a path that holds wherever a trial runs, and what it says of itself. */
static int find_against(const struct fb_run_session *sweep, struct options *options, char *path)
{
    if (!options->against)
        return 0;
    struct fb_error error = { 0 };
    struct stat found;
    if (!realpath(options->against, path) || stat(path, &found) < 0)
        return fb_fail(FB_EXIT_USAGE, "no such program: --against %s: %s", options->against,
                       strerror(errno));
    if (!S_ISREG(found.st_mode) || access(path, X_OK) < 0 ||
        fb_launch_ask(path, &options->against_build, &error) < 0)
        return fb_fail(FB_EXIT_USAGE, "not a forkbench: --against %s: give another build's program",
                       options->against);
    options->against = path;
    options->request.against = true;
    const json_t *before = json_object_get(sweep->journal.head, "against_build");
    if (before && !json_equal(before, options->against_build))
        return fb_fail(FB_EXIT_INCOMPARABLE,
                       "can't go on against another build: %s: it has changed: measure anew", path);
    return 0;
}

static int sweep_with(struct fb_run_session *sweep, struct options *options,
                      struct fb_machine *machine)
{
    struct fb_plan plan = { 0 };
    struct fb_error error = { 0 };
    char against[PATH_MAX];
    int result = options->resume ? go_on(sweep, options, machine) : 0;
    if (result == 0)
        result = find_against(sweep, options, against);
    if (result)
        return result;
    options->request.effective = machine->cpus.effective;
    result = fb_plan_make(&options->request, &plan, &error);
    if (result == 0 && !options->resume)
        result = begin(sweep, options, machine, &error);
    if (result < 0) {
        result = fb_fail_with(&error);
    } else {
        sweep->launch.plan = &plan;
        sweep->launch.against = options->against;
        sweep->launch.bind = options->bind;
        sweep->data = (struct fb_run){ .machine = machine,
                                       .build = &fb_build,
                                       .against = options->against_build,
                                       .plan = &plan,
                                       .seed = options->seed,
                                       .precision = options->precision,
                                       .bind = options->bind,
                                       .budget_s = options->budget_s };
        result = fb_run_session_run(sweep);
    }
    fb_plan_clear(&plan);
    return result;
}

static int run_main(int argc, char **argv)
{
    struct options options = { .budget_s = { 120, 120 }, .precision = 0.02, .seed = 1 };
    struct fb_machine machine;
    int result = fb_parse(&parser, argc, argv, &options);
    if (result)
        return result;
    struct fb_run_session *sweep = calloc(1, sizeof *sweep);
    if (!sweep)
        return fb_fail(FB_EXIT_IMPOSSIBLE, "out of memory");
    sweep->journal.fd = -1;
    fb_machine_read(&machine);
    result = sweep_with(sweep, &options, &machine);
    fb_journal_close(&sweep->journal);
    json_decref(options.against_build);
    free(sweep);
    return result;
}

const struct fb_command fb_command_run = {
    .name = "run",
    .summary = "the sweep: kernels under harnesses, in interleaved random blocks",
    .main = run_main,
};
