/* The audit of a trial's timed jobs: which resources they used, and what may have disturbed them. */
#ifndef FB_AUDIT_H
#define FB_AUDIT_H

#include "bench/host/counters.h"
#include "bench/host/process_tree.h"

#include "base/cgroup.h"

/* All figures at one moment. CPU figures are summed over the CPUs that may be used. */
struct fb_moment {
    uint64_t now_ns;
    struct fb_process_tree own;
    struct fb_optional ended_cpu_ns; /* of children that have been waited for */
    struct fb_optional ended_involuntary;
    struct fb_optional busy_ns, idle_ns, steal_ns;
    struct fb_optional frequency_khz; /* the mean of the CPUs */
    struct fb_optional hot;           /* how often heat slowed them down */
    struct fb_optional throttled_ns;  /* by the control group's quota */
    struct fb_optional counter[FB_COUNTERS];
};

/* Over the window from the start of the first job to the end of the last. */
struct fb_audit {
    uint64_t window_ns;
    struct fb_optional cpu_ns;     /* CPU time of this trial's processes */
    struct fb_optional other_ns;   /* CPU time of all other processes */
    struct fb_optional steal_ns;   /* CPU time that the hypervisor gave to other guests */
    struct fb_optional idle_ns;    /* idle time of the CPUs */
    struct fb_optional waiting_ns; /* time that workers were ready to run without a CPU */
    struct fb_optional involuntary_switches;
    struct fb_optional throttled_ns, hot;
    struct fb_optional frequency_khz;        /* at the end */
    struct fb_optional frequency_change_khz; /* since the start */
    struct fb_optional counter[FB_COUNTERS];
    struct fb_memory memory; /* after the last job, with the workers alive */
};

struct fb_auditor {
    struct fb_counters counters;
    struct fb_cgroup cgroup;
    struct fb_moment begin;
};

/* Call before the workers are created. */
void fb_audit_open(struct fb_auditor *auditor);
/* Call before the first job. */
void fb_audit_begin(struct fb_auditor *auditor);
/* Call after the last job, while the workers are alive. */
void fb_audit_end(const struct fb_auditor *auditor, struct fb_audit *ret_audit);
void fb_audit_close(struct fb_auditor *auditor);

#endif
