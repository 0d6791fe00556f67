/* The antialiased separable filters, in integers. */
#ifndef FB_RESAMPLE_H
#define FB_RESAMPLE_H

#include "kernels/images/image.h"

enum fb_filter { FB_BOX, FB_BILINEAR, FB_BICUBIC, FB_LANCZOS3 };

/* The weights of one output pixel along one axis: count inputs from first on. */
struct fb_taps {
    uint32_t first, count;
    const double *weight; /* they add up to 1 */
};

/* All weights of one axis, from `from` pixels, of which the picture takes `shown`, to `to`: an antialiased filter is as wide as it takes
 * to reach all inputs when it shrinks an image (Turkowski, Filters for Common Resampling Tasks,
 * 1990). The support is rounded to whole pixels as Pillow does. */
struct fb_axis {
    uint32_t to, longest; /* longest: the largest count */
    struct fb_taps *taps; /* [to] */
    double *weights;
};
int fb_axis_init(struct fb_axis *axis, enum fb_filter filter, uint32_t from, double shown,
                 uint32_t to);
void fb_axis_clear(struct fb_axis *axis);

/* What resampling needs beside its images; kept from image to image. All zero is valid. */
struct fb_resampler {
    struct fb_image middle; /* resampled horizontally only */
    int32_t *fixed;         /* weights as integers */
    size_t room;
};
void fb_resampler_clear(struct fb_resampler *resampler);

/* Resamples `from` to width × height: first each row, to 8 bits, then each column, as Pillow does,
 * so that results agree with its own within 1 in 255. 0, or -ENOMEM / -EFBIG with *error. */
int fb_image_resample(const struct fb_image *from, enum fb_filter filter, uint32_t width,
                      uint32_t height, struct fb_resampler *resampler, struct fb_image *ret_image,
                      struct fb_error *error);

#endif
