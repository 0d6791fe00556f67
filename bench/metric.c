#include "metric.h"

#include "json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int fb_metrics_add(struct fb_metrics *metrics, const struct fb_metric *metric)
{
    if (metrics->count == metrics->room) {
        size_t room = metrics->room ? 2 * metrics->room : 32;
        struct fb_metric *list = realloc(metrics->list, room * sizeof *list);
        if (!list)
            return -ENOMEM;
        metrics->list = list;
        metrics->room = room;
    }
    metrics->list[metrics->count++] = *metric;
    return 0;
}

void fb_metrics_clear(struct fb_metrics *metrics)
{
    free(metrics->list);
    *metrics = (struct fb_metrics){ 0 };
}

void fb_metrics_print(const struct fb_metrics *metrics)
{
    printf("%-21s %-5s %-8s %-10s %7s  %12s  %12s  %12s  %s\n", "metric", "state", "binding",
           "harness", "workers", "median", "95 % low", "95 % high", "unit");
    for (size_t i = 0; i < metrics->count; i++) {
        const struct fb_metric *metric = &metrics->list[i];
        printf("%-21s %-5s %-8s %-10s %7u  %12.3f  %12.3f  %12.3f  %s\n", metric->name,
               metric->state, metric->binding, metric->harness, metric->workers, metric->of.value,
               metric->of.low, metric->of.high, metric->unit);
    }
}

void fb_metrics_print_json(const struct fb_metrics *metrics)
{
    json_t *list = json_array();
    for (size_t i = 0; i < metrics->count; i++) {
        const struct fb_metric *metric = &metrics->list[i];
        json_array_append_new(
            list, json_pack("{ss ss si so ss so so sI ss ss}", "name", metric->name, "harness",
                            metric->harness, "workers", (int)metric->workers, "value",
                            fb_json_real(metric->of.value), "unit", metric->unit, "low",
                            fb_json_real(metric->of.low), "high", fb_json_real(metric->of.high),
                            "rounds", (json_int_t)metric->of.samples, "state", metric->state,
                            "binding", metric->binding));
    }
    fb_json_print(json_pack("{so}", "metrics", list), stdout);
}
