/* In what two recorded runs differ, apart from their times. */
#ifndef FB_COMPARABILITY_H
#define FB_COMPARABILITY_H

#include "bench/judge/run_reader.h"

/* Two cells that did the same work in the same way, by their indices. */
struct fb_match {
    size_t a, b;
};

struct fb_comparability {
    struct fb_match *match; /* owned */
    size_t matches, alone;  /* alone: cells of either run that the other one doesn't have */
    char factor[256];       /* the one in which the runs differ, in words; "" for none */
};

/* Matches cells and finds the one factor that may differ: the compiler, the kernels' or the
 * harnesses' machine code, the binding or the interpreter. 0 and *ret_factors (end with
 * fb_comparability_clear), or a negative errno: -ENOMEM; -EXDEV and *error names what makes the runs not
 * comparable: the machine, parameters, results, no common cell, or more than one factor. */
int fb_comparability_find(const struct fb_recorded_run *a, const struct fb_recorded_run *b,
                          struct fb_comparability *ret_factors, struct fb_error *error);
void fb_comparability_clear(struct fb_comparability *factors);

#endif
