#include "bench/host/disturbance.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

struct judgement {
    char (*text)[FB_DISTURBANCE_TEXT];
    unsigned count;
};

static bool beyond(const struct fb_optional *reading, double limit)
{
    return reading->known && (double)reading->value > limit;
}

/* A sentence with a part of the window as per cent, and a few words behind it. */
static void say_part(struct judgement *judgement, const char *what, double part, const char *of)
{
    snprintf(judgement->text[judgement->count++], FB_DISTURBANCE_TEXT, "%s %.1f %%%s", what,
             100 * part, of);
}

static void say_rate(struct judgement *judgement, const char *what, double rate)
{
    snprintf(judgement->text[judgement->count++], FB_DISTURBANCE_TEXT, "%s %.0f times a second",
             what, rate);
}

/* Where each worker has a CPU of its own. While two of them stand on one CPU another one idles:
 * that is how this way of running is scheduled. Waiting beyond what was idle is for somebody else.
 */
static void judge_scheduling(const struct fb_audit *audit, double worker_ns, double tick_ns,
                             struct judgement *judgement)
{
    const struct fb_optional *migrations = &audit->counter[FB_MIGRATIONS];
    double often = 100 * worker_ns / 1e9;
    struct fb_optional kept_out = fb_optional_since(&audit->idle_ns, &audit->waiting_ns);
    if (beyond(&kept_out, fmax(2 * tick_ns, 0.02 * worker_ns)))
        say_part(judgement, "workers waited while no CPU was idle",
                 (double)kept_out.value / worker_ns, "");
    if (beyond(&audit->involuntary_switches, often))
        say_rate(judgement, "workers were interrupted",
                 (double)audit->involuntary_switches.value / worker_ns * 1e9);
    if (beyond(migrations, often))
        say_rate(judgement, "workers changed CPUs", (double)migrations->value / worker_ns * 1e9);
}

unsigned fb_disturbances_find(const struct fb_audit *audit, unsigned threads, double cpus,
                              char ret_text[FB_DISTURBANCES_MOST][FB_DISTURBANCE_TEXT])
{
    struct judgement judgement = { .text = ret_text };
    double window_ns = (double)audit->window_ns, tick_ns = 1e9 / (double)sysconf(_SC_CLK_TCK);
    if (beyond(&audit->other_ns, fmax(3 * tick_ns, 0.05 * window_ns)))
        say_part(&judgement, "other processes took", (double)audit->other_ns.value / window_ns,
                 " of a CPU");
    if (beyond(&audit->steal_ns, fmax(2 * tick_ns, 0.01 * window_ns)))
        say_part(&judgement, "the hypervisor took", (double)audit->steal_ns.value / window_ns,
                 " of a CPU");
    if (threads <= cpus)
        judge_scheduling(audit, threads * window_ns, tick_ns, &judgement);
    if (beyond(&audit->throttled_ns, 0.01 * window_ns))
        say_part(&judgement, "held back by the quota for",
                 (double)audit->throttled_ns.value / window_ns, " of the time");
    if (beyond(&audit->hot, 0))
        snprintf(ret_text[judgement.count++], FB_DISTURBANCE_TEXT, "slowed down by heat %lld times",
                 (long long)audit->hot.value);
    if (audit->frequency_khz.known && audit->frequency_change_khz.known &&
        fabs((double)audit->frequency_change_khz.value) > 0.1 * (double)audit->frequency_khz.value)
        snprintf(ret_text[judgement.count++], FB_DISTURBANCE_TEXT,
                 "the frequency changed by %lld kHz", (long long)audit->frequency_change_khz.value);
    return judgement.count;
}
