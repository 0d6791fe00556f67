/* The CSV files: samples.csv has a line for each sample, summary.csv and why.csv one for each cell,
 * comparisons.csv one for each pair of cells, scaling.csv one for each fit. Plots use only these. */
#include "bench/format/csv.h"
#include "bench/export/export.h"
#include "bench/judge/resource_usage.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define CELL_COLUMNS "kernel,parameters,harness,workers,role,build"

static void put_cell(const struct fb_cell *cell, FILE *to)
{
    fb_csv_text(cell->kernel->name, to);
    fputc(',', to);
    fb_csv_text(cell->params, to);
    fputc(',', to);
    fb_csv_text(cell->label, to);
    const char *role = cell->copies               ? "ceiling"
                       : cell->again              ? "again"
                       : cell->base == FB_NO_CELL ? "base"
                                                  : "cell";
    fprintf(to, ",%u,%s,%s", cell->workers, role, cell->against ? "against" : "this");
}

static int write_samples(const struct fb_run *run, FILE *to)
{
    fputs("block,position," CELL_COLUMNS
          ",repeat,run_ns,prepare_ns,setup_ns,open_ns,close_ns,took_ns,"
          "wall_ns,user_ns,system_ns,voluntary_switches,involuntary_switches,"
          "minor_faults,max_rss_bytes,digest,outlier_score,disturbed\n",
          to);
    for (size_t i = 0; i < run->samples->count; i++) {
        const struct fb_sample *sample = &run->samples->list[i];
        fprintf(to, "%zu,%zu,", sample->block, sample->position);
        put_cell(&run->plan->cell[sample->cell], to);
        const uint64_t values[] = {
            sample->repeat,
            sample->run_ns,
            sample->prepare_ns,
            sample->setup_ns,
            sample->open_ns,
            sample->close_ns,
            sample->took_ns,
            sample->wall_ns,
            sample->user_ns,
            sample->system_ns,
            sample->voluntary_switches,
            sample->involuntary_switches,
            sample->minor_faults,
            sample->max_rss_bytes,
        };
        for (size_t k = 0; k < sizeof values / sizeof *values; k++)
            fprintf(to, ",%" PRIu64, values[k]);
        fprintf(to, ",%016" PRIx64 ",%.2f,", sample->digest, run->analysis->score[i]);
        fb_csv_text(sample->disturbed, to);
        fputc('\n', to);
    }
    return 0;
}

static int write_summary(const struct fb_run *run, FILE *to)
{
    fputs(CELL_COLUMNS
          ",blocks,disturbed,outliers,run_ns_median,run_ns_low,run_ns_high,"
          "speedup_median,speedup_low,speedup_high,speedup_mean,speedup_mean_low,"
          "speedup_mean_high,of_ceiling_median,of_ceiling_low,of_ceiling_high,efficiency_median,"
          "efficiency_low,efficiency_high,serial_median,serial_low,serial_high,"
          "base,status,cpus_effective,cpu,started_utc\n",
          to);
    for (size_t i = 0; i < run->plan->count; i++) {
        const struct fb_cell *cell = &run->plan->cell[i];
        const struct fb_summary *summary = &run->analysis->cell[i];
        bool known = summary->has_speedup;
        put_cell(cell, to);
        fprintf(to, ",%zu,%zu,%zu", summary->run_ns.samples, summary->disturbed, summary->outliers);
        fb_csv_ns(summary->run_ns.value, to);
        fb_csv_ns(summary->run_ns.low, to);
        fb_csv_ns(summary->run_ns.high, to);
        fb_csv_interval(&summary->speedup, known, to);
        fb_csv_interval(&summary->speedup_mean, known, to);
        fb_csv_interval(&summary->of_ceiling, summary->has_ceiling, to);
        fb_csv_interval(&summary->efficiency, known, to);
        fb_csv_interval(&summary->serial, known, to);
        fputc(',', to);
        fb_csv_text(cell->base == FB_NO_CELL ? "" : run->plan->cell[cell->base].label, to);
        fprintf(to, ",%s,%g,", run->samples->outcome[i].failed ? "failed" : "ok",
                run->machine->cpus.effective);
        fb_csv_cpu(run->machine->cpu, to);
        fprintf(to, ",%s\n", run->machine->utc);
    }
    return 0;
}

