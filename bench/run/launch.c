#include "bench/run/launch.h"

#include "bench/run/sample_reader.h"
#include "bench/run/trial_process.h"

#include "base/clock.h"
#include "harness/worker/topology.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LEAST_MS 100 /* of work in a trial */

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

/* Chooses CPUs for that many workers: the argument "--bind=0,1". NULL with *error on failure. */
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

/* Chooses CPUs once for each number of workers, because hwloc takes milliseconds to load. */
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

/* Whether the cell needs our server. */
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

static void make_arguments(struct fb_arguments *arguments, struct fb_launch *launch,
                           const struct fb_turn *turn)
{
    const struct fb_cell *cell = &launch->plan->cell[turn->cell];
    const struct fb_launch_prepared *prepared = find(launch, cell);
    char copy[FB_TEXT], *next = copy;
    fb_arguments_add(arguments, "forkbench");
    fb_arguments_add(arguments, "exec");
    fb_arguments_add(arguments, "--json");
    fb_arguments_add(arguments, "--kernel=%s", cell->kernel->name);
    fb_arguments_add(arguments, "--harness=%s%s%.400s", cell->harness->name,
                     cell->variant[0] ? "=" : "", cell->variant);
    fb_arguments_add(arguments, "--workers=%u", cell->workers);
    if (cell->copies)
        fb_arguments_add(arguments, "--copies=%u", cell->copies);
    if (turn->repeat)
        fb_arguments_add(arguments, "--repeat=%u", turn->repeat);
    else if (!cell->copies) /* copies get the number of repeats of their base */
        fb_arguments_add(arguments, "--least=%d", LEAST_MS);
    if (launch->cpus)
        fb_arguments_add_long(arguments, launch->cpus[turn->cell]);
    if (turn->known)
        fb_arguments_add(arguments, "--known=%016" PRIx64, *turn->known);
    if (cell->kernel->served_param &&
        launch->server.url[0]) /* a parameter that was given follows and counts */
        fb_arguments_add(arguments, "--param=%s=%s", cell->kernel->served_param,
                         launch->server.url);
    snprintf(copy, sizeof copy, "%s", cell->params);
    while (*copy && next)
        fb_arguments_add(arguments, "--param=%s", strsep(&next, " "));
    if (launch->server.url[0] && is_served(cell))
        fb_arguments_add(arguments, "--param=%s=%s", cell->kernel->served_param,
                         launch->server.url);
    if (prepared && prepared->fd >= 0)
        fb_arguments_add(arguments, "--param=%s=/proc/self/fd/%d", cell->kernel->prepared_param,
                         prepared->fd);
}

int fb_launch_read_build(const char *program, json_t **ret_build, struct fb_error *error)
{
    struct fb_arguments arguments = { .count = 0 };
    json_t *raw = NULL;
    fb_arguments_add(&arguments, "forkbench");
    fb_arguments_add(&arguments, "list");
    fb_arguments_add(&arguments, "--json");
    int result = fb_trial_process_run(program, &arguments, &raw, error);
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
    struct fb_arguments arguments = { .count = 0 };
    json_t *raw = NULL;
    make_arguments(&arguments, launch, turn);
    uint64_t start_ns = fb_now_ns();
    int result = fb_trial_process_run(cell->against ? launch->against : "/proc/self/exe",
                                      &arguments, &raw, error);
    sample->took_ns = fb_now_ns() - start_ns;
    if (result == 0)
        fb_sample_read(raw, cell, sample, outcome);
    return result;
}
