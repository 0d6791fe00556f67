/* Figures of `forkbench overhead`: each with its unit, its interval and how it was taken. */
#ifndef FB_METRIC_H
#define FB_METRIC_H

#include "base/stats.h"

struct fb_metric {
    char name[40];    /* "dispatch.empty" */
    char harness[24]; /* whose figure it is */
    unsigned workers;
    char state[24];      /* "warm", "cold", "parent 64 MiB"; "" where there is nothing to say */
    const char *binding; /* "unbound" or "bound" */
    char unit[32];       /* "ns", "ratio to openmp", "per cent" */
    struct fb_interval of;
};

/* Of a curve of efficiency against task length. */
struct fb_point {
    char harness[24];
    unsigned workers;
    const char *binding;
    double length_ns; /* median of the rounds */
    struct fb_interval efficiency;
};

struct fb_metrics {
    struct fb_metric *list;
    size_t count, room;
    struct fb_point *point;
    size_t points, point_room;
    char left_out[512]; /* what could not be measured, and why; "" for nothing */
};

/* One figure's samples, one a round. */
struct fb_metric_samples {
    const char *name, *harness, *state, *binding;
    unsigned workers;
    const double *ns, *peer_ns; /* peer_ns: of whom it is compared with; NULL: of nobody */
    const char *peer;           /* its name */
    const char *unit;           /* NULL: ns */
};

/* Appends copies. 0 or -ENOMEM. */
int fb_metrics_add(struct fb_metrics *metrics, const struct fb_metric *metric);
int fb_metrics_add_point(struct fb_metrics *metrics, const struct fb_point *point);

/* Appends the median of samples->ns with its interval and, as "NAME.ratio", that of its ratios to
 * the peer's of the same rounds. 0 or -ENOMEM. */
int fb_metrics_put(struct fb_metrics *metrics, const struct fb_metric_samples *samples,
                   size_t rounds);

/* The metric of that name, harness, workers, state and binding, or NULL. */
const struct fb_metric *fb_metrics_find(const struct fb_metrics *metrics,
                                        const struct fb_metric *like, const char *name);

/* Notes what could not be measured, and why, behind what was noted before. */
void fb_metrics_leave_out(struct fb_metrics *metrics, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void fb_metrics_clear(struct fb_metrics *metrics);

#endif
