#include "export.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

static const struct fb_export *const exports[] = {
    &fb_export_json,        &fb_export_samples_csv,
    &fb_export_summary_csv, &fb_export_comparisons_csv,
    &fb_export_scaling_csv, &fb_export_why_csv,
    &fb_export_markdown,
};

static int write_one(const struct fb_run *run, const struct fb_export *export, const char *folder)
{
    char path[PATH_MAX], part[PATH_MAX + 8];
    snprintf(path, sizeof path, "%s/%s", folder, export->file);
    snprintf(part, sizeof part, "%s.part", path);
    FILE *file = fopen(part, "we");
    if (!file)
        return -errno;
    int result = export->write(run, file);
    if (result == 0 && ferror(file))
        result = -EIO;
    if (fclose(file) != 0 && result == 0)
        result = -errno;
    if (result == 0 && rename(part, path) < 0)
        result = -errno;
    if (result < 0)
        unlink(part);
    return result;
}

int fb_export_all(const struct fb_run *run, const char *folder, struct fb_error *error)
{
    for (size_t i = 0; i < sizeof exports / sizeof *exports; i++) {
        int result = write_one(run, exports[i], folder);
        if (result < 0)
            return fb_error_set(error, result, "can't write %s into %.120s: %s", exports[i]->file,
                                folder, strerror(-result));
    }
    return 0;
}

void fb_export_value(const struct fb_interval *interval, double scale, int digits, char *text,
                     size_t size)
{
    if (isfinite(interval->value))
        snprintf(text, size, "%.*f", digits, interval->value * scale);
    else
        snprintf(text, size, "-");
}

void fb_export_bounds(const struct fb_interval *interval, double scale, int digits, char *text,
                      size_t size)
{
    if (isfinite(interval->low) && isfinite(interval->high))
        snprintf(text, size, "[%.*f, %.*f]", digits, interval->low * scale, digits,
                 interval->high * scale);
    else
        snprintf(text, size, "-");
}
