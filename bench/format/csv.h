/* Fields of CSV files. */
#ifndef FB_CSV_H
#define FB_CSV_H

#include "base/stats.h"

#include <stdio.h>

/* A text, quoted where it must be (RFC 4180). */
void fb_csv_text(const char *text, FILE *to);

/* A CPU's model as a text, commas made blanks for readers that split lines at them. */
void fb_csv_cpu(const char *cpu, FILE *to);

/* A comma and a number: nothing for one that is not known, "inf" for infinity. */
void fb_csv_real(double value, FILE *to);
void fb_csv_ns(double value, FILE *to);

/* Three of them: the estimate, low, high; nothing in all of them if it is not known. */
void fb_csv_interval(const struct fb_interval *interval, bool known, FILE *to);

#endif
