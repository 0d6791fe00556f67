/* `forkbench run`: measures kernels under harnesses, analyses the samples, writes and prints. */
#include "bench/command/cli.h"
#include "bench/command/options.h"
#include "bench/export/export.h"
#include "bench/format/progress.h"
#include "bench/format/result_dir.h"
#include "bench/run/launch.h"
#include "bench/run/run_session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct options {
    struct fb_work_options work;
    struct fb_run_request request; /* the options that are not in work */
    const char *folder;            /* to write into; NULL: the default */
    const char *resume;            /* the folder of an interrupted run, or NULL */
};

static const struct argp_option option_table[] = {
    { "against", 'A', "BINARY", 0, "Another build of forkbench, in the same blocks", 0 },
    { "precision", 'e', "PERCENT", 0, "Wanted full width of the 95 % intervals (default 2)", 0 },
    { "budget", 'B', "SECONDS", 0, "Time limit for the harnesses in C (default 120)", 0 },
    { "cpython-budget", 'P', "SECONDS", 0, "Time limit for the cpython harnesses (default 120)",
      0 },
    { "seed", 'S', "N", 0, "Seed of the random order within blocks (default 1)", 0 },
    { "output", 'o', "DIR", 0, "Where to write (default results/<UTC stamp>-<commit>)", 0 },
    { "resume", 'R', "DIR", 0, "Continue the interrupted run in DIR", 0 },
    { 0 },
};

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
    struct fb_run_request *request = &options->request;
    const char *name = fb_option_name(option_table, key);
    if (name && key != 'R')
        options->work.given = name;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->work;
        return 0;
    case 'A':
        request->against = arg;
        return 0;
    case 'e':
        return take_precision(arg, &request->precision);
    case 'B':
        return fb_take_real("--budget", arg, &request->budget_s[FB_FAMILY_C]);
    case 'P':
        return fb_take_real("--cpython-budget", arg, &request->budget_s[FB_FAMILY_CPYTHON]);
    case 'S':
        return fb_take_number("--seed", arg, 0, INT64_MAX, &request->seed);
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
    .children = fb_options_lists,
    .doc = "Measures kernels under harnesses, each trial a fresh process, in interleaved random "
           "blocks: a warm-up, then as many as --precision needs and the budgets allow. Writes "
           "run.json, six tables as CSV and summary.md; while it is not complete, journal.jsonl.",
};

/* ---- preparing ---- */

struct context {
    struct fb_run_request request;
    struct fb_journal journal;
    struct fb_machine machine;
    struct fb_plan plan;
    char folder[PATH_MAX];
    char against[PATH_MAX]; /* the path that request.against points to */
    struct fb_progress progress;
};

/* Makes the folder of a new run and its journal. 0, or a negative errno with *error. */
static int begin(struct context *context, const struct options *options, struct fb_error *error)
{
    static const char *const taken[] = { "run.json", FB_JOURNAL, NULL };
    const struct fb_machine *machine = &context->machine;
    int result;
    if (options->folder) {
        snprintf(context->folder, sizeof context->folder, "%s", options->folder);
        result = fb_result_dir_make(context->folder, taken, error);
    } else {
        result = fb_result_dir_make_default(machine->stamp, fb_build.commit, context->folder,
                                            sizeof context->folder, error);
    }
    if (result < 0)
        return result;
    return fb_journal_create(&context->journal, context->folder,
                             fb_run_request_json(&context->request, machine), error);
}

/* Opens the journal of an interrupted run and takes its request. 0 or an fb_exit. */
static int resume(struct context *context, const struct options *options)
{
    struct fb_error error = { 0 };
    if (options->work.given)
        return fb_fail(FB_EXIT_USAGE, "a resumed run has its options already: --%s: leave it out",
                       options->work.given);
    snprintf(context->folder, sizeof context->folder, "%s", options->resume);
    if (fb_journal_open(&context->journal, context->folder, &error) < 0)
        return error.code == -ENOENT
                   ? fb_fail(FB_EXIT_USAGE,
                             "no interrupted run: %s: there is no " FB_JOURNAL " in it (a complete "
                             "run has none)",
                             options->resume)
                   : fb_fail_with(&error);
    const json_t *head = context->journal.head;
    if (fb_run_request_check(head, &context->machine, &error) < 0)
        return fb_fail(FB_EXIT_INCOMPARABLE, "%s", error.text);
    fb_run_request_read(head, &context->request);
    const char *utc = json_string_value(json_object_get(head, "started_utc"));
    snprintf(context->machine.utc, sizeof context->machine.utc, "%s", utc ? utc : "");
    return 0;
}

/* Finds the other build and asks which one it is. 0 or an fb_exit. */
static int find_against(struct context *context)
{
    struct fb_run_request *request = &context->request;
    const char *given = request->against;
    char *path = context->against;
    struct fb_error error = { 0 };
    struct stat found;
    if (!given)
        return 0;
    if (!realpath(given, path) || stat(path, &found) < 0)
        return fb_fail(FB_EXIT_USAGE, "no such program: --against %s: %s", given, strerror(errno));
    if (!S_ISREG(found.st_mode) || access(path, X_OK) < 0 ||
        fb_launch_read_build(path, &request->against_build, &error) < 0)
        return fb_fail(FB_EXIT_USAGE, "not a forkbench: --against %s: give another build's program",
                       given);
    request->against = path;
    request->plan.against = true;
    const json_t *before = json_object_get(context->journal.head, "against_build");
    if (before && !json_equal(before, request->against_build))
        return fb_fail(FB_EXIT_INCOMPARABLE,
                       "can't go on against another build: %s: it has changed: measure anew", path);
    return 0;
}

