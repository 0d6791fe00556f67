#include "bench/run/launch.h"

#include "bench/format/json.h"

#include "base/child.h"
#include "base/clock.h"
#include "harness/worker/topology.h"

#include <errno.h>
#include <inttypes.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGUMENTS_MOST 64
#define ARGUMENT 512
#define COMPLAINT 300
#define LEAST_MS 100  /* of work in a trial */
#define RUNS_MOST 100 /* runs_ns that are kept as they are */

/* ---- prepared inputs ---- */

static struct fb_launch_prepared *find(struct fb_launch *launch, const struct fb_cell *cell)
{
    for (size_t i = 0; i < launch->count; i++)
        if (launch->prepared[i].kernel == cell->kernel &&
            strcmp(launch->prepared[i].params, cell->params) == 0)
            return &launch->prepared[i];
    return NULL;
}

static int set_params(struct fb_params *params, const struct fb_cell *cell, struct fb_error *error)
{
    char copy[FB_TEXT], *next = copy;
    int result = fb_params_init(params, cell->kernel);
    snprintf(copy, sizeof copy, "%s", cell->params);
    while (*copy && next && result == 0)
        result = fb_params_set(params, strsep(&next, " "), error);
    return result;
}

/* The CPUs for so many workers, as text: "--bind=0,1". NULL with *error on failure. */
static char *choose_cpus(unsigned workers, struct fb_error *error)
{
    unsigned *cpu = calloc(workers, sizeof *cpu);
    char *text = NULL;
    size_t size;
    FILE *to = cpu ? open_memstream(&text, &size) : NULL;
    int result = !to ? -ENOMEM : fb_topology_choose(workers, cpu);
    for (unsigned i = 0; to && i < workers; i++)
        fprintf(to, "%s%u", i ? "," : "--bind=", cpu[i]);
    if (to && fclose(to) != 0)
        result = -ENOMEM;
    free(cpu);
    if (result == 0)
        return text;
    free(text);
    fb_error_set(error, result, "can't choose CPUs to bind to");
    return NULL;
}

static unsigned bound_workers(const struct fb_cell *cell)
{
    return cell->copies ? cell->copies : cell->workers;
}

/* hwloc takes milliseconds to load: once for each number of workers. */
static int bind_cells(struct fb_launch *launch, struct fb_error *error)
{
    const struct fb_plan *plan = launch->plan;
    launch->cpus = calloc(plan->count, sizeof *launch->cpus);
    if (!launch->cpus)
        return fb_error_set(error, -ENOMEM, "out of memory");
    for (size_t i = 0; i < plan->count; i++) {
        size_t same = 0;
        while (bound_workers(&plan->cell[same]) != bound_workers(&plan->cell[i]))
            same++;
        launch->cpus[i] = same < i ? strdup(launch->cpus[same])
                                   : choose_cpus(bound_workers(&plan->cell[i]), error);
        if (!launch->cpus[i])
            return error->code ? error->code : fb_error_set(error, -ENOMEM, "out of memory");
    }
    return 0;
}

/* Whether it needs our server. */
static bool is_served(const struct fb_cell *cell)
{
    struct fb_params params = { 0 };
    struct fb_error error;
    bool served = cell->kernel->served_param && set_params(&params, cell, &error) == 0 &&
                  fb_server_is_needed(cell->kernel, &params);
    if (cell->kernel->served_param)
        fb_params_clear(&params);
    return served;
}

static int serve(struct fb_launch *launch, struct fb_error *error)
{
    for (size_t i = 0; i < launch->plan->count; i++)
        if (is_served(&launch->plan->cell[i]))
            return fb_server_start(&launch->server, error);
    return 0;
}

int fb_launch_prepare(struct fb_launch *launch, struct fb_error *error)
{
    const struct fb_plan *plan = launch->plan;
    int result = launch->bind ? bind_cells(launch, error) : 0;
    if (result == 0)
        result = serve(launch, error);
    if (result < 0)
        return result;
    for (size_t i = 0; i < plan->count; i++) {
        const struct fb_cell *cell = &plan->cell[i];
        if (!cell->kernel->prepare || find(launch, cell) || launch->count == FB_LIST_MOST)
            continue;
        struct fb_params params = { 0 };
        int fd = -1;
        result = set_params(&params, cell, error);
        if (result == 0)
            result = cell->kernel->prepare(&params, &fd, error);
        fb_params_clear(&params);
        if (result < 0)
            return result;
        struct fb_launch_prepared *prepared = &launch->prepared[launch->count++];
        prepared->kernel = cell->kernel;
        prepared->fd = fd;
        snprintf(prepared->params, sizeof prepared->params, "%s", cell->params);
    }
    return 0;
}

void fb_launch_clear(struct fb_launch *launch)
{
    for (size_t i = 0; i < launch->count; i++)
        if (launch->prepared[i].fd >= 0)
            close(launch->prepared[i].fd);
    launch->count = 0;
    fb_server_end(&launch->server);
    for (size_t i = 0; launch->cpus && i < launch->plan->count; i++)
        free(launch->cpus[i]);
    free(launch->cpus);
    launch->cpus = NULL;
}

