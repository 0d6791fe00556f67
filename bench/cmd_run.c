/* `forkbench run`: the sweep. */
#include "cli.h"
#include "export.h"
#include "progress.h"
#include "spawn.h"

#include "harness/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXIT_INTERRUPTED 130

struct options {
    struct fb_plan_request request;
    double budget_s[FB_FAMILIES];
    uint64_t seed;
    const char *folder;
};

/* What the measuring calls back with. */
struct run {
    struct fb_spawn spawn; /* first: fb_spawn_trial takes this */
    struct fb_progress progress;
    struct fb_run data;
    struct fb_summary *summary;
    char folder[PATH_MAX];
    struct fb_error error;
};

static const struct argp_option option_table[] = {
    { "kernel", 'k', "K,…", 0, "Kernels (default divisors,primes,resize)", 0 },
    { "harness", 'H', "H,…", 0, "Harnesses (default single,pthread,forkpool,gil)", 0 },
    { "workers", 'w', "N,…", 0,
      "Worker counts (default: effective CPUs, twice as many, and fewer, "
      "as far as 20 cells go)",
      0 },
    { "param", 'p', "NAME=V1,V2", 0, "Values of a parameter; may be given several times", 0 },
    { "budget", 'B', "SECONDS", 0, "For the harnesses in C (default 60)", 0 },
    { "cpython-budget", 'P', "SECONDS", 0, "For the cpython harnesses (default 120)", 0 },
    { "seed", 'S', "N", 0, "Of the order within blocks (default 1)", 0 },
    { "output", 'o', "DIR", 0, "Where to write (default results/<UTC stamp>-<commit>)", 0 },
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

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;
    struct fb_plan_request *request = &options->request;
    switch (key) {
    case 'k':
        return take_list("--kernel", arg, request->kernel, &request->kernels);
    case 'H':
        return take_list("--harness", arg, request->harness, &request->harnesses);
    case 'w':
        return take_workers(arg, request);
    case 'p':
        return fb_take_more("--param", arg, request->param, &request->params, FB_LIST_MOST);
    case 'B':
        return fb_take_real("--budget", arg, &options->budget_s[FB_FAMILY_C]);
    case 'P':
        return fb_take_real("--cpython-budget", arg, &options->budget_s[FB_FAMILY_CPYTHON]);
    case 'S':
        return fb_take_number("--seed", arg, 0, INT64_MAX, &options->seed);
    case 'o':
        options->folder = arg;
        return 0;
    default:
        return fb_parse_rest(key, arg, state);
    }
}

static const struct argp parser = {
    .options = option_table,
    .parser = parse_option,
    .doc = "Measures kernels under harnesses, each trial a fresh process, in interleaved random "
           "blocks until the budgets are used up, and writes run.json, samples.csv, summary.csv "
           "and summary.md.",
};

/* ---- where to ---- */

/* Whether path is a folder: 0, or -1 with errno. */
static int open_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    close(fd);
    return 0;
}

static int make_folders(const char *folder, struct fb_error *error)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s", folder);
    for (char *slash = path; slash; slash = strchr(slash + 1, '/')) {
        if (slash == path)
            continue;
        *slash = '\0';
        int made = mkdir(path, 0777);
        *slash = '/';
        if (made < 0 && errno != EEXIST)
            return fb_error_set(error, -errno, "can't make the folder %.150s: %s", path,
                                strerror(errno));
    }
    if (mkdir(path, 0777) < 0 && errno != EEXIST)
        return fb_error_set(error, -errno, "can't make the folder %.150s: %s", path,
                            strerror(errno));
    if (access(path, W_OK | X_OK) < 0 || open_folder(path) < 0)
        return fb_error_set(error, -errno, "can't write into %.150s: %s: give another folder", path,
                            strerror(errno));
    return 0;
}

/* A run that is there already is not written over. */
static int refuse_run(const char *folder, struct fb_error *error)
{
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/run.json", folder);
    if (access(path, F_OK) < 0)
        return 0;
    return fb_error_set(error, -EEXIST, "the folder holds a run already: %.150s: give another",
                        folder);
}

/* results/<UTC stamp>-<commit>, with a number behind it if that second has a run already. */
static int make_default_folder(const struct fb_machine *machine, char *ret_folder, size_t size,
                               struct fb_error *error)
{
    int result = make_folders("results", error);
    for (unsigned number = 1; result == 0; number++) {
        snprintf(ret_folder, size, "results/%s-%s", machine->stamp, machine->commit);
        if (number > 1)
            snprintf(ret_folder, size, "results/%s-%s-%u", machine->stamp, machine->commit, number);
        if (mkdir(ret_folder, 0777) == 0)
            return 0;
        if (errno != EEXIST)
            result = fb_error_set(error, -errno, "can't make the folder %.150s: %s", ret_folder,
                                  strerror(errno));
    }
    return result;
}

