/* Writes fields of CSV files. */
#ifndef FB_CSV_H
#define FB_CSV_H

#include "base/stats.h"

#include <stdio.h>

/* A text, quoted where necessary (RFC 4180). */
void fb_csv_text(const char *text, FILE *to);

/* A CPU model, with blanks for commas because some readers split lines at every comma. */
void fb_csv_cpu(const char *cpu, FILE *to);

/* A comma and a number; nothing after the comma for NaN. */
void fb_csv_real(double value, FILE *to);

/* A comma and a whole number; nothing after the comma for NaN and infinity. */
void fb_csv_ns(double value, FILE *to);

/* Three fields: the estimate, low, high; all of them empty if it is not known. */
void fb_csv_interval(const struct fb_interval *interval, bool known, FILE *to);

#endif
