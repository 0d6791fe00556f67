/* What a run measures: cells, each one kernel with its parameters under one harness on so many
 * workers, and for each the cell that its speedup is over. */
#ifndef FB_PLAN_H
#define FB_PLAN_H

#include "harness/harness.h"

#include <limits.h>

#define FB_LIST_MOST 64     /* kernels, harnesses, worker counts, values of a parameter */
#define FB_CELLS_DEFAULT 20 /* a family, when worker counts are not asked for */
#define FB_TEXT 256

/* Cells are measured in two families with a budget each: C, and the far slower interpreters. A
 * speedup is always within a family. */
enum fb_family { FB_FAMILY_C, FB_FAMILY_CPYTHON, FB_FAMILIES };

struct fb_cell {
    const struct fb_kernel *kernel;
    char params[FB_TEXT]; /* "lo=1 hi=800000 ranges=64": those that were asked for */
    const struct fb_harness *harness;
    char label[FB_TEXT];    /* the harness as it was asked for; "ceiling" for copies */
    char variant[PATH_MAX]; /* found once for the whole run; "" for none */
    unsigned workers;
    unsigned copies; /* 0, or the ceiling: so many single copies at once */
    bool again;      /* a second label for a cell that is there: what differs between the two is
                      * noise */
    bool against;    /* run by the other build */
    enum fb_family family;
    size_t base, ceiling; /* cells, FB_NO_CELL if there is none */
};
#define FB_NO_CELL SIZE_MAX

/* Two cells that differ in one factor only, to be compared. */
enum fb_factor {
    FB_FACTOR_NONE, /* the same under two labels */
    FB_FACTOR_BUILD,
    FB_FACTOR_PARAMETER,
    FB_FACTOR_HARNESS,
    FB_FACTORS
};
extern const char *const fb_factor_names[FB_FACTORS];

struct fb_pair {
    size_t reference, cell;
    enum fb_factor factor;
};

struct fb_plan {
    struct fb_cell *cell;
    size_t count, room;
    struct fb_pair *pair;
    size_t pairs;
    size_t left_out; /* cells over FB_CELLS_DEFAULT */
};

/* Lists as they were asked for. Empty lists mean the default. */
struct fb_plan_request {
    const char *kernel[FB_LIST_MOST], *harness[FB_LIST_MOST], *param[FB_LIST_MOST];
    unsigned workers[FB_LIST_MOST];
    size_t kernels, harnesses, params, worker_counts;
    double effective; /* CPUs; 1.5 is possible */
    bool against;     /* every cell under another build as well */
};

/* The cell's harness as it is shown: "pthread (again)", "pthread (against)". */
void fb_cell_label(const struct fb_cell *cell, char *text, size_t size);

/* Makes the plan: bases and ceilings (for 2 … effective workers, rounded up) are added by
 * themselves. Without worker counts: the effective CPUs rounded down, then twice as many, then
 * fewer by halves, as far as FB_CELLS_DEFAULT cells of each family go. One cell of each
 * family, on all effective CPUs if there is such a one, comes a second time, and what can be
 * compared is paired. 0, or a negative errno with *error. */
int fb_plan_make(const struct fb_plan_request *request, struct fb_plan *ret_plan,
                 struct fb_error *error);
void fb_plan_clear(struct fb_plan *plan);

#endif