/* results/latest points to the newest run, at every moment. */
static void point_latest(const char *folder)
{
    const char *name = strrchr(folder, '/') + 1;
    unlink("results/.latest");
    if (symlink(name, "results/.latest") == 0)
        rename("results/.latest", "results/latest");
}

/* ---- while measuring ---- */

static volatile sig_atomic_t asked_to_stop;

static void on_signal(int signal)
{
    (void)signal;
    asked_to_stop = 1;
}

static bool interrupted(void *context)
{
    (void)context;
    return asked_to_stop;
}

static uint64_t now_ns(void *context)
{
    (void)context;
    return fb_now_ns();
}

static void show_progress(void *context, double done, const struct fb_cell *cell)
{
    struct run *run = context;
    char what[FB_TEXT * 2];
    snprintf(what, sizeof what, "%s, %s, %u workers", cell->kernel->name, cell->label,
             cell->workers);
    fb_progress_show(&run->progress, done, what);
}

static int save(void *context, const struct fb_samples *samples)
{
    struct run *run = context;
    for (size_t i = 0; i < run->data.plan->count; i++)
        if (fb_summarize(run->data.plan, samples, i, &run->summary[i]) < 0)
            return fb_error_set(&run->error, -ENOMEM, "out of memory");
    run->data.samples = samples;
    return fb_export_all(&run->data, run->folder, &run->error);
}

/* ---- */

static int finish(struct run *run, const struct fb_samples *samples, int result)
{
    fb_progress_end(&run->progress);
    if (result == -ENOMEM)
        fb_error_set(&run->error, result, "out of memory");
    if (result < 0 && result != -EINTR)
        return fb_fail_with(&run->error);
    run->data.complete = result == 0;
    if (save(run, samples) < 0)
        return fb_fail_with(&run->error);
    fb_export_table(&run->data, stdout);
    printf("\nResults: %s\n", run->folder);
    if (result == -EINTR) {
        fb_fail(FB_EXIT_UNCERTAIN, "interrupted: %zu samples are kept: in %s", samples->count,
                run->folder);
        return EXIT_INTERRUPTED;
    }
    for (size_t i = 0; i < run->data.plan->count; i++)
        if (samples->outcome[i].failed)
            return fb_fail(FB_EXIT_NO, "a cell failed: %s under %s: %s",
                           run->data.plan->cell[i].kernel->name, run->data.plan->cell[i].label,
                           samples->outcome[i].why);
    return FB_EXIT_OK;
}

static int measure(struct run *run, const struct options *options)
{
    struct fb_samples samples = { 0 };
    struct fb_measure measure = {
        .plan = run->data.plan,
        .seed = options->seed,
        .trial = fb_spawn_trial,
        .now_ns = now_ns,
        .progress = show_progress,
        .block_done = save,
        .interrupted = interrupted,
        .context = run,
    };
    memcpy(measure.budget_s, options->budget_s, sizeof measure.budget_s);
    int result = fb_spawn_prepare(&run->spawn, run->data.plan, &run->error);
    if (result < 0)
        return fb_fail_with(&run->error);
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    fb_progress_begin(&run->progress);
    result = fb_measure_run(&measure, &samples);
    result = finish(run, &samples, result);
    fb_samples_clear(&samples);
    return result;
}

static int run_main(int argc, char **argv)
{
    struct options options = { .budget_s = { 60, 120 }, .seed = 1 };
    int result = fb_parse(&parser, argc, argv, &options);
    if (result)
        return result;
    struct fb_machine machine;
    struct fb_plan plan = { 0 };
    struct run *run = calloc(1, sizeof *run);
    if (!run)
        return fb_fail(FB_EXIT_IMPOSSIBLE, "out of memory");
    fb_machine_read(&machine);
    options.request.effective = machine.cpus.effective;
    snprintf(run->folder, sizeof run->folder, "%s", options.folder ? options.folder : "");
    result = fb_plan_make(&options.request, &plan, &run->error);
    if (result == 0 && options.folder)
        result = refuse_run(run->folder, &run->error);
    if (result == 0)
        result = options.folder
                     ? make_folders(run->folder, &run->error)
                     : make_default_folder(&machine, run->folder, sizeof run->folder, &run->error);
    run->summary = calloc(plan.count + 1, sizeof *run->summary);
    if (result == 0 && !run->summary)
        result = fb_error_set(&run->error, -ENOMEM, "out of memory");
    if (result < 0) {
        result = fb_fail_with(&run->error);
    } else {
        if (!options.folder)
            point_latest(run->folder);
        run->data = (struct fb_run){ .machine = &machine,
                                     .plan = &plan,
                                     .seed = options.seed,
                                     .summary = run->summary,
                                     .budget_s = options.budget_s };
        result = measure(run, &options);
    }
    fb_spawn_clear(&run->spawn);
    fb_plan_clear(&plan);
    free(run->summary);
    free(run);
    return result;
}

const struct fb_command fb_command_run = {
    .name = "run",
    .summary = "the sweep: kernels under harnesses, in interleaved random blocks",
    .main = run_main,
};
