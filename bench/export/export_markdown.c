/* The summary as tables and sentences: summary.md, and the same for a terminal. */
#include "bench/export/export.h"
#include "bench/format/interval.h"
#include "bench/format/table.h"
#include "bench/judge/resource_usage.h"

#include <math.h>
#include <string.h>

static const char *const cell_heads[] = {
    "kernel",        "harness",    "workers", "time ms", "speedup",
    "95 % interval", "of ceiling", "blocks",  "marked",
};
static const char *const comparison_heads[] = {
    "kernel", "harness",    "workers",       "compared with",
    "its ms", "time ratio", "95 % interval", "verdict",
};

static void put_work(const struct fb_cell *cell, char *text)
{
    snprintf(text, FB_TABLE_TEXT, "%s%s%.200s", cell->kernel->name, cell->params[0] ? " " : "",
             cell->params);
}

static void put_ms(const struct fb_interval *ns, char *text)
{
    fb_interval_print_value(ns, 1e-6, ns->value < 1e6 ? 5 : 2, text, FB_TABLE_TEXT);
}

/* ---- cells ---- */

static void fill_cell(const struct fb_run *run, size_t index, fb_table_row row)
{
    const struct fb_cell *cell = &run->plan->cell[index];
    const struct fb_summary *summary = &run->analysis->cell[index];
    put_work(cell, row[0]);
    fb_cell_label(cell, row[1], FB_TABLE_TEXT);
    snprintf(row[2], FB_TABLE_TEXT, "%u", cell->workers);
    if (run->samples->outcome[index].failed) {
        strcpy(row[3], "failed");
        return;
    }
    put_ms(&summary->run_ns, row[3]);
    if (summary->has_speedup) {
        fb_interval_print_value(&summary->speedup, 1, 3, row[4], FB_TABLE_TEXT);
        fb_interval_print_bounds(&summary->speedup, 1, 3, row[5], FB_TABLE_TEXT);
    } else if (cell->base == FB_NO_CELL) {
        strcpy(row[4], "1 (base)");
    }
    if (summary->has_ceiling)
        fb_interval_print_value(&summary->of_ceiling, 1, 3, row[6], FB_TABLE_TEXT);
    snprintf(row[7], FB_TABLE_TEXT, "%zu", summary->run_ns.samples);
    snprintf(row[8], FB_TABLE_TEXT, "%zu", summary->disturbed);
}

static bool same_work(const struct fb_cell *left, const struct fb_cell *right)
{
    return left->kernel == right->kernel && strcmp(left->params, right->params) == 0;
}

static bool first_of_work(const struct fb_plan *plan, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (same_work(&plan->cell[i], &plan->cell[index]))
            return false;
    return true;
}

/* One row a cell, ordered by workload, then family, then plan, so that cells to compare are
 * together. Second labels are only in the table of comparisons. */
static void print_cells(const struct fb_run *run, bool markdown, FILE *to)
{
    struct fb_table table = { .heads = cell_heads, .columns = 9, .names = 2 };
    const struct fb_plan *plan = run->plan;
    for (size_t work = 0; work < plan->count; work++)
        for (size_t i = 0; i < FB_FAMILIES * plan->count && first_of_work(plan, work); i++) {
            const struct fb_cell *cell = &plan->cell[i % plan->count];
            fb_table_row *row;
            if (!same_work(cell, &plan->cell[work]) || cell->again ||
                cell->family != (enum fb_family)(i / plan->count))
                continue;
            row = fb_table_add(&table);
            if (row)
                fill_cell(run, i % plan->count, *row);
        }
    fb_table_print(&table, markdown, to);
    fb_table_clear(&table);
}

/* ---- comparisons ---- */

