#include "bench/format/csv.h"

#include <math.h>
#include <string.h>

void fb_csv_text(const char *text, FILE *to)
{
    if (!strpbrk(text, ",\"\n\r")) {
        fputs(text, to);
        return;
    }
    fputc('"', to);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', to);
        fputc(*text, to);
    }
    fputc('"', to);
}

void fb_csv_real(double value, FILE *to)
{
    fputc(',', to);
    if (!isnan(value))
        fprintf(to, "%.6g", value);
}

void fb_csv_ns(double value, FILE *to)
{
    fputc(',', to);
    if (isfinite(value))
        fprintf(to, "%.0f", value);
}

void fb_csv_interval(const struct fb_interval *interval, bool known, FILE *to)
{
    fb_csv_real(known ? interval->value : NAN, to);
    fb_csv_real(known ? interval->low : NAN, to);
    fb_csv_real(known ? interval->high : NAN, to);
}

void fb_csv_cpu(const char *cpu, FILE *to)
{
    char text[256];
    snprintf(text, sizeof text, "%s", cpu);
    for (char *comma = text; (comma = strchr(comma, ','));)
        *comma = ' ';
    fb_csv_text(text, to);
}
