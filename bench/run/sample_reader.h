/* A sample from the JSON that `forkbench exec` printed. */
#ifndef FB_SAMPLE_READER_H
#define FB_SAMPLE_READER_H

#include "bench/run/measure.h"

/* Fills sample and outcome from raw, what exec printed for a trial of this cell. sample->raw owns
 * raw from then on. */
void fb_sample_read(json_t *raw, const struct fb_cell *cell, struct fb_sample *sample,
                    struct fb_outcome *outcome);

#endif
