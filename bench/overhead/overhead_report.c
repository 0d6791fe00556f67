#include "bench/overhead/overhead_report.h"

#include "bench/host/build.h"
#include "bench/format/csv.h"
#include "bench/format/result_dir.h"
#include "bench/format/json.h"
#include "bench/format/table.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* ---- the table ---- */

static const char *const heads[] = { "metric", "harness",       "state", "binding", "workers",
                                     "median", "95 % interval", "unit",  "ratio",   "its interval",
                                     "to" };
#define COLUMNS (sizeof heads / sizeof *heads)

struct scale {
    double factor;
    const char *unit;
};

/* The unit in which the table shows a time. */
static struct scale scale_of(const struct fb_metric *metric)
{
    if (strcmp(metric->unit, "ns") != 0)
        return (struct scale){ 1, metric->unit };
    double ns = fabs(metric->of.value);
    if (isinf(ns))
        return (struct scale){ 1, "ns" };
    if (ns >= 1e6)
        return (struct scale){ 1e-6, "ms" };
    return ns >= 1e3 ? (struct scale){ 1e-3, "µs" } : (struct scale){ 1, "ns" };
}

/* Infinite: a level that is never reached. */
static void put_value(double value, double scale, char *text, size_t size)
{
    if (isinf(value))
        snprintf(text, size, "never");
    else
        snprintf(text, size, "%.4g", value * scale);
}

static void put_interval(const struct fb_interval *of, double scale, char *value, char *bounds)
{
    char low[32], high[32];
    if (isnan(of->value))
        return;
    put_value(of->value, scale, value, FB_TABLE_TEXT);
    if (isnan(of->low) || isnan(of->high))
        return;
    put_value(of->low, scale, low, sizeof low);
    put_value(of->high, scale, high, sizeof high);
    snprintf(bounds, FB_TABLE_TEXT, "[%s, %s]", low, high);
}

static bool is_ratio(const struct fb_metric *metric)
{
    const char *dot = strrchr(metric->name, '.');
    return dot && strcmp(dot, ".ratio") == 0;
}

/* The table has creation for one worker and for the most workers, and messages of three sizes; the
 * files have all. */
static bool is_shown(const struct fb_metrics *metrics, const struct fb_metric *metric)
{
    unsigned most = 1;
    if (strcmp(metric->name, "exchange.message") == 0)
        return strcmp(metric->state, "48 B") == 0 || strcmp(metric->state, "4 KiB") == 0 ||
               strcmp(metric->state, "1 MiB") == 0;
    if (is_ratio(metric) || strncmp(metric->name, "create.", 7) != 0)
        return !is_ratio(metric);
    for (size_t i = 0; i < metrics->count; i++)
        if (strcmp(metrics->list[i].name, metric->name) == 0 && metrics->list[i].workers > most)
            most = metrics->list[i].workers;
    return metric->workers == 1 || metric->workers == most;
}

static void put_metric(const struct fb_metrics *metrics, const struct fb_metric *metric,
                       fb_table_row row)
{
    struct scale scale = scale_of(metric);
    char name[64];
    snprintf(name, sizeof name, "%s.ratio", metric->name);
    const struct fb_metric *ratio = fb_metrics_find(metrics, metric, name);
    snprintf(row[0], FB_TABLE_TEXT, "%s", metric->name);
    snprintf(row[1], FB_TABLE_TEXT, "%s", metric->harness);
    snprintf(row[2], FB_TABLE_TEXT, "%s", metric->state);
    snprintf(row[3], FB_TABLE_TEXT, "%s", metric->binding);
    snprintf(row[4], FB_TABLE_TEXT, "%u", metric->workers);
    put_interval(&metric->of, scale.factor, row[5], row[6]);
    snprintf(row[7], FB_TABLE_TEXT, "%s", scale.unit);
    if (!ratio)
        return;
    put_interval(&ratio->of, 1, row[8], row[9]);
    snprintf(row[10], FB_TABLE_TEXT, "%s", ratio->unit + strlen("ratio to "));
}

static const struct fb_interval *part_of(const struct fb_metrics *metrics,
                                         const struct fb_metric *time, const char *name)
{
    return &fb_metrics_find(metrics, time, name)->of;
}

/* For each harness, says in words where a coarse job's time goes. */
static void print_account(const struct fb_metrics *metrics, FILE *to)
{
    for (size_t i = 0; i < metrics->count; i++) {
        const struct fb_metric *time = &metrics->list[i];
        if (strcmp(time->name, "account.time") != 0)
            continue;
        const struct fb_interval *excess = part_of(metrics, time, "account.excess");
        const struct fb_interval *rest = part_of(metrics, time, "account.unexplained");
        char left[64];
        snprintf(left, sizeof left, "%.2f ms", rest->value / 1e6);
        if (isfinite(rest->low) && isfinite(rest->high))
            snprintf(left, sizeof left, "%.2f ms [%.2f, %.2f]", rest->value / 1e6, rest->low / 1e6,
                     rest->high / 1e6);
        fprintf(to,
                "%s: a coarse job (primes) on %u worker%s took %.2f ms where the hardware allows "
                "%.2f ms.\n",
                time->harness, time->workers, time->workers == 1 ? "" : "s", time->of.value / 1e6,
                part_of(metrics, time, "account.ceiling")->value / 1e6);
        if (excess->value > 0)
            fprintf(to,
                    "  Of the %.2f ms beyond that its parts explain %.0f %%; unexplained: %s.\n",
                    excess->value / 1e6, part_of(metrics, time, "account.explained")->value, left);
        else
            fprintf(to, "  There is nothing beyond that to explain; the parts leave %s.\n", left);
    }
}