/* ---- arguments ---- */

struct arguments {
    char text[ARGUMENTS_MOST][ARGUMENT];
    char *list[ARGUMENTS_MOST + 1];
    int count;
};

/* One of any length, which stays the caller's. */
static void add_text(struct arguments *arguments, char *text)
{
    if (arguments->count == ARGUMENTS_MOST)
        return;
    arguments->list[arguments->count++] = text;
    arguments->list[arguments->count] = NULL;
}

static void __attribute__((format(printf, 2, 3)))
add(struct arguments *arguments, const char *format, ...)
{
    if (arguments->count == ARGUMENTS_MOST)
        return;
    char *text = arguments->text[arguments->count];
    va_list values;
    va_start(values, format);
    vsnprintf(text, ARGUMENT, format, values);
    va_end(values);
    add_text(arguments, text);
}

static void make_arguments(struct arguments *arguments, struct fb_launch *launch,
                           const struct fb_turn *turn)
{
    const struct fb_cell *cell = &launch->plan->cell[turn->cell];
    const struct fb_launch_prepared *prepared = find(launch, cell);
    char copy[FB_TEXT], *next = copy;
    arguments->count = 0;
    add(arguments, "forkbench");
    add(arguments, "exec");
    add(arguments, "--json");
    add(arguments, "--kernel=%s", cell->kernel->name);
    add(arguments, "--harness=%s%s%.400s", cell->harness->name, cell->variant[0] ? "=" : "",
        cell->variant);
    add(arguments, "--workers=%u", cell->workers);
    if (cell->copies)
        add(arguments, "--copies=%u", cell->copies);
    if (turn->repeat)
        add(arguments, "--repeat=%u", turn->repeat);
    else if (!cell->copies) /* they are repeated as often as their base */
        add(arguments, "--least=%d", LEAST_MS);
    if (launch->cpus)
        add_text(arguments, launch->cpus[turn->cell]);
    if (turn->known)
        add(arguments, "--known=%016" PRIx64, *turn->known);
    if (cell->kernel->served_param &&
        launch->server.url[0]) /* one that was asked for comes later */
        add(arguments, "--param=%s=%s", cell->kernel->served_param, launch->server.url);
    snprintf(copy, sizeof copy, "%s", cell->params);
    while (*copy && next)
        add(arguments, "--param=%s", strsep(&next, " "));
    if (launch->server.url[0] && is_served(cell))
        add(arguments, "--param=%s=%s", cell->kernel->served_param, launch->server.url);
    if (prepared && prepared->fd >= 0)
        add(arguments, "--param=%s=/proc/self/fd/%d", cell->kernel->prepared_param, prepared->fd);
}

/* ---- the process ---- */

static _Noreturn void become_trial(const char *program, struct arguments *arguments, pid_t parent,
                                   int out, int err)
{
    fb_child_tie(parent);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    execv(program, arguments->list);
    _exit(127);
}

/* Reads all that the trial prints; what it complains goes to err, a file. */
static json_t *listen_to(int fd, char *complaint, FILE *err)
{
    json_error_t where;
    FILE *answers = fdopen(fd, "r");
    json_t *raw = answers ? json_loadf(answers, 0, &where) : NULL;
    char rest[256];
    while (answers && fread(rest, 1, sizeof rest, answers) > 0)
        ;
    if (answers)
        fclose(answers);
    rewind(err);
    size_t length = fread(complaint, 1, COMPLAINT - 1, err);
    complaint[length] = '\0';
    complaint[strcspn(complaint, "\n")] = '\0';
    return raw;
}

static int judge(int status, const char *complaint, const json_t *raw, struct fb_error *error)
{
    static const char prefix[] = "forkbench: ";
    char how[80];
    if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGINT || WTERMSIG(status) == SIGTERM))
        return fb_error_set(error, -EINTR, "interrupted");
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && raw)
        return 0;
    if (strncmp(complaint, prefix, strlen(prefix)) == 0)
        complaint += strlen(prefix);
    fb_child_describe(status, how, sizeof how);
    return fb_error_set(error, -EBADMSG, "%.180s%sthe trial %s", complaint,
                        complaint[0] ? "; " : "", how);
}

static int compare_reals(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static uint64_t number(const json_t *raw, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(raw, name));
}

static void copy_text(const json_t *raw, const char *name, char *text, size_t size)
{
    const char *value = json_string_value(json_object_get(raw, name));
    snprintf(text, size, "%s", value ? value : "");
}

