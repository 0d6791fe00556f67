#include "bench/judge/run_reader.h"

#include "bench/format/result_dir.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *text(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    return value ? value : "";
}

/* Copies the parameters without descriptors, whose numbers differ from run to run. */
static json_t *read_parameters(const json_t *exec)
{
    json_t *parameters = json_copy(json_object_get(exec, "parameters"));
    const char *name;
    json_t *value;
    void *next;
    json_object_foreach_safe(parameters, next, name, value)
    {
        if (strncmp(text(parameters, name), "/proc/self/fd/", strlen("/proc/self/fd/")) == 0)
            json_object_del(parameters, name);
    }
    return parameters;
}

static int read_samples(const json_t *samples, size_t index, struct fb_recorded_cell *cell)
{
    size_t at;
    const json_t *sample;
    cell->run_ns = calloc(json_array_size(samples) + 1, sizeof *cell->run_ns);
    if (!cell->run_ns)
        return -ENOMEM;
    json_array_foreach(samples, at, sample)
    {
        double run_ns = json_number_value(json_object_get(sample, "run_ns"));
        if (json_integer_value(json_object_get(sample, "cell")) != (json_int_t)index || run_ns <= 0)
            continue;
        const json_t *exec = json_object_get(sample, "exec");
        if (!cell->parameters) {
            cell->parameters = read_parameters(exec);
            cell->digest = json_string_value(json_object_get(exec, "digest"));
            cell->description = text(exec, "description");
        }
        if (json_integer_value(json_object_get(sample, "block")) > 0)
            cell->run_ns[cell->blocks++] = run_ns;
    }
    return 0;
}

static int read_cells(struct fb_recorded_run *run)
{
    const json_t *cells = json_object_get(json_object_get(run->root, "plan"), "cells"), *found;
    const json_t *samples = json_object_get(run->root, "samples");
    size_t index;
    run->cell = calloc(json_array_size(cells) + 1, sizeof *run->cell);
    if (!run->cell)
        return -ENOMEM;
    json_array_foreach(cells, index, found)
    {
        if (json_integer_value(json_object_get(found, "copies")) != 0 ||
            json_is_true(json_object_get(found, "again")) ||
            json_is_true(json_object_get(found, "against")))
            continue;
        struct fb_recorded_cell *cell = &run->cell[run->count++];
        cell->kernel = text(found, "kernel");
        cell->asked = text(found, "parameters");
        cell->harness = text(found, "harness");
        cell->workers = (unsigned)json_integer_value(json_object_get(found, "workers"));
        cell->description = "";
        int result = read_samples(samples, index, cell);
        if (result < 0)
            return result;
    }
    return 0;
}

static int read_root(const char *folder, json_t **ret_root, struct fb_error *error)
{
    char path[4096];
    json_error_t where;
    if ((size_t)snprintf(path, sizeof path, "%s/run.json", folder) >= sizeof path)
        return fb_error_set(error, -ENAMETOOLONG, "path too long: %.100s…", folder);
    FILE *file = fopen(path, "re");
    if (!file)
        return errno == ENOENT || errno == ENOTDIR
                   ? fb_error_set(error, -ENOENT,
                                  "no run: %s: there is no run.json in it: give a folder that "
                                  "`forkbench run` wrote",
                                  folder)
                   : fb_error_set(error, -errno, "can't read %s: %s", path, strerror(errno));
    *ret_root = json_loadf(file, 0, &where);
    fclose(file);
    if (!*ret_root)
        return fb_error_set(error, -EBADMSG, "not a run: %s, line %d: %.80s", path, where.line,
                            where.text);
    const json_t *schema = json_object_get(*ret_root, "schema");
    if (!json_is_integer(schema) || !json_is_object(json_object_get(*ret_root, "plan")))
        return fb_error_set(error, -EBADMSG, "not a run: %s: it has no schema or no plan", path);
    if (json_integer_value(schema) != FB_SCHEMA)
        return fb_error_set(error, -ENOTSUP,
                            "schema differs: %s has %" JSON_INTEGER_FORMAT ", not %d: measure anew",
                            path, json_integer_value(schema), FB_SCHEMA);
    return 0;
}

int fb_recorded_run_read(const char *folder, struct fb_recorded_run *ret_run,
                         struct fb_error *error)
{
    struct fb_recorded_run run = { 0 };
    int result = read_root(folder, &run.root, error);
    if (result == 0 && read_cells(&run) < 0)
        result = fb_error_set(error, -ENOMEM, "out of memory");
    if (result < 0) {
        fb_recorded_run_clear(&run);
        return result;
    }
    run.machine = json_object_get(run.root, "machine");
    run.build = json_object_get(run.root, "build");
    run.bind = json_is_true(json_object_get(json_object_get(run.root, "plan"), "bind"));
    *ret_run = run;
    return 0;
}

void fb_recorded_run_clear(struct fb_recorded_run *run)
{
    for (size_t i = 0; i < run->count; i++) {
        free(run->cell[i].run_ns);
        json_decref(run->cell[i].parameters);
    }
    free(run->cell);
    json_decref(run->root);
    *run = (struct fb_recorded_run){ 0 };
}
