/* A figure that a machine may not be able to tell. */
#ifndef FB_OPTIONAL_VALUE_H
#define FB_OPTIONAL_VALUE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct fb_optional {
    bool known;
    int64_t value;
    char why[96]; /* if it is not known: the reason */
};

static inline struct fb_optional fb_optional_of(int64_t value)
{
    return (struct fb_optional){ .known = true, .value = value };
}

/* why: printf's. */
struct fb_optional fb_optional_missing(const char *why, ...) __attribute__((format(printf, 1, 2)));

/* after - before; missing if either is. */
struct fb_optional fb_optional_since(const struct fb_optional *before,
                                     const struct fb_optional *after);

/* The number, or "unavailable: reason". */
json_t *fb_optional_json(const struct fb_optional *reading);

#endif
