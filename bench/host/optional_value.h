/* A figure that a machine may not be able to tell. */
#ifndef FB_READING_H
#define FB_READING_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct fb_reading {
    bool known;
    int64_t value;
    char why[96]; /* if it is not known: the reason */
};

static inline struct fb_reading fb_reading_of(int64_t value)
{
    return (struct fb_reading){ .known = true, .value = value };
}

/* why: printf's. */
struct fb_reading fb_reading_missing(const char *why, ...) __attribute__((format(printf, 1, 2)));

/* after - before; missing if either is. */
struct fb_reading fb_reading_since(const struct fb_reading *before, const struct fb_reading *after);

/* The number, or "unavailable: reason". */
json_t *fb_reading_json(const struct fb_reading *reading);

#endif
