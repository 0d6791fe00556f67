/* run.json: the machine, the plan, every raw sample, the summary. */
#include "export.h"
#include "json.h"

static const char *const family_names[FB_FAMILIES] = { "C", "CPython" };

static json_t *interval_json(const struct fb_interval *interval)
{
    return json_pack("{so so so sI}", "median", fb_json_real(interval->value), "low",
                     fb_json_real(interval->low), "high", fb_json_real(interval->high), "blocks",
                     (json_int_t)interval->samples);
}

static json_t *index_json(size_t cell)
{
    return cell == FB_NO_CELL ? json_null() : json_integer((json_int_t)cell);
}

static json_t *cell_json(const struct fb_cell *cell)
{
    return json_pack("{ss so so si si ss so so}", "kernel", cell->kernel->name, "parameters",
                     fb_json_text(cell->params), "harness", fb_json_text(cell->label), "workers",
                     (int)cell->workers, "copies", (int)cell->copies, "family",
                     family_names[cell->family], "base", index_json(cell->base), "ceiling",
                     index_json(cell->ceiling));
}

static json_t *sample_json(const struct fb_sample *sample)
{
    json_t *object = json_pack("{sI sI sI sI}", "block", (json_int_t)sample->block, "position",
                               (json_int_t)sample->position, "cell", (json_int_t)sample->cell,
                               "run_ns", (json_int_t)sample->run_ns);
    if (sample->raw)
        json_object_set(object, "exec", sample->raw);
    return object;
}

static json_t *summary_json(const struct fb_run *run, size_t index)
{
    const struct fb_summary *summary = &run->summary[index];
    const struct fb_outcome *outcome = &run->samples->outcome[index];
    json_t *object = json_pack(
        "{sI so so sb}", "cell", (json_int_t)index, "run_ns", interval_json(&summary->run_ns),
        "answer", fb_json_text(outcome->answer), "valid", outcome->checked && !outcome->failed);
    if (outcome->description[0])
        json_object_set_new(object, "description", fb_json_text(outcome->description));
    if (summary->has_speedup)
        json_object_set_new(object, "speedup", interval_json(&summary->speedup));
    if (summary->has_ceiling)
        json_object_set_new(object, "of_ceiling", interval_json(&summary->of_ceiling));
    if (outcome->failed)
        json_object_set_new(object, "failed", fb_json_text(outcome->why));
    return object;
}

static int write_json(const struct fb_run *run, FILE *to)
{
    json_t *cells = json_array(), *samples = json_array(), *summary = json_array();
    for (size_t i = 0; i < run->plan->count; i++) {
        json_array_append_new(cells, cell_json(&run->plan->cell[i]));
        json_array_append_new(summary, summary_json(run, i));
    }
    for (size_t i = 0; i < run->samples->count; i++)
        json_array_append_new(samples, sample_json(&run->samples->list[i]));
    json_t *plan =
        json_pack("{sI so s{sf sf}}", "seed", (json_int_t)run->seed, "cells", cells, "budget_s",
                  "C", run->budget_s[FB_FAMILY_C], "CPython", run->budget_s[FB_FAMILY_CPYTHON]);
    json_t *root =
        json_pack("{si ss ss ss sb so so so so}", "schema", FB_SCHEMA, "forkbench", FB_VERSION,
                  "commit", run->machine->commit, "started_utc", run->machine->utc, "complete",
                  run->complete, "machine", fb_machine_json(run->machine), "plan", plan, "samples",
                  samples, "summary", summary);
    return fb_json_print(root, to);
}

const struct fb_export fb_export_json = { "run.json", write_json };
