/* run.json: the machine, the plan, every raw sample, the summary. */
#include "bench/export/export.h"
#include "bench/format/json.h"
#include "bench/format/result_dir.h"

#include <math.h>

static const char *const family_names[FB_FAMILIES] = { "C", "CPython" };

static json_t *interval_json(const struct fb_interval *interval)
{
    return json_pack("{so so so sI}", "median", fb_json_real(interval->value), "low",
                     fb_json_real(interval->low), "high", fb_json_real(interval->high), "blocks",
                     (json_int_t)interval->samples);
}

static json_t *mean_json(const struct fb_interval *interval)
{
    return json_pack("{so so so sI}", "mean", fb_json_real(interval->value), "low",
                     fb_json_real(interval->low), "high", fb_json_real(interval->high), "blocks",
                     (json_int_t)interval->samples);
}

static json_t *index_json(size_t cell)
{
    return cell == FB_NO_CELL ? json_null() : json_integer((json_int_t)cell);
}

static json_t *cell_json(const struct fb_cell *cell)
{
    return json_pack("{ss so so si si sb sb ss so so}", "kernel", cell->kernel->name, "parameters",
                     fb_json_text(cell->params), "harness", fb_json_text(cell->label), "workers",
                     (int)cell->workers, "copies", (int)cell->copies, "again", cell->again,
                     "against", cell->against, "family", family_names[cell->family], "base",
                     index_json(cell->base), "ceiling", index_json(cell->ceiling));
}

static json_t *sample_json(const struct fb_run *run, size_t index)
{
    const struct fb_sample *sample = &run->samples->list[index];
    double score = run->analysis->score[index];
    json_t *object =
        json_pack("{sI sI sI sI sI sI}", "block", (json_int_t)sample->block, "position",
                  (json_int_t)sample->position, "cell", (json_int_t)sample->cell, "took_ns",
                  (json_int_t)sample->took_ns, "repeat", (json_int_t)sample->repeat, "run_ns",
                  (json_int_t)sample->run_ns);
    if (fabs(score) > FB_OUTLIER)
        json_object_set_new(
            object, "outlier",
            json_pack("{sf ss}", "score", score, "why",
                      sample->disturbed[0] ? sample->disturbed : "nothing that was noticed"));
    if (sample->raw)
        json_object_set(object, "exec", sample->raw);
    return object;
}

static json_t *summary_json(const struct fb_run *run, size_t index)
{
    const struct fb_summary *summary = &run->analysis->cell[index];
    const struct fb_outcome *outcome = &run->samples->outcome[index];
    json_t *object = json_pack(
        "{sI so so sb sI sI}", "cell", (json_int_t)index, "run_ns", interval_json(&summary->run_ns),
        "answer", fb_json_text(outcome->answer), "valid", outcome->checked && !outcome->failed,
        "disturbed", (json_int_t)summary->disturbed, "outliers", (json_int_t)summary->outliers);
    if (outcome->description[0])
        json_object_set_new(object, "description", fb_json_text(outcome->description));
    if (summary->has_speedup) {
        json_object_set_new(object, "speedup", interval_json(&summary->speedup));
        json_object_set_new(object, "speedup_mean", mean_json(&summary->speedup_mean));
        json_object_set_new(object, "efficiency", interval_json(&summary->efficiency));
        json_object_set_new(object, "serial_fraction", interval_json(&summary->serial));
    }
    if (summary->has_ceiling)
        json_object_set_new(object, "of_ceiling", interval_json(&summary->of_ceiling));
    if (outcome->failed)
        json_object_set_new(object, "failed", fb_json_text(outcome->failure));
    return object;
}