/* Of very many repetitions the distribution is kept: every hundredth part of the ordered list. */
static void shorten_runs(json_t *raw)
{
    json_t *runs = json_object_get(raw, "runs_ns");
    size_t count = json_array_size(runs);
    if (count <= RUNS_MOST)
        return;
    double *value = malloc(count * sizeof *value);
    if (!value)
        return;
    for (size_t i = 0; i < count; i++)
        value[i] = json_number_value(json_array_get(runs, i));
    qsort(value, count, sizeof *value, compare_reals);
    json_t *percentiles = json_array();
    for (size_t i = 0; i <= 100; i++)
        json_array_append_new(percentiles, json_integer((json_int_t)value[i * (count - 1) / 100]));
    free(value);
    json_object_set_new(raw, "runs_ns_percentiles", percentiles);
    json_object_del(raw, "runs_ns");
}

static void take_disturbances(const json_t *raw, struct fb_sample *sample)
{
    const json_t *list = json_object_get(raw, "disturbed");
    size_t used = 0;
    sample->disturbed[0] = '\0';
    for (size_t i = 0; i < json_array_size(list) && used < sizeof sample->disturbed; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        used += (size_t)snprintf(sample->disturbed + used, sizeof sample->disturbed - used, "%s%s",
                                 i ? "; " : "", text ? text : "");
    }
}

void fb_launch_take(json_t *raw, const struct fb_cell *cell, struct fb_sample *sample,
                    struct fb_outcome *outcome)
{
    /* As it was asked for: where this machine keeps its interpreter is nobody's business. */
    json_object_set_new(raw, "harness", fb_json_text(cell->copies ? "single" : cell->label));
    const char *digest = json_string_value(json_object_get(raw, "digest"));
    sample->digest = digest ? strtoull(digest, NULL, 16) : 0;
    sample->repeat = (unsigned)number(raw, "repeat");
    sample->prepare_ns = number(raw, "prepare_ns");
    sample->setup_ns = number(raw, "setup_ns");
    sample->open_ns = number(raw, "open_ns");
    sample->run_ns = number(raw, "run_ns");
    sample->close_ns = number(raw, "close_ns");
    sample->wall_ns = number(raw, "wall_ns");
    sample->user_ns = number(raw, "user_ns");
    sample->system_ns = number(raw, "system_ns");
    sample->voluntary_switches = number(raw, "voluntary_switches");
    sample->involuntary_switches = number(raw, "involuntary_switches");
    sample->minor_faults = number(raw, "minor_faults");
    sample->max_rss_bytes = number(raw, "max_rss_bytes");
    take_disturbances(raw, sample);
    shorten_runs(raw);
    sample->raw = raw;
    outcome->checked = true;
    outcome->digest = sample->digest;
    copy_text(raw, "answer", outcome->answer, sizeof outcome->answer);
    copy_text(raw, "description", outcome->description, sizeof outcome->description);
}

/* Runs a program with these arguments: 0 with *ret_raw, or a negative errno with *error. */
static int run_program(const char *program, struct arguments *arguments, json_t **ret_raw,
                       struct fb_error *error)
{
    char complaint[COMPLAINT];
    int ends[2];
    FILE *err = tmpfile();
    if (!err)
        return fb_error_set(error, -errno, "can't make a temporary file: %s", strerror(errno));
    if (pipe2(ends, O_CLOEXEC) < 0) {
        fclose(err);
        return fb_error_set(error, -errno, "can't make a pipe: %s", strerror(errno));
    }
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        become_trial(program, arguments, parent, ends[1], fileno(err));
    int code = errno;
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        fclose(err);
        return fb_error_set(error, -code, "can't fork a trial: %s", strerror(code));
    }
    json_t *raw = listen_to(ends[0], complaint, err);
    fclose(err);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    int result = judge(status, complaint, raw, error);
    if (result < 0)
        json_decref(raw);
    else
        *ret_raw = raw;
    return result;
}

int fb_launch_ask(const char *program, json_t **ret_build, struct fb_error *error)
{
    struct arguments arguments = { .count = 0 };
    json_t *raw = NULL;
    add(&arguments, "forkbench");
    add(&arguments, "list");
    add(&arguments, "--json");
    int result = run_program(program, &arguments, &raw, error);
    if (result < 0)
        return result;
    *ret_build = json_incref(json_object_get(raw, "build"));
    json_decref(raw);
    return *ret_build ? 0 : fb_error_set(error, -EBADMSG, "it does not say which build it is");
}

int fb_launch_trial(struct fb_launch *launch, const struct fb_turn *turn,
                    struct fb_outcome *outcome, struct fb_sample *sample, struct fb_error *error)
{
    const struct fb_cell *cell = &launch->plan->cell[turn->cell];
    struct arguments arguments;
    json_t *raw = NULL;
    make_arguments(&arguments, launch, turn);
    uint64_t start_ns = fb_now_ns();
    int result =
        run_program(cell->against ? launch->against : "/proc/self/exe", &arguments, &raw, error);
    sample->took_ns = fb_now_ns() - start_ns;
    if (result == 0)
        fb_launch_take(raw, cell, sample, outcome);
    return result;
}