static int write_comparisons(const struct fb_run *run, FILE *to)
{
    fputs(CELL_COLUMNS
          ",factor,reference_parameters,reference_harness,reference_build,"
          "reference_run_ns_median,ratio_median,ratio_low,ratio_high,ratio_mean,ratio_mean_low,"
          "ratio_mean_high,blocks,noise_floor,verdict\n",
          to);
    for (size_t i = 0; i < run->plan->pairs; i++) {
        const struct fb_pair *pair = &run->plan->pair[i];
        const struct fb_cell *cell = &run->plan->cell[pair->cell];
        const struct fb_cell *reference = &run->plan->cell[pair->reference];
        const struct fb_finding *finding = &run->analysis->finding[i];
        const struct fb_null *null = &run->analysis->null[cell->family];
        put_cell(cell, to);
        fprintf(to, ",%s,", fb_factor_names[pair->factor]);
        fb_csv_text(reference->params, to);
        fputc(',', to);
        fb_csv_text(reference->label, to);
        fprintf(to, ",%s", reference->against ? "against" : "this");
        fb_csv_ns(run->analysis->cell[pair->reference].run_ns.value, to);
        fb_csv_interval(&finding->ratio, true, to);
        fb_csv_interval(&finding->ratio_mean, true, to);
        fprintf(to, ",%zu", finding->ratio.samples);
        fb_csv_real(null->known ? null->floor : NAN, to);
        fprintf(to, ",%s\n", fb_verdict_names[finding->verdict]);
    }
    return 0;
}

static int write_why(const struct fb_run *run, FILE *to)
{
    fputs(CELL_COLUMNS, to);
    for (const struct fb_resource_field *field = fb_resource_fields; field->name; field++)
        fprintf(to, ",%s", field->name);
    fputc('\n', to);
    for (size_t i = 0; i < run->plan->count; i++) {
        put_cell(&run->plan->cell[i], to);
        for (const struct fb_resource_field *field = fb_resource_fields; field->name; field++) {
            struct fb_optional usage = fb_resource_usage(run->plan, run->samples, i, field);
            fputc(',', to);
            if (usage.known)
                fprintf(to, "%" PRId64, usage.value);
            else
                fb_csv_text(usage.reason, to);
        }
        fputc('\n', to);
    }
    return 0;
}

static int write_scaling(const struct fb_run *run, FILE *to)
{
    fputs("kernel,parameters,harness,build,counts,blocks,amdahl_serial,amdahl_serial_low,"
          "amdahl_serial_high,amdahl_miss,usl_contention,usl_contention_low,usl_contention_high,"
          "usl_coherency,usl_coherency_low,usl_coherency_high,usl_miss\n",
          to);
    for (size_t i = 0; i < run->fits->count; i++) {
        const struct fb_fit *fit = &run->fits->list[i];
        const struct fb_cell *cell = &run->plan->cell[fit->cell];
        fb_csv_text(cell->kernel->name, to);
        fputc(',', to);
        fb_csv_text(cell->params, to);
        fputc(',', to);
        fb_csv_text(cell->label, to);
        fprintf(to, ",%s,%zu,%zu", cell->against ? "against" : "this", fit->counts, fit->blocks);
        fb_csv_interval(&fit->scaling.serial, fit->fitted, to);
        fb_csv_real(fit->fitted ? fit->scaling.amdahl_miss : NAN, to);
        fb_csv_interval(&fit->scaling.contention, fit->fitted, to);
        fb_csv_interval(&fit->scaling.coherency, fit->fitted, to);
        fb_csv_real(fit->fitted ? fit->scaling.usl_miss : NAN, to);
        fputc('\n', to);
    }
    return 0;
}

const struct fb_export fb_export_samples_csv = { "samples.csv", write_samples };
const struct fb_export fb_export_summary_csv = { "summary.csv", write_summary };
const struct fb_export fb_export_comparisons_csv = { "comparisons.csv", write_comparisons };
const struct fb_export fb_export_scaling_csv = { "scaling.csv", write_scaling };
const struct fb_export fb_export_why_csv = { "why.csv", write_why };
