#include "bench/host/disturbance.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

struct disturbances {
    char (*text)[FB_DISTURBANCE_TEXT];
    unsigned count;
};

static bool beyond(const struct fb_optional *figure, double limit)
{
    return figure->known && (double)figure->value > limit;
}

static void add_part(struct disturbances *found, const char *what, double part, const char *of)
{
    snprintf(found->text[found->count++], FB_DISTURBANCE_TEXT, "%s %.1f %%%s", what, 100 * part,
             of);
}

static void add_rate(struct disturbances *found, const char *what, double rate)
{
    snprintf(found->text[found->count++], FB_DISTURBANCE_TEXT, "%s %.0f times a second", what,
             rate);
}

/* For trials in which each worker can have a CPU of its own. Workers that share a CPU leave another
 * one idle, which is how the harness is scheduled and no disturbance. Only the waiting beyond the
 * idle time was caused by others. */
static void judge_scheduling(const struct fb_audit *audit, double worker_ns, double tick_ns,
                             struct disturbances *found)
{
    const struct fb_optional *migrations = &audit->counter[FB_MIGRATIONS];
    double often = 100 * worker_ns / 1e9;
    struct fb_optional waited_for_others = fb_optional_since(&audit->idle_ns, &audit->waiting_ns);
    if (beyond(&waited_for_others, fmax(2 * tick_ns, 0.02 * worker_ns)))
        add_part(found, "workers waited while no CPU was idle",
                 (double)waited_for_others.value / worker_ns, "");
    if (beyond(&audit->involuntary_switches, often))
        add_rate(found, "workers were interrupted",
                 (double)audit->involuntary_switches.value / worker_ns * 1e9);
    if (beyond(migrations, often))
        add_rate(found, "workers changed CPUs", (double)migrations->value / worker_ns * 1e9);
}

unsigned fb_disturbances_find(const struct fb_audit *audit, unsigned threads, double cpus,
                              char ret_text[FB_DISTURBANCES_MOST][FB_DISTURBANCE_TEXT])
{
    struct disturbances found = { .text = ret_text };
    double window_ns = (double)audit->window_ns, tick_ns = 1e9 / (double)sysconf(_SC_CLK_TCK);
    if (beyond(&audit->other_ns, fmax(3 * tick_ns, 0.05 * window_ns)))
        add_part(&found, "other processes took", (double)audit->other_ns.value / window_ns,
                 " of a CPU");
    if (beyond(&audit->steal_ns, fmax(2 * tick_ns, 0.01 * window_ns)))
        add_part(&found, "the hypervisor took", (double)audit->steal_ns.value / window_ns,
                 " of a CPU");
    if (threads <= cpus)
        judge_scheduling(audit, threads * window_ns, tick_ns, &found);
    if (beyond(&audit->throttled_ns, 0.01 * window_ns))
        add_part(&found, "held back by the quota for",
                 (double)audit->throttled_ns.value / window_ns, " of the time");
    if (beyond(&audit->hot, 0))
        snprintf(ret_text[found.count++], FB_DISTURBANCE_TEXT, "slowed down by heat %lld times",
                 (long long)audit->hot.value);
    if (audit->frequency_khz.known && audit->frequency_change_khz.known &&
        fabs((double)audit->frequency_change_khz.value) > 0.1 * (double)audit->frequency_khz.value)
        snprintf(ret_text[found.count++], FB_DISTURBANCE_TEXT, "the frequency changed by %lld kHz",
                 (long long)audit->frequency_change_khz.value);
    return found.count;
}