static void fill_comparison(const struct fb_run *run, size_t index, fb_table_row row)
{
    const struct fb_pair *pair = &run->plan->pair[index];
    const struct fb_cell *cell = &run->plan->cell[pair->cell];
    const struct fb_cell *reference = &run->plan->cell[pair->reference];
    const struct fb_finding *finding = &run->analysis->finding[index];
    put_work(cell, row[0]);
    fb_cell_label(cell, row[1], FB_TABLE_TEXT);
    snprintf(row[2], FB_TABLE_TEXT, "%u", cell->workers);
    switch (pair->factor) {
    case FB_FACTOR_NONE:
        strcpy(row[3], "itself");
        break;
    case FB_FACTOR_BUILD:
        strcpy(row[3], "the other build");
        break;
    case FB_FACTOR_PARAMETER:
        snprintf(row[3], FB_TABLE_TEXT, "%.200s",
                 reference->params[0] ? reference->params : "defaults");
        break;
    default:
        fb_cell_label(reference, row[3], FB_TABLE_TEXT);
    }
    put_ms(&run->analysis->cell[pair->reference].run_ns, row[4]);
    fb_interval_print_value(&finding->ratio, 1, 3, row[5], FB_TABLE_TEXT);
    fb_interval_print_bounds(&finding->ratio, 1, 3, row[6], FB_TABLE_TEXT);
    snprintf(row[7], FB_TABLE_TEXT, "%s",
             pair->factor == FB_FACTOR_NONE && finding->verdict == FB_INCONCLUSIVE &&
                     isfinite(finding->ratio.low)
                 ? "no difference found"
                 : fb_verdict_names[finding->verdict]);
}

static void print_comparisons(const struct fb_run *run, bool markdown, FILE *to)
{
    struct fb_table table = { .heads = comparison_heads, .columns = 8, .names = 2 };
    for (size_t i = 0; i < run->plan->pairs; i++) {
        const struct fb_pair *pair = &run->plan->pair[i];
        bool failed = run->samples->outcome[pair->cell].failed ||
                      run->samples->outcome[pair->reference].failed;
        fb_table_row *row = failed ? NULL : fb_table_add(&table);
        if (row)
            fill_comparison(run, i, *row);
    }
    fputs("\n", to);
    if (table.rows > 0)
        fb_table_print(&table, markdown, to);
    fb_table_clear(&table);
}

/* ---- resource usage ---- */

static void fill_usage(const struct fb_run *run, size_t index, fb_table_row row)
{
    const struct fb_cell *cell = &run->plan->cell[index];
    const struct fb_summary *summary = &run->analysis->cell[index];
    size_t column = 5;
    put_work(cell, row[0]);
    fb_cell_label(cell, row[1], FB_TABLE_TEXT);
    snprintf(row[2], FB_TABLE_TEXT, "%u", cell->workers);
    if (summary->has_speedup && cell->workers > 1 && !cell->copies) {
        fb_interval_print_value(&summary->serial, 1, 4, row[3], FB_TABLE_TEXT);
        fb_interval_print_bounds(&summary->serial, 1, 4, row[4], FB_TABLE_TEXT);
    }
    for (const struct fb_resource_field *field = fb_resource_fields; field->name; field++) {
        struct fb_optional usage = fb_resource_usage(run->plan, run->samples, index, field);
        if (!field->head)
            continue;
        if (usage.known)
            snprintf(row[column], FB_TABLE_TEXT, "%.*f", field->scale < 1 ? 2 : 0,
                     (double)usage.value * field->scale);
        column++;
    }
}

/* The resources that each trial used, medians: where time and memory go. */
static void print_usage(const struct fb_run *run, FILE *to)
{
    const char *heads[FB_TABLE_COLUMNS] = { "kernel", "harness", "workers", "serial fraction",
                                            "95 % interval" };
    struct fb_table table = { .heads = heads, .columns = 5, .names = 2 };
    for (const struct fb_resource_field *field = fb_resource_fields; field->name; field++)
        if (field->head)
            heads[table.columns++] = field->head;
    for (size_t i = 0; i < run->plan->count; i++) {
        fb_table_row *row = run->plan->cell[i].again ? NULL : fb_table_add(&table);
        if (row)
            fill_usage(run, i, *row);
    }
    fputs("\n", to);
    fb_table_print(&table, true, to);
    fputs("\nSerial fraction: Karp and Flatt's. The rest is of a whole trial, medians; memory is a "
          "worker's part, PSS with shared pages divided among those who share them, USS without "
          "them. A dash is not known; why.csv says why.\n",
          to);
    fb_table_clear(&table);
}

