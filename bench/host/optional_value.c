#include "bench/host/optional_value.h"

#include <stdarg.h>
#include <stdio.h>

struct fb_optional fb_optional_missing(const char *why, ...)
{
    struct fb_optional reading = { .known = false };
    va_list arguments;
    va_start(arguments, why);
    vsnprintf(reading.why, sizeof reading.why, why, arguments);
    va_end(arguments);
    return reading;
}

struct fb_optional fb_optional_since(const struct fb_optional *before,
                                     const struct fb_optional *after)
{
    if (!before->known)
        return *before;
    return after->known ? fb_optional_of(after->value - before->value) : *after;
}

json_t *fb_optional_json(const struct fb_optional *reading)
{
    char text[sizeof reading->why + 16];
    if (reading->known)
        return json_integer(reading->value);
    snprintf(text, sizeof text, "unavailable: %s", reading->why);
    return json_string(text);
}
