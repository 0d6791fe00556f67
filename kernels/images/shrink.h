/* Resampling with vectors: like fb_image_resample, but in floating point and in another order. */
#ifndef FB_SHRINK_H
#define FB_SHRINK_H

#include "kernels/images/resample.h"
#include "kernels/simd.h"

/* Weights and buffers for resampling, reused from image to image. All zero is valid. */
struct fb_shrinker {
    struct fb_axis horizontal, vertical;
    double from_width, from_height; /* shown_width, shown_height that the axes are for */
    uint32_t width, height;
    enum fb_filter filter;
    float *across, *down; /* weights of the axes, axis->longest for each pixel */
    float *sums;          /* of the rows that are not complete yet */
    size_t sums_room;
};
void fb_shrinker_clear(struct fb_shrinker *shrinker);

/* Resamples `from` to width × height: first each column, then each row of that, without rounding in between. simd
 * comes from fb_simd_choose, so is not FB_SIMD_AUTO; all of them give the same bytes. 0, or -ENOMEM / -EFBIG with
 * *error. */
int fb_image_shrink(const struct fb_image *from, enum fb_filter filter, uint32_t width,
                    uint32_t height, enum fb_simd simd, struct fb_shrinker *shrinker,
                    struct fb_image *ret_image, struct fb_error *error);

#endif
