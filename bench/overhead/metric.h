/* The figures of `forkbench overhead`, each with its unit, interval and conditions. */
#ifndef FB_METRIC_H
#define FB_METRIC_H

#include "base/stats.h"

struct fb_metric {
    char name[40];    /* "dispatch.empty" */
    char harness[24]; /* the harness or method measured */
    unsigned workers;
    char state[24];      /* "warm", "cold", "parent 64 MiB"; may be "" */
    const char *binding; /* "unbound" or "bound" */
    char unit[32];       /* "ns", "ratio to openmp", "per cent" */
    struct fb_interval of;
};

/* A point of a curve of efficiency against task length. */
struct fb_point {
    char harness[24];
    unsigned workers;
    const char *binding;
    double length_ns; /* median over the rounds */
    struct fb_interval efficiency;
};

struct fb_metrics {
    struct fb_metric *list;
    size_t count, room;
    struct fb_point *point;
    size_t points, point_room;
    char left_out[512]; /* what could not be measured, and why; "": nothing was left out */
};

/* The samples of one figure, one per round. */
struct fb_metric_samples {
    const char *name, *harness, *state, *binding;
    unsigned workers;
    const double *ns, *peer_ns; /* peer_ns: compared with these; NULL: no comparison */
    const char *peer;           /* the name of the peer */
    const char *unit;           /* NULL: ns */
};

/* Append a copy. 0 or -ENOMEM. */
int fb_metrics_add(struct fb_metrics *metrics, const struct fb_metric *metric);
int fb_metrics_add_point(struct fb_metrics *metrics, const struct fb_point *point);

/* Appends the median of samples->ns with its interval and, if there is a peer, as "NAME.ratio" the
 * median of the ratios to the peer's samples of the same rounds. 0 or -ENOMEM. */
int fb_metrics_put(struct fb_metrics *metrics, const struct fb_metric_samples *samples,
                   size_t rounds);

/* The metric called `name` with the harness, workers, state and binding of `like`, or NULL. */
const struct fb_metric *fb_metrics_find(const struct fb_metrics *metrics,
                                        const struct fb_metric *like, const char *name);

/* Appends to left_out what could not be measured, and why. */
void fb_metrics_leave_out(struct fb_metrics *metrics, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void fb_metrics_clear(struct fb_metrics *metrics);

#endif
