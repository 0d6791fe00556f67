/* The resources that the trials of a cell used: medians of the figures that exec printed. */
#ifndef FB_RESOURCE_USAGE_H
#define FB_RESOURCE_USAGE_H

#include "bench/run/measure.h"
#include "bench/host/optional_value.h"

struct fb_resource_field {
    const char *name;  /* the column: "user_ns" */
    const char *group; /* the object in exec's JSON; NULL: the root */
    const char *key;   /* the field in it */
    const char *head;  /* heading in summary.md, with the unit; NULL: not there */
    double scale;      /* factor from the field to that unit */
    bool each_worker;  /* divided by the workers */
};

/* Ends with a name of NULL. */
extern const struct fb_resource_field fb_resource_fields[];

/* The median over all blocks but the warm-up; or the reason from the last trial without this
 * figure. */
struct fb_optional fb_resource_usage(const struct fb_plan *plan, const struct fb_samples *samples,
                                     size_t cell, const struct fb_resource_field *field);

#endif
