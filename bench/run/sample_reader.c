#include "bench/run/sample_reader.h"

#include "bench/format/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUNS_MOST 100 /* with more entries runs_ns is replaced by its percentiles */

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

/* Replaces a long runs_ns by its percentiles 0 to 100. */
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

static void read_disturbances(const json_t *raw, struct fb_sample *sample)
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

void fb_sample_read(json_t *raw, const struct fb_cell *cell, struct fb_sample *sample,
                    struct fb_outcome *outcome)
{
    /* The name from the command line: the interpreter's path on this machine is private. */
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
    read_disturbances(raw, sample);
    shorten_runs(raw);
    sample->raw = raw;
    outcome->checked = true;
    outcome->digest = sample->digest;
    copy_text(raw, "answer", outcome->answer, sizeof outcome->answer);
    copy_text(raw, "description", outcome->description, sizeof outcome->description);
}
