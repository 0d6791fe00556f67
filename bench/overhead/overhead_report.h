/* The report of `forkbench overhead`: a table, JSON and files. */
#ifndef FB_OVERHEAD_REPORT_H
#define FB_OVERHEAD_REPORT_H

#include "bench/host/machine.h"
#include "bench/overhead/metric.h"

#include "base/error.h"

#include <stdio.h>

struct fb_overhead_report {
    const struct fb_machine *machine;
    const struct fb_metrics *metrics;
};

/* Prints an aligned table, and sentences on where a coarse job's time goes. */
void fb_overhead_print(const struct fb_overhead_report *report, FILE *to);

/* Prints {"metrics": [{name, harness, workers, value, unit, …}], "curves": […], …} */
void fb_overhead_print_json(const struct fb_overhead_report *report, FILE *to);

/* Writes overhead.json, overhead.csv and curves.csv to a folder, each under a temporary name first.
 * 0, or a negative errno with *error. */
int fb_overhead_save(const struct fb_overhead_report *report, const char *folder,
                     struct fb_error *error);

#endif
