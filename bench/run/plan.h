/* What a run measures: cells. A cell is one kernel with its parameters under one harness on a
 * number of workers; its base is the cell that its speedup is relative to. */
#ifndef FB_PLAN_H
#define FB_PLAN_H

#include "harness/harness.h"

#include <limits.h>

#define FB_LIST_MOST 64     /* kernels, harnesses, worker counts, values of a parameter */
#define FB_CELLS_DEFAULT 20 /* of each family, if no worker counts were given */
#define FB_TEXT 256

/* Cells form two families with a budget each: C, and the far slower interpreters. A base is always
 * of the same family. */
enum fb_family { FB_FAMILY_C, FB_FAMILY_CPYTHON, FB_FAMILIES };

struct fb_cell {
    const struct fb_kernel *kernel;
    char params[FB_TEXT]; /* those that were given: "lo=1 hi=800000 ranges=64" */
    const struct fb_harness *harness;
    char label[FB_TEXT];    /* the harness as given; "ceiling" for copies */
    char variant[PATH_MAX]; /* as found, once for the whole run; "" for none */
    unsigned workers;
    unsigned copies; /* of a ceiling: how many copies of `single` run at once; else 0 */
    bool again;      /* a second label for another cell: differences between the two are noise */
    bool against;    /* run by the other build */
    enum fb_family family;
    size_t base, ceiling; /* indices of cells; FB_NO_CELL: none */
};
#define FB_NO_CELL SIZE_MAX

/* The one factor in which two cells differ that are compared. */
enum fb_factor {
    FB_FACTOR_NONE, /* one cell under two labels */
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
    size_t left_out; /* cells dropped because of FB_CELLS_DEFAULT */
};

/* The lists that were given. An empty list means the default. */
struct fb_plan_request {
    const char *kernel[FB_LIST_MOST], *harness[FB_LIST_MOST], *param[FB_LIST_MOST];
    unsigned workers[FB_LIST_MOST];
    size_t kernels, harnesses, params, worker_counts;
    double effective; /* CPUs; 1.5 is possible */
    bool against;     /* add every cell under the other build */
};

/* The cell's harness for display: "pthread (again)", "pthread (against)". */
void fb_cell_label(const struct fb_cell *cell, char *text, size_t size);

/* Makes the plan. Bases are added, and ceilings for 2 to effective (rounded up) workers. Default
 * worker counts: the effective CPUs rounded down, then twice as many, then halves, until a family
 * has FB_CELLS_DEFAULT cells. One cell of each family, if possible on all effective CPUs, is added
 * a second time. Cells that can be compared are paired. 0, or a negative errno with *error. */
int fb_plan_make(const struct fb_plan_request *request, struct fb_plan *ret_plan,
                 struct fb_error *error);
void fb_plan_clear(struct fb_plan *plan);

#endif