/* ---- sentences ---- */

static const char *const family_names[FB_FAMILIES] = { "C", "CPython" };

static bool has_family(const struct fb_plan *plan, int family)
{
    for (size_t i = 0; i < plan->count; i++)
        if ((int)plan->cell[i].family == family)
            return true;
    return false;
}

static void print_noise(const struct fb_run *run, int family, FILE *to)
{
    const struct fb_null *null = &run->analysis->null[family];
    if (!null->known) {
        fprintf(to, "Noise (%s): too few blocks to tell; every verdict is inconclusive.\n",
                family_names[family]);
        return;
    }
    fprintf(to,
            "Noise (%s): the same cell twice differs by a ratio of %.3f [%.3f, %.3f]. The noise "
            "floor is %.1f %%: what differs by less is inconclusive. This run finds differences "
            "of %.1f %% in 80 of 100 cases.\n",
            family_names[family], null->ratio.value, null->ratio.low, null->ratio.high,
            100 * null->floor, 100 * null->detectable);
}

/* The relative width of the family's widest speedup interval. */
static double widest(const struct fb_run *run, int family)
{
    double most = 0;
    for (size_t i = 0; i < run->plan->count; i++) {
        const struct fb_interval *speedup = &run->analysis->cell[i].speedup;
        if ((int)run->plan->cell[i].family == family && run->analysis->cell[i].has_speedup)
            most = fmax(most, (speedup->high - speedup->low) / speedup->value);
    }
    return most;
}

static void print_precision(const struct fb_run *run, int family, FILE *to)
{
    size_t blocks = run->samples->blocks[family], wanted = run->samples->wanted[family];
    fprintf(to, "Blocks (%s): %zu, after a warm-up block", family_names[family], blocks);
    if (!run->complete)
        fputs("; more were to come", to);
    else if (wanted == 0)
        fprintf(to, "; fewer than the least number of pilot blocks fitted into --budget %g",
                run->budget_s[family]);
    else if (wanted > blocks)
        fprintf(to, "; intervals of %g %% would take about %zu, which --budget %g did not allow",
                100 * run->precision, wanted, run->budget_s[family]);
    if (blocks >= FB_INTERVAL_LEAST && widest(run, family) > 0)
        fprintf(to, "; the widest interval of a speedup is %.1f %%", 100 * widest(run, family));
    fputs(".\n", to);
}

/* Marked trials count like all others, but the reader should see how many there are. */
static void print_marked(const struct fb_run *run, FILE *to)
{
    const struct fb_samples *samples = run->samples;
    size_t disturbed = 0, outliers = 0, counted = 0;
    const char *example = NULL;
    for (size_t i = 0; i < samples->count; i++) {
        const struct fb_sample *sample = &samples->list[i];
        if (sample->block == 0)
            continue;
        counted++;
        disturbed += sample->disturbed[0] != '\0';
        outliers += fabs(run->analysis->score[i]) > FB_OUTLIER;
        if (sample->disturbed[0] && !example)
            example = sample->disturbed;
    }
    fprintf(to,
            "Marked: %zu of %zu trials were disturbed%s%s%s; outliers: %zu, far from their cell's "
            "others. All of them count; samples.csv tells which, and what disturbed them.\n",
            disturbed, counted, example ? " (the first: " : "", example ? example : "",
            example ? ")" : "", outliers);
}

