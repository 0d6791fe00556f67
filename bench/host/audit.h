/* What happened around a trial's timed jobs: what they used up, and what disturbed them. */
#ifndef FB_AUDIT_H
#define FB_AUDIT_H

#include "bench/host/counters.h"
#include "bench/host/process_tree.h"

#include "base/cgroup.h"

/* Readings at one moment. */
struct fb_moment {
    uint64_t now_ns;
    struct fb_process_tree own;
    struct fb_optional ended_cpu_ns; /* of children that were waited for */
    struct fb_optional ended_involuntary;
    struct fb_optional busy_ns, idle_ns, steal_ns; /* of the CPUs that may be used */
    struct fb_optional frequency_khz;              /* their mean */
    struct fb_optional hot;                        /* times that they were slowed down by heat */
    struct fb_optional throttled_ns;               /* by the control group's quota */
    struct fb_optional counter[FB_COUNTERS];
};

/* Over the window from before the first to after the last job. */
struct fb_audit {
    uint64_t window_ns;
    struct fb_optional cpu_ns;     /* this trial's own computing */
    struct fb_optional other_ns;   /* computing of everything else on the CPUs that may be used */
    struct fb_optional steal_ns;   /* that the hypervisor gave to others, summed over CPUs */
    struct fb_optional idle_ns;    /* that these CPUs had nothing to do, summed */
    struct fb_optional waiting_ns; /* workers ready to run, but without a CPU, summed */
    struct fb_optional involuntary_switches;
    struct fb_optional throttled_ns, hot;
    struct fb_optional frequency_khz, frequency_change_khz; /* at its end, and since its begin */
    struct fb_optional counter[FB_COUNTERS];
    struct fb_memory memory; /* after the last job, workers alive */
};

struct fb_auditor {
    struct fb_counters counters;
    struct fb_cgroup cgroup;
    struct fb_moment begin;
};

/* Before the workers are made. */
void fb_audit_open(struct fb_auditor *auditor);
/* Before the first job. */
void fb_audit_begin(struct fb_auditor *auditor);
/* After the last, while the workers are alive. */
void fb_audit_end(const struct fb_auditor *auditor, struct fb_audit *ret_audit);
void fb_audit_close(struct fb_auditor *auditor);

#endif
