/* A run that was measured before, read back from its folder. */
#ifndef FB_RECORD_H
#define FB_RECORD_H

#include "base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* A cell of this build that is no second label and no ceiling. Texts belong to the record. */
struct fb_record_cell {
    const char *kernel, *asked, *harness; /* asked: the parameters that were asked for */
    unsigned workers;
    json_t *parameters;      /* all of them, as exec said; NULL if no trial of it ended well */
    const char *digest;      /* of its results; NULL likewise */
    const char *description; /* in the harness' words; "" for none */
    double *run_ns;          /* [blocks] in the order of blocks, without the warm-up */
    size_t blocks;
};

struct fb_record {
    json_t *root;
    const json_t *machine, *build;
    bool bind;
    struct fb_record_cell *cell;
    size_t count;
};

/* Reads folder/run.json. 0, or a negative errno with *error: -ENOENT there is none, -EBADMSG it is
 * no run, -ENOTSUP one of another schema, or the reason why it can't be read. End with
 * fb_record_clear. */
int fb_record_read(const char *folder, struct fb_record *ret_record, struct fb_error *error);
void fb_record_clear(struct fb_record *record);

#endif