/* The laws of scaling, or why they are not fitted. */
static void print_scaling(const struct fb_run *run, FILE *to)
{
    size_t fitted = 0;
    for (size_t i = 0; i < run->fits->count; i++) {
        const struct fb_fit *fit = &run->fits->list[i];
        const struct fb_scaling *scaling = &fit->scaling;
        char label[FB_TEXT + 32], work[FB_TABLE_TEXT];
        if (!fit->fitted)
            continue;
        fitted++;
        put_work(&run->plan->cell[fit->cell], work);
        fb_cell_label(&run->plan->cell[fit->cell], label, sizeof label);
        fprintf(to,
                "Scaling (%s, %s): Amdahl's serial part %.4f [%.4f, %.4f], missing by up to %.1f "
                "%%; Universal Scalability Law: contention %.4f [%.4f, %.4f], coherency %.2g "
                "[%.2g, %.2g], missing by up to %.1f %%.\n",
                work, label, scaling->serial.value, scaling->serial.low, scaling->serial.high,
                100 * scaling->amdahl_miss, scaling->contention.value, scaling->contention.low,
                scaling->contention.high, scaling->coherency.value, scaling->coherency.low,
                scaling->coherency.high, 100 * scaling->usl_miss);
    }
    if (fitted == 0 && run->fits->count > 0)
        fprintf(to,
                "No law of scaling is fitted: it takes %d worker counts within the effective CPUs "
                "(here %g) and %d blocks.\n",
                FB_SCALING_LEAST, run->machine->cpus.effective, FB_INTERVAL_LEAST);
}

static void print_failures(const struct fb_run *run, FILE *to)
{
    for (size_t i = 0; i < run->plan->count; i++)
        if (run->samples->outcome[i].failed)
            fprintf(to, "\nfailed: %s under %s, %u workers: %s\n", run->plan->cell[i].kernel->name,
                    run->plan->cell[i].label, run->plan->cell[i].workers,
                    run->samples->outcome[i].failure);
}

/* The build of the rows marked "against". */
static void print_against(const struct fb_run *run, FILE *to)
{
    const json_t *other = run->against;
    const char *commit = json_string_value(json_object_get(other, "commit"));
    const char *kernels = json_string_value(json_object_get(other, "kernels"));
    const char *harnesses = json_string_value(json_object_get(other, "harnesses"));
    if (commit && kernels && harnesses)
        fprintf(to,
                "The other build (against): commit %s; this one: %s. The kernels' machine code is "
                "%s, the harnesses' %s.\n",
                commit, run->build->commit,
                strcmp(kernels, run->build->kernels) == 0 ? "the same" : "another",
                strcmp(harnesses, run->build->harnesses) == 0 ? "the same" : "another");
}

static void print_notes(const struct fb_run *run, FILE *to)
{
    fprintf(
        to,
        "\n%s, %g effective CPUs, %s, %s. Times are medians; speedups are medians of ratios "
        "inside a block, over single (or over cpython-single), with an exact 95 %% interval by the "
        "sign test. The ceiling is what as many independent single copies at once gave.\n",
        run->machine->cpu, run->machine->cpus.effective, run->machine->kernel, run->machine->utc);
    for (int family = 0; family < FB_FAMILIES; family++)
        if (has_family(run->plan, family)) {
            print_noise(run, family, to);
            print_precision(run, family, to);
        }
    print_marked(run, to);
    print_scaling(run, to);
    if (run->plan->left_out)
        fprintf(to, "Cells left out: %zu, those over %d a family; -w measures all you ask for.\n",
                run->plan->left_out, FB_CELLS_DEFAULT);
    print_against(run, to);
    if (!run->complete)
        fputs("This run was interrupted: `forkbench run --resume` goes on with it.\n", to);
    for (size_t i = 0; i < run->plan->count && run->complete; i++)
        if (run->analysis->cell[i].run_ns.samples > 0 &&
            run->analysis->cell[i].run_ns.samples < FB_INTERVAL_LEAST) {
            fprintf(to, "Fewer than %d blocks give no interval; a larger --budget does.\n",
                    FB_INTERVAL_LEAST);
            break;
        }
}

static void print_all(const struct fb_run *run, bool markdown, FILE *to)
{
    print_cells(run, markdown, to);
    print_comparisons(run, markdown, to);
    print_failures(run, to);
    print_notes(run, to);
}

static int write_markdown(const struct fb_run *run, FILE *to)
{
    print_all(run, true, to);
    print_usage(run, to);
    return 0;
}

void fb_export_table(const struct fb_run *run, FILE *to)
{
    print_all(run, false, to);
}

const struct fb_export fb_export_markdown = { "summary.md", write_markdown };
