/* Writes the files of a run. Each file has one exporter; all of them read the same struct fb_run. */
#ifndef FB_EXPORT_H
#define FB_EXPORT_H

#include "bench/judge/analysis.h"
#include "bench/host/build.h"
#include "bench/judge/fits.h"
#include "bench/host/machine.h"

#include <stdio.h>

struct fb_run {
    const struct fb_machine *machine;
    const struct fb_build *build;
    const json_t *against; /* the other build, like fb_build_json; NULL: none */
    const struct fb_plan *plan;
    const struct fb_samples *samples;
    const struct fb_analysis *analysis;
    const struct fb_fits *fits;
    uint64_t seed;
    double precision; /* as requested: 0.02 is 2 % */
    bool bind;
    const double *budget_s; /* [FB_FAMILIES] */
    bool complete;          /* false: it was interrupted */
};

struct fb_export {
    const char *file; /* its name */
    /* Writes it: 0 or a negative errno. */
    int (*write)(const struct fb_run *run, FILE *to);
};

extern const struct fb_export fb_export_json, fb_export_samples_csv, fb_export_summary_csv,
    fb_export_comparisons_csv, fb_export_scaling_csv, fb_export_why_csv, fb_export_markdown;

/* Writes all files into folder, each under a temporary name first: on failure an old file is
 * unchanged. 0, or a negative errno with *error. */
int fb_export_all(const struct fb_run *run, const char *folder, struct fb_error *error);

/* Prints the summary as aligned tables, for a terminal. */
void fb_export_table(const struct fb_run *run, FILE *to);

#endif
