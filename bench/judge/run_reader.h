/* Reads a recorded run from its folder. */
#ifndef FB_RUN_READER_H
#define FB_RUN_READER_H

#include "base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* A cell of the run's own build that is no second label and no ceiling. Texts belong to the run. */
struct fb_recorded_cell {
    const char *kernel, *asked, *harness; /* asked: the parameters that were given */
    unsigned workers;
    json_t *parameters;      /* all of them, from exec; NULL if no trial succeeded */
    const char *digest;      /* of its results; NULL if no trial succeeded */
    const char *description; /* from the harness; "": none */
    double *run_ns;          /* [blocks] in the order of the blocks, without the warm-up */
    size_t blocks;
};

struct fb_recorded_run {
    json_t *root;
    const json_t *machine, *build;
    bool bind;
    struct fb_recorded_cell *cell;
    size_t count;
};

/* Reads folder/run.json. 0 (end with fb_recorded_run_clear), or a negative errno with *error:
 * -ENOENT there is none, -EBADMSG it is no run, -ENOTSUP it has another schema, or why it can't be
 * read. */
int fb_recorded_run_read(const char *folder, struct fb_recorded_run *ret_run,
                         struct fb_error *error);
void fb_recorded_run_clear(struct fb_recorded_run *run);

#endif
