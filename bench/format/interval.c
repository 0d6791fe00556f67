#include "bench/format/interval.h"

#include <math.h>
#include <stdio.h>

void fb_interval_print_value(const struct fb_interval *interval, double scale, int decimals,
                             char *text, size_t size)
{
    if (isfinite(interval->value))
        snprintf(text, size, "%.*f", decimals, interval->value * scale);
    else
        snprintf(text, size, "-");
}

void fb_interval_print_bounds(const struct fb_interval *interval, double scale, int decimals,
                              char *text, size_t size)
{
    if (isfinite(interval->low) && isfinite(interval->high))
        snprintf(text, size, "[%.*f, %.*f]", decimals, interval->low * scale, decimals,
                 interval->high * scale);
    else
        snprintf(text, size, "-");
}
