/* Intervals as text for tables: "1.98", "[1.97, 1.99]"; "-" for a value that is not known. */
#ifndef FB_FORMAT_INTERVAL_H
#define FB_FORMAT_INTERVAL_H

#include "base/stats.h"

#include <stddef.h>

/* Writes the estimate, times scale, with that many decimals. */
void fb_interval_print_value(const struct fb_interval *interval, double scale, int decimals,
                             char *text, size_t size);

/* Writes both bounds in the same way. */
void fb_interval_print_bounds(const struct fb_interval *interval, double scale, int decimals,
                              char *text, size_t size);

#endif
