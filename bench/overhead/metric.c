#include "bench/overhead/metric.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Makes room for one more element of that size. 0 or -ENOMEM. */
static int make_room(void **list, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return 0;
    size_t wanted = *room ? 2 * *room : 64;
    void *grown = reallocarray(*list, wanted, size);
    if (!grown)
        return -ENOMEM;
    *list = grown;
    *room = wanted;
    return 0;
}

int fb_metrics_add(struct fb_metrics *metrics, const struct fb_metric *metric)
{
    void *list = metrics->list;
    if (make_room(&list, metrics->count, &metrics->room, sizeof *metric) < 0)
        return -ENOMEM;
    metrics->list = list;
    metrics->list[metrics->count++] = *metric;
    return 0;
}

int fb_metrics_add_point(struct fb_metrics *metrics, const struct fb_point *point)
{
    void *list = metrics->point;
    if (make_room(&list, metrics->points, &metrics->point_room, sizeof *point) < 0)
        return -ENOMEM;
    metrics->point = list;
    metrics->point[metrics->points++] = *point;
    return 0;
}

int fb_metrics_put(struct fb_metrics *metrics, const struct fb_metric_samples *samples,
                   size_t rounds)
{
    struct fb_metric metric = { .workers = samples->workers,
                                .binding = samples->binding,
                                .of = fb_median_interval(samples->ns, rounds) };
    snprintf(metric.unit, sizeof metric.unit, "%s", samples->unit ? samples->unit : "ns");
    snprintf(metric.name, sizeof metric.name, "%s", samples->name);
    snprintf(metric.harness, sizeof metric.harness, "%s", samples->harness);
    snprintf(metric.state, sizeof metric.state, "%s", samples->state);
    int result = fb_metrics_add(metrics, &metric);
    if (result < 0 || !samples->peer_ns)
        return result;
    snprintf(metric.name, sizeof metric.name, "%s.ratio", samples->name);
    snprintf(metric.unit, sizeof metric.unit, "ratio to %s", samples->peer);
    metric.of = fb_ratio_interval(samples->ns, samples->peer_ns, rounds);
    return fb_metrics_add(metrics, &metric);
}

const struct fb_metric *fb_metrics_find(const struct fb_metrics *metrics,
                                        const struct fb_metric *like, const char *name)
{
    for (size_t i = 0; i < metrics->count; i++) {
        const struct fb_metric *metric = &metrics->list[i];
        if (strcmp(metric->name, name) == 0 && strcmp(metric->harness, like->harness) == 0 &&
            metric->workers == like->workers && strcmp(metric->state, like->state) == 0 &&
            strcmp(metric->binding, like->binding) == 0)
            return metric;
    }
    return NULL;
}

void fb_metrics_leave_out(struct fb_metrics *metrics, const char *format, ...)
{
    size_t used = strlen(metrics->left_out);
    if (used > 0)
        used += (size_t)snprintf(metrics->left_out + used, sizeof metrics->left_out - used, "; ");
    if (used >= sizeof metrics->left_out)
        return;
    va_list list;
    va_start(list, format);
    vsnprintf(metrics->left_out + used, sizeof metrics->left_out - used, format, list);
    va_end(list);
}

void fb_metrics_clear(struct fb_metrics *metrics)
{
    free(metrics->list);
    free(metrics->point);
    *metrics = (struct fb_metrics){ 0 };
}
