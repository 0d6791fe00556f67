#include "bench/host/optional_value.h"

#include <stdarg.h>
#include <stdio.h>

struct fb_optional fb_optional_missing(const char *reason, ...)
{
    struct fb_optional optional = { .known = false };
    va_list arguments;
    va_start(arguments, reason);
    vsnprintf(optional.reason, sizeof optional.reason, reason, arguments);
    va_end(arguments);
    return optional;
}

struct fb_optional fb_optional_since(const struct fb_optional *before,
                                     const struct fb_optional *after)
{
    if (!before->known)
        return *before;
    return after->known ? fb_optional_of(after->value - before->value) : *after;
}

json_t *fb_optional_json(const struct fb_optional *optional)
{
    char text[sizeof optional->reason + 16];
    if (optional->known)
        return json_integer(optional->value);
    snprintf(text, sizeof text, "unavailable: %s", optional->reason);
    return json_string(text);
}
