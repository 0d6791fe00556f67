#include "bench/judge/resource_usage.h"

#include "base/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MIB (1.0 / (1024 * 1024))

const struct fb_resource_field fb_resource_fields[] = {
    { "user_ns", NULL, "user_ns", "user ms", 1e-6, false },
    { "system_ns", NULL, "system_ns", "system ms", 1e-6, false },
    { "minor_faults", NULL, "minor_faults", "faults", 1, false },
    { "voluntary_switches", NULL, "voluntary_switches", "switches", 1, false },
    { "involuntary_switches", "audit", "involuntary_switches", "interrupted", 1, false },
    { "waiting_ns", "audit", "waiting_ns", "waiting ms", 1e-6, false },
    { "migrations", "audit", "migrations", "migrations", 1, false },
    { "steal_ns", "audit", "steal_ns", NULL, 1, false },
    { "other_processes_ns", "audit", "other_processes_ns", NULL, 1, false },
    { "frequency_khz", "audit", "frequency_khz", NULL, 1, false },
    { "instructions", "audit", "instructions", NULL, 1, false },
    { "cycles", "audit", "cycles", NULL, 1, false },
    { "cache_misses", "audit", "cache_misses", NULL, 1, false },
    { "pss_bytes_per_worker", "audit", "pss_bytes", "PSS MiB", MIB, true },
    { "uss_bytes_per_worker", "audit", "uss_bytes", "USS MiB", MIB, true },
    { 0 },
};

/* Keeps the reason that exec printed in place of a number. */
static void keep_reason(const json_t *value, struct fb_optional *usage)
{
    static const char prefix[] = "unavailable: ";
    const char *text = json_string_value(value);
    if (!text)
        *usage = fb_optional_missing("exec did not say");
    else
        *usage = fb_optional_missing(
            "%s", text + (strncmp(text, prefix, strlen(prefix)) == 0 ? strlen(prefix) : 0));
}

struct fb_optional fb_resource_usage(const struct fb_plan *plan, const struct fb_samples *samples,
                                     size_t cell, const struct fb_resource_field *field)
{
    struct fb_optional usage = fb_optional_missing("not measured");
    double *value = malloc((samples->count + 1) * sizeof *value);
    size_t count = 0;
    for (size_t i = 0; value && i < samples->count; i++) {
        const struct fb_sample *sample = &samples->list[i];
        const json_t *from = sample->raw;
        if (sample->cell != cell || sample->block == 0)
            continue;
        if (field->group)
            from = json_object_get(from, field->group);
        const json_t *found = json_object_get(from, field->key);
        if (json_is_number(found))
            value[count++] = json_number_value(found);
        else
            keep_reason(found, &usage);
    }
    if (count > 0) {
        unsigned workers = field->each_worker ? plan->cell[cell].workers : 1;
        usage = fb_optional_of((int64_t)llround(fb_median(value, count) / workers));
    }
    free(value);
    return usage;
}
