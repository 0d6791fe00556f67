/* A run that was measured before, read back from its folder. */
#ifndef FB_RUN_READER_H
#define FB_RUN_READER_H

#include "base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* A cell of this build that is no second label and no ceiling. Texts belong to the record. */
struct fb_recorded_cell {
    const char *kernel, *asked, *harness; /* asked: the parameters that were asked for */
    unsigned workers;
    json_t *parameters;      /* all of them, as exec said; NULL if no trial of it ended well */
    const char *digest;      /* of its results; NULL likewise */
    const char *description; /* in the harness' words; "" for none */
    double *run_ns;          /* [blocks] in the order of blocks, without the warm-up */
    size_t blocks;
};

struct fb_recorded_run {
    json_t *root;
    const json_t *machine, *build;
    bool bind;
    struct fb_recorded_cell *cell;
    size_t count;
};

/* Reads folder/run.json. 0, or a negative errno with *error: -ENOENT there is none, -EBADMSG it is
 * no run, -ENOTSUP one of another schema, or the reason why it can't be read. End with
 * fb_recorded_run_clear. */
int fb_run_reader_read(const char *folder, struct fb_recorded_run *ret_record,
                       struct fb_error *error);
void fb_recorded_run_clear(struct fb_recorded_run *record);

#endif
