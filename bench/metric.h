/* Figures of `forkbench overhead`: each with its unit, its interval and how it was taken. */
#ifndef FB_METRIC_H
#define FB_METRIC_H

#include "stats.h"

struct fb_metric {
    char name[40];    /* "dispatch.empty" */
    char harness[24]; /* whose figure it is */
    unsigned workers;
    const char *state;   /* "warm" or "cold" */
    const char *binding; /* "unbound" or "bound" */
    const char *unit;    /* "ns", or "ratio to openmp" */
    struct fb_interval of;
};

struct fb_metrics {
    struct fb_metric *list;
    size_t count, room;
};

/* Appends a copy. 0 or -ENOMEM. */
int fb_metrics_add(struct fb_metrics *metrics, const struct fb_metric *metric);
void fb_metrics_clear(struct fb_metrics *metrics);

/* Prints an aligned table, or JSON: {"metrics": [{name, harness, workers, value, unit, …}]}. */
void fb_metrics_print(const struct fb_metrics *metrics);
void fb_metrics_print_json(const struct fb_metrics *metrics);

#endif
