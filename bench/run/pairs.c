#include "bench/run/pairs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *const fb_factor_names[FB_FACTORS] = {
    [FB_FACTOR_NONE] = "none",
    [FB_FACTOR_BUILD] = "build",
    [FB_FACTOR_PARAMETER] = "parameter",
    [FB_FACTOR_HARNESS] = "harness",
};

static bool same_params(const struct fb_cell *left, const struct fb_cell *right)
{
    return strcmp(left->params, right->params) == 0;
}

static bool same_harness(const struct fb_cell *left, const struct fb_cell *right)
{
    return left->harness == right->harness && strcmp(left->variant, right->variant) == 0;
}

/* Counts the assignments that differ between "a=1 b=2" and "a=1 b=3". Both have the same names in
 * the same order. */
static unsigned differing_params(const char *left, const char *right)
{
    unsigned count = 0;
    while (*left && *right) {
        size_t here = strcspn(left, " "), there = strcspn(right, " ");
        count += here != there || memcmp(left, right, here) != 0;
        left += here + (left[here] == ' ');
        right += there + (right[there] == ' ');
    }
    return count;
}

/* The one factor in which two cells differ; FB_FACTORS if they are not compared. */
static enum fb_factor find_factor(const struct fb_cell *reference, const struct fb_cell *cell)
{
    bool params = same_params(reference, cell), harness = same_harness(reference, cell);
    if (reference->kernel != cell->kernel || reference->workers != cell->workers ||
        reference->family != cell->family || reference->copies || cell->copies)
        return FB_FACTORS;
    if (params && harness && reference->against != cell->against)
        return reference->again || cell->again ? FB_FACTORS : FB_FACTOR_BUILD;
    if (reference->against || cell->against)
        return FB_FACTORS;
    if (params && harness)
        return FB_FACTOR_NONE;
    if (reference->again || cell->again)
        return FB_FACTORS;
    if (harness && differing_params(reference->params, cell->params) == 1)
        return FB_FACTOR_PARAMETER;
    return params && reference->harness->base && cell->harness->base ? FB_FACTOR_HARNESS
                                                                     : FB_FACTORS;
}

static void add(struct fb_plan *plan, size_t reference, size_t cell, enum fb_factor factor)
{
    /* Of two builds the other one is the reference. */
    bool swapped = factor == FB_FACTOR_BUILD && plan->cell[cell].against;
    plan->pair[plan->pairs++] = (struct fb_pair){ .reference = swapped ? cell : reference,
                                                  .cell = swapped ? reference : cell,
                                                  .factor = factor };
}

int fb_pairs_make(struct fb_plan *plan)
{
    plan->pair = calloc(plan->count * FB_FACTORS + 1, sizeof *plan->pair);
    if (!plan->pair)
        return -ENOMEM;
    for (size_t cell = 0; cell < plan->count; cell++) {
        bool found[FB_FACTORS + 1] = { 0 };
        found[FB_FACTORS] = true;
        for (size_t reference = 0; reference < cell; reference++) {
            enum fb_factor factor = find_factor(&plan->cell[reference], &plan->cell[cell]);
            if (found[factor])
                continue;
            found[factor] = true;
            add(plan, reference, cell, factor);
        }
    }
    return 0;
}
