/* Whether two recorded runs can be compared, and the one factor in which they may differ. */
#ifndef FB_COMPARABILITY_H
#define FB_COMPARABILITY_H

#include "bench/judge/run_reader.h"

/* The indices of two cells that did the same work in the same way. */
struct fb_match {
    size_t a, b;
};

struct fb_comparability {
    struct fb_match *match; /* owned */
    size_t matches, alone;  /* alone: cells of either run without a match */
    char factor[256];       /* the factor in which the runs differ, in words; "": none */
};

/* Matches cells and finds the one factor that may differ: the compiler, the machine code of the
 * kernels or of the harnesses, the binding or the interpreter. 0 with *ret_comparability (end with
 * fb_comparability_clear), or a negative errno with *error: -ENOMEM, or -EXDEV if the runs are not
 * comparable: other machine, parameters or results, no cell in common, more than one factor. */
int fb_comparability_find(const struct fb_recorded_run *a, const struct fb_recorded_run *b,
                          struct fb_comparability *ret_comparability, struct fb_error *error);
void fb_comparability_clear(struct fb_comparability *comparability);

#endif
