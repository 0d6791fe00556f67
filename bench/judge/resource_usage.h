/* What a cell's trials used up: medians of what exec said of each. */
#ifndef FB_RESOURCE_USAGE_H
#define FB_RESOURCE_USAGE_H

#include "bench/run/measure.h"
#include "bench/host/optional_value.h"

struct fb_resource_field {
    const char *name;  /* of the column: "user_ns" */
    const char *group; /* the object in exec's JSON, NULL: at its top */
    const char *key;   /* the field in it */
    const char *head;  /* of a table for people, with its unit; NULL: not in it */
    double scale;      /* from the field to that unit */
    bool each_worker;  /* divided by the workers */
};

/* Ends with a name of NULL. */
extern const struct fb_resource_field fb_resource_fields[];

/* The median over the counted blocks, or the reason that the last trial without it gave. */
struct fb_optional fb_resource_usage(const struct fb_plan *plan, const struct fb_samples *samples,
                                     size_t cell, const struct fb_resource_field *field);

#endif