void fb_overhead_print(const struct fb_overhead_report *report, FILE *to)
{
    const struct fb_metrics *metrics = report->metrics;
    struct fb_table table = { .heads = heads, .columns = COLUMNS, .names = 4 };
    for (size_t i = 0; i < metrics->count; i++) {
        fb_table_row *row = is_shown(metrics, &metrics->list[i]) ? fb_table_add(&table) : NULL;
        if (row)
            put_metric(metrics, &metrics->list[i], *row);
    }
    fb_table_print(&table, false, to);
    fb_table_clear(&table);
    fprintf(to,
            "\n%s, %g effective CPU%s, %s, %s. Medians of rounds in which all take turns; ratios "
            "are paired in rounds.\n",
            report->machine->cpu, report->machine->cpus.effective,
            report->machine->cpus.effective == 1 ? "" : "s", report->machine->kernel,
            report->machine->utc);
    print_account(metrics, to);
    if (metrics->left_out[0])
        fprintf(to, "Left out: %s.\n", metrics->left_out);
}

/* ---- JSON ---- */

static json_t *metric_json(const struct fb_metric *metric)
{
    return json_pack("{ss ss si so ss so so sI ss ss}", "name", metric->name, "harness",
                     metric->harness, "workers", (int)metric->workers, "value",
                     fb_json_real(metric->of.value), "unit", metric->unit, "low",
                     fb_json_real(metric->of.low), "high", fb_json_real(metric->of.high), "rounds",
                     (json_int_t)metric->of.samples, "state", metric->state, "binding",
                     metric->binding);
}

static json_t *point_json(const struct fb_point *point)
{
    return json_pack("{ss si ss sf so so so}", "harness", point->harness, "workers",
                     (int)point->workers, "binding", point->binding, "length_ns", point->length_ns,
                     "efficiency", fb_json_real(point->efficiency.value), "low",
                     fb_json_real(point->efficiency.low), "high",
                     fb_json_real(point->efficiency.high));
}

void fb_overhead_print_json(const struct fb_overhead_report *report, FILE *to)
{
    const struct fb_metrics *metrics = report->metrics;
    json_t *list = json_array(), *curves = json_array();
    for (size_t i = 0; i < metrics->count; i++)
        json_array_append_new(list, metric_json(&metrics->list[i]));
    for (size_t i = 0; i < metrics->points; i++)
        json_array_append_new(curves, point_json(&metrics->point[i]));
    json_t *left_out = metrics->left_out[0] ? json_string(metrics->left_out) : json_null();
    fb_json_print(json_pack("{ss so so so so so}", "started_utc", report->machine->utc, "build",
                            fb_build_json(&fb_build), "machine", fb_machine_json(report->machine),
                            "metrics", list, "curves", curves, "left_out", left_out),
                  to);
}

/* ---- files ---- */

static void put_machine(const struct fb_machine *machine, FILE *to)
{
    fprintf(to, ",%g,", machine->cpus.effective);
    fb_csv_cpu(machine->cpu, to);
    fprintf(to, ",%s\n", machine->utc);
}

static int write_csv(const void *context, FILE *to)
{
    const struct fb_overhead_report *report = context;
    fputs("name,harness,workers,state,binding,value,low,high,unit,rounds,cpus_effective,cpu,"
          "started_utc\n",
          to);
    for (size_t i = 0; i < report->metrics->count; i++) {
        const struct fb_metric *metric = &report->metrics->list[i];
        fprintf(to, "%s,%s,%u,%s,%s", metric->name, metric->harness, metric->workers, metric->state,
                metric->binding);
        fb_csv_interval(&metric->of, true, to);
        fprintf(to, ",%s,%zu", metric->unit, metric->of.samples);
        put_machine(report->machine, to);
    }
    return 0;
}

static int write_curves(const void *context, FILE *to)
{
    const struct fb_overhead_report *report = context;
    fputs("harness,workers,binding,length_ns,efficiency,efficiency_low,efficiency_high,"
          "cpus_effective,cpu,started_utc\n",
          to);
    for (size_t i = 0; i < report->metrics->points; i++) {
        const struct fb_point *point = &report->metrics->point[i];
        fprintf(to, "%s,%u,%s,%.6g", point->harness, point->workers, point->binding,
                point->length_ns);
        fb_csv_interval(&point->efficiency, true, to);
        put_machine(report->machine, to);
    }
    return 0;
}

static int write_json(const void *context, FILE *to)
{
    fb_overhead_print_json(context, to);
    return 0;
}

int fb_overhead_save(const struct fb_overhead_report *report, const char *folder,
                     struct fb_error *error)
{
    static const struct {
        const char *name;
        int (*write)(const void *context, FILE *to);
    } files[] = {
        { "overhead.json", write_json },
        { "overhead.csv", write_csv },
        { "curves.csv", write_curves },
    };
    int result = 0;
    for (size_t i = 0; i < sizeof files / sizeof *files && result == 0; i++)
        result = fb_result_dir_write(folder, files[i].name, files[i].write, report, error);
    return result;
}
