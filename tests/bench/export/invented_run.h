/* An invented run with all special cases of exporting. */
#ifndef TEST_INVENTED_RUN_H
#define TEST_INVENTED_RUN_H

#include "bench/export/export.h"

/* The cells and their special cases. */
enum {
    INVENTED_BASE,    /* single */
    INVENTED_PTHREAD, /* all figures are known */
    INVENTED_FAILED,  /* quotes and commas in the failure */
    INVENTED_QUOTED,  /* quotes and commas in label; a description; base of the next */
    INVENTED_FEW,     /* UTF-8 in label; too few samples for an interval */
    INVENTED_CEILING,
    INVENTED_NONE, /* no samples */
    INVENTED_CELLS
};
#define INVENTED_SAMPLES 4

struct invented {
    struct fb_machine machine;
    struct fb_cell cell[INVENTED_CELLS];
    struct fb_plan plan;
    struct fb_sample sample[INVENTED_SAMPLES];
    struct fb_outcome outcome[INVENTED_CELLS];
    struct fb_samples samples;
    struct fb_summary summary[INVENTED_CELLS];
    struct fb_pair pair[1];
    struct fb_finding finding[1];
    double score[INVENTED_SAMPLES];
    struct fb_analysis analysis;
    struct fb_fit fit[2];
    struct fb_fits fits;
    double budget_s[FB_FAMILIES];
    struct fb_run run;
};

/* It has pointers into itself, so it must not be copied. */
void invented_make(struct invented *invented);
void invented_clear(struct invented *invented);

#endif
