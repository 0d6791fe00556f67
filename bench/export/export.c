#include "bench/export/export.h"

#include "bench/format/result_dir.h"

static const struct fb_export *const exports[] = {
    &fb_export_json,        &fb_export_samples_csv,
    &fb_export_summary_csv, &fb_export_comparisons_csv,
    &fb_export_scaling_csv, &fb_export_why_csv,
    &fb_export_markdown,
};

struct written {
    const struct fb_export *export;
    const struct fb_run *run;
};

static int write_one(const void *context, FILE *to)
{
    const struct written *written = context;
    return written->export->write(written->run, to);
}

int fb_export_all(const struct fb_run *run, const char *folder, struct fb_error *error)
{
    int result = 0;
    for (size_t i = 0; i < sizeof exports / sizeof *exports && result == 0; i++) {
        struct written written = { exports[i], run };
        result = fb_result_dir_write(folder, exports[i]->file, write_one, &written, error);
    }
    return result;
}
