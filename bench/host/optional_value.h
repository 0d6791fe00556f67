/* A number that may be unavailable on this machine. */
#ifndef FB_OPTIONAL_VALUE_H
#define FB_OPTIONAL_VALUE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct fb_optional {
    bool known;
    int64_t value;
    char reason[96]; /* why it is not known */
};

static inline struct fb_optional fb_optional_of(int64_t value)
{
    return (struct fb_optional){ .known = true, .value = value };
}

/* An unavailable number, with the reason formatted as by printf. */
struct fb_optional fb_optional_missing(const char *reason, ...)
    __attribute__((format(printf, 1, 2)));

/* after - before; unavailable if one of them is. */
struct fb_optional fb_optional_since(const struct fb_optional *before,
                                     const struct fb_optional *after);

/* The number, or the string "unavailable: REASON". */
json_t *fb_optional_json(const struct fb_optional *optional);

#endif