/* Opens the journal and makes the plan. 0 or an fb_exit. */
static int prepare(struct context *context, const struct options *options)
{
    struct fb_run_request *request = &context->request;
    struct fb_error error = { 0 };
    int result = options->resume ? resume(context, options) : 0;
    if (result == 0)
        result = find_against(context);
    if (result)
        return result;
    request->plan.effective = context->machine.cpus.effective;
    result = fb_plan_make(&request->plan, &context->plan, &error);
    if (result == 0 && !options->resume)
        result = begin(context, options, &error);
    return result < 0 ? fb_fail_with(&error) : 0;
}

/* ---- measuring and reporting ---- */

static void show_progress(void *from, double done, const struct fb_cell *cell)
{
    struct context *context = from;
    char label[FB_TEXT + 32], what[FB_TEXT * 2];
    if (!context->progress
             .start_ns) /* now, as making samples and servers tells nothing of the time left */
        fb_progress_begin(&context->progress);
    fb_cell_label(cell, label, sizeof label);
    snprintf(what, sizeof what, "%s, %s, %u workers", cell->kernel->name, label, cell->workers);
    fb_progress_show(&context->progress, done, what);
}

/* Analyses the samples, writes all files and prints the summary. 0, or a negative errno with
 * *error. */
static int report(const struct context *context, const struct fb_samples *samples, bool complete,
                  struct fb_error *error)
{
    struct fb_analysis analysis;
    struct fb_fits fits;
    if (fb_analyse(&context->plan, samples, &analysis) < 0)
        return fb_error_set(error, -ENOMEM, "out of memory");
    if (fb_fits_make(&context->plan, samples, context->machine.cpus.effective, &fits) < 0) {
        fb_analysis_clear(&analysis);
        return fb_error_set(error, -ENOMEM, "out of memory");
    }
    const struct fb_run run = {
        .machine = &context->machine,
        .build = &fb_build,
        .against = context->request.against_build,
        .plan = &context->plan,
        .samples = samples,
        .analysis = &analysis,
        .fits = &fits,
        .seed = context->request.seed,
        .precision = context->request.precision,
        .bind = context->request.bind,
        .budget_s = context->request.budget_s,
        .complete = complete,
    };
    int result = fb_export_all(&run, context->folder, error);
    if (result == 0) {
        fb_export_table(&run, stdout);
        printf("\nResults: %s\n", context->folder);
    }
    fb_fits_clear(&fits);
    fb_analysis_clear(&analysis);
    return result;
}

/* Reports the first cell that failed; returns an fb_exit. */
static int check_cells(const struct fb_plan *plan, const struct fb_samples *samples)
{
    for (size_t i = 0; i < plan->count; i++) {
        char label[FB_TEXT + 32];
        fb_cell_label(&plan->cell[i], label, sizeof label);
        if (samples->outcome[i].failed)
            return fb_fail(FB_EXIT_NO, "a cell failed: %s under %s: %s", plan->cell[i].kernel->name,
                           label, samples->outcome[i].failure);
    }
    return FB_EXIT_OK;
}

/* Measures and reports; returns an fb_exit. The journal is removed when the run is complete. */
static int measure(struct context *context)
{
    const struct fb_run_session session = {
        .request = &context->request,
        .plan = &context->plan,
        .journal = &context->journal,
        .progress = show_progress,
        .context = context,
    };
    struct fb_samples samples;
    struct fb_error error = { 0 };
    int measured = fb_run_session_measure(&session, &samples, &error), result;
    fb_progress_end(&context->progress);
    if ((measured < 0 && measured != -EINTR) ||
        report(context, &samples, measured == 0, &error) < 0) {
        result = fb_fail_with(&error);
    } else if (measured == -EINTR) {
        result = fb_fail(FB_EXIT_INTERRUPTED,
                         "interrupted: %zu samples are kept: go on with run --resume %s",
                         samples.count, context->folder);
    } else {
        fb_journal_remove(context->folder);
        result = check_cells(&context->plan, &samples);
    }
    fb_samples_clear(&samples);
    return result;
}

static int run_main(int argc, char **argv)
{
    struct options options = { .request = {
                                   .budget_s = { 120, 120 }, .precision = 0.02, .seed = 1 } };
    int result = fb_parse(&parser, argc, argv, &options);
    if (result)
        return result;
    struct context *context = calloc(1, sizeof *context);
    if (!context)
        return fb_fail(FB_EXIT_IMPOSSIBLE, "out of memory");
    context->request = options.request;
    context->request.plan = options.work.lists;
    context->request.bind = options.work.bind;
    context->journal.fd = -1;
    fb_machine_read(&context->machine);
    result = prepare(context, &options);
    if (result == 0)
        result = measure(context);
    fb_plan_clear(&context->plan);
    fb_journal_close(&context->journal);
    json_decref(context->request.against_build);
    free(context);
    return result;
}

const struct fb_command fb_command_run = {
    .name = "run",
    .summary = "measures kernels under harnesses, in interleaved random blocks",
    .main = run_main,
};
