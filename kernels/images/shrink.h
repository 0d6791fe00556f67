/* Resampling by vectors: what fb_image_resample does, in floating point and in another order. */
#ifndef FB_SHRINK_H
#define FB_SHRINK_H

#include "kernels/images/resample.h"
#include "kernels/simd.h"

/* What it needs beside its images; kept from image to image. All zero is valid. */
struct fb_shrinker {
    struct fb_axis horizontal, vertical;
    double from_width, from_height; /* that the axes are for: shown */
    uint32_t width, height;
    enum fb_filter filter;
    float *across, *down; /* their weights, axis->longest each */
    float *sums;          /* rows that are not complete yet */
    size_t sums_room;
};
void fb_shrinker_clear(struct fb_shrinker *shrinker);

/* Resamples `from` to width × height: first each column, then each row of what comes out, without rounding in
 * between. Gives the same bytes with every simd, which is one that is here, not FB_SIMD_AUTO. 0, or -ENOMEM
 * / -EFBIG with *error. */
int fb_image_shrink(const struct fb_image *from, enum fb_filter filter, uint32_t width,
                    uint32_t height, enum fb_simd simd, struct fb_shrinker *shrinker,
                    struct fb_image *ret_image, struct fb_error *error);

#endif
