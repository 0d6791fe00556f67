/* samples.csv, one line a sample, and summary.csv, one line a cell: what the plots are drawn from.
 */
#include "export.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Quoted where it must be (RFC 4180). */
static void put_text(const char *text, FILE *to)
{
    if (!strpbrk(text, ",\"\n\r")) {
        fputs(text, to);
        return;
    }
    fputc('"', to);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', to);
        fputc(*text, to);
    }
    fputc('"', to);
}

/* Empty for what is not known. */
static void put_real(double value, FILE *to)
{
    fputc(',', to);
    if (isfinite(value))
        fprintf(to, "%.6g", value);
}

static void put_ns(double value, FILE *to)
{
    fputc(',', to);
    if (isfinite(value))
        fprintf(to, "%.0f", value);
}

static void put_cell(const struct fb_cell *cell, FILE *to)
{
    put_text(cell->kernel->name, to);
    fputc(',', to);
    put_text(cell->params, to);
    fputc(',', to);
    put_text(cell->label, to);
    fprintf(to, ",%u", cell->workers);
}

static int write_samples(const struct fb_run *run, FILE *to)
{
    fputs("block,position,kernel,parameters,harness,workers,run_ns,prepare_ns,setup_ns,open_ns,"
          "close_ns,wall_ns,user_ns,system_ns,voluntary_switches,involuntary_switches,"
          "minor_faults,max_rss_bytes,digest\n",
          to);
    for (size_t i = 0; i < run->samples->count; i++) {
        const struct fb_sample *sample = &run->samples->list[i];
        fprintf(to, "%zu,%zu,", sample->block, sample->position);
        put_cell(&run->plan->cell[sample->cell], to);
        const uint64_t values[] = {
            sample->run_ns,
            sample->prepare_ns,
            sample->setup_ns,
            sample->open_ns,
            sample->close_ns,
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
        fprintf(to, ",%016" PRIx64 "\n", sample->digest);
    }
    return 0;
}

static int write_summary(const struct fb_run *run, FILE *to)
{
    fputs("kernel,parameters,harness,workers,blocks,run_ns_median,run_ns_low,run_ns_high,"
          "speedup_median,speedup_low,speedup_high,of_ceiling_median,of_ceiling_low,"
          "of_ceiling_high,base,status,cpus_effective,cpu,started_utc\n",
          to);
    char cpu[sizeof run->machine->cpu];
    snprintf(cpu, sizeof cpu, "%s", run->machine->cpu);
    for (char *comma = cpu; (comma = strchr(comma, ','));)
        *comma = ' ';
    for (size_t i = 0; i < run->plan->count; i++) {
        const struct fb_cell *cell = &run->plan->cell[i];
        const struct fb_summary *summary = &run->summary[i];
        const struct fb_interval none = { NAN, NAN, NAN, 0 };
        const struct fb_interval *speedup = summary->has_speedup ? &summary->speedup : &none;
        const struct fb_interval *ceiling = summary->has_ceiling ? &summary->of_ceiling : &none;
        put_cell(cell, to);
        fprintf(to, ",%zu", summary->run_ns.samples);
        put_ns(summary->run_ns.value, to);
        put_ns(summary->run_ns.low, to);
        put_ns(summary->run_ns.high, to);
        put_real(speedup->value, to);
        put_real(speedup->low, to);
        put_real(speedup->high, to);
        put_real(ceiling->value, to);
        put_real(ceiling->low, to);
        put_real(ceiling->high, to);
        fputc(',', to);
        put_text(cell->base == FB_NO_CELL ? "" : run->plan->cell[cell->base].label, to);
        fprintf(to, ",%s,%g,", run->samples->outcome[i].failed ? "failed" : "ok",
                run->machine->cpus.effective);
        put_text(cpu, to);
        fprintf(to, ",%s\n", run->machine->utc);
    }
    return 0;
}

const struct fb_export fb_export_samples_csv = { "samples.csv", write_samples };
const struct fb_export fb_export_summary_csv = { "summary.csv", write_summary };