static json_t *comparison_json(const struct fb_run *run, size_t index)
{
    const struct fb_pair *pair = &run->plan->pair[index];
    const struct fb_finding *finding = &run->analysis->finding[index];
    return json_pack("{sI sI ss so so ss}", "reference", (json_int_t)pair->reference, "cell",
                     (json_int_t)pair->cell, "factor", fb_factor_names[pair->factor], "ratio",
                     interval_json(&finding->ratio), "ratio_mean", mean_json(&finding->ratio_mean),
                     "verdict", fb_verdict_names[finding->verdict]);
}

/* The noise of each family; null where there are too few blocks. */
static json_t *noise_json(const struct fb_run *run)
{
    json_t *object = json_object();
    for (int family = 0; family < FB_FAMILIES; family++) {
        const struct fb_null *null = &run->analysis->null[family];
        json_object_set_new(object, family_names[family],
                            null->known
                                ? json_pack("{so sf sf}", "null_ratio", interval_json(&null->ratio),
                                            "floor", null->floor, "detectable", null->detectable)
                                : json_null());
    }
    return object;
}

static json_t *scaling_json(const struct fb_run *run)
{
    json_t *list = json_array();
    for (size_t i = 0; i < run->fits->count; i++) {
        const struct fb_fit *fit = &run->fits->list[i];
        const struct fb_scaling *scaling = &fit->scaling;
        json_t *object = json_pack("{sI sI sI sb}", "cell", (json_int_t)fit->cell, "counts",
                                   (json_int_t)fit->counts, "blocks", (json_int_t)fit->blocks,
                                   "fitted", fit->fitted);
        if (fit->fitted)
            json_object_update_new(
                object, json_pack("{so sf so so sf}", "amdahl_serial", mean_json(&scaling->serial),
                                  "amdahl_miss", scaling->amdahl_miss, "usl_contention",
                                  mean_json(&scaling->contention), "usl_coherency",
                                  mean_json(&scaling->coherency), "usl_miss", scaling->usl_miss));
        json_array_append_new(list, object);
    }
    return list;
}

static json_t *plan_json(const struct fb_run *run, json_t *cells)
{
    const size_t *blocks = run->samples->blocks, *wanted = run->samples->wanted;
    return json_pack("{sI sf sb so s{sf sf} s{sI sI} s{sI sI}}", "seed", (json_int_t)run->seed,
                     "precision", run->precision, "bind", run->bind, "cells", cells, "budget_s",
                     "C", run->budget_s[FB_FAMILY_C], "CPython", run->budget_s[FB_FAMILY_CPYTHON],
                     "blocks", "C", (json_int_t)blocks[FB_FAMILY_C], "CPython",
                     (json_int_t)blocks[FB_FAMILY_CPYTHON], "blocks_wanted", "C",
                     (json_int_t)wanted[FB_FAMILY_C], "CPython",
                     (json_int_t)wanted[FB_FAMILY_CPYTHON]);
}

static int write_json(const struct fb_run *run, FILE *to)
{
    json_t *cells = json_array(), *samples = json_array(), *summary = json_array();
    json_t *comparisons = json_array();
    for (size_t i = 0; i < run->plan->count; i++) {
        json_array_append_new(cells, cell_json(&run->plan->cell[i]));
        json_array_append_new(summary, summary_json(run, i));
    }
    for (size_t i = 0; i < run->samples->count; i++)
        json_array_append_new(samples, sample_json(run, i));
    for (size_t i = 0; i < run->plan->pairs; i++)
        json_array_append_new(comparisons, comparison_json(run, i));
    json_t *root = json_pack("{si so sO? ss sb so so so so so so so}", "schema", FB_SCHEMA, "build",
                             fb_build_json(run->build), "against", run->against, "started_utc",
                             run->machine->utc, "complete", run->complete, "machine",
                             fb_machine_json(run->machine), "plan", plan_json(run, cells),
                             "samples", samples, "summary", summary, "comparisons", comparisons,
                             "noise", noise_json(run), "scaling", scaling_json(run));
    return fb_json_print(root, to);
}

const struct fb_export fb_export_json = { "run.json", write_json };
