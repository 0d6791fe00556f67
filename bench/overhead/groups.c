#include "bench/overhead/groups.h"

#include "bench/overhead/overhead.h"

/* In the order in which they run: the breakdown needs a figure of dispatch. */
static const struct {
    int (*measure)(const struct fb_overhead *overhead, struct fb_error *error);
    double weight; /* roughly its share of the total time */
} groups[] = {
    { fb_creation_measure, 0.16 },     { fb_wakeup_measure, 0.09 },
    { fb_convoy_measure, 0.07 },       { fb_messages_measure, 0.22 },
    { fb_runtime_cost_measure, 0.05 }, { fb_pool_cost_measure, 0.05 },
    { fb_worker_death_measure, 0.02 }, { fb_dispatch_measure, 0.28 },
    { fb_breakdown_measure, 0.06 },
};

int fb_groups_measure(unsigned workers, size_t rounds, struct fb_metrics *metrics,
                      struct fb_error *error)
{
    struct fb_progress progress;
    struct fb_overhead overhead = {
        .workers = workers, .rounds = rounds, .metrics = metrics, .progress = &progress
    };
    int result = 0;
    fb_progress_begin(&progress);
    for (size_t i = 0; i < sizeof groups / sizeof *groups && result == 0; i++) {
        overhead.from = overhead.to;
        overhead.to += groups[i].weight;
        result = groups[i].measure(&overhead, error);
    }
    fb_progress_end(&progress);
    return result;
}
