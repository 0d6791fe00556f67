/* The antialiased separable filters, in integers. */
#ifndef FB_RESAMPLE_H
#define FB_RESAMPLE_H

#include "kernels/images/image.h"

enum fb_filter { FB_BOX, FB_BILINEAR, FB_BICUBIC, FB_LANCZOS3 };

/* The weights of one output pixel along one axis, for `count` inputs from `first` on. */
struct fb_taps {
    uint32_t first, count;
    const double *weight; /* they add up to 1 */
};

/* All weights of one axis. */
struct fb_axis {
    uint32_t to, longest; /* longest: the largest count */
    struct fb_taps *taps; /* [to] */
    double *weights;
};
/* Computes the weights from `from` pixels, of which the picture fills `shown`, to `to` pixels. When an image
 * shrinks, the antialiased filter is widened so that it covers all inputs (Turkowski, Filters for Common
 * Resampling Tasks, 1990). The support is rounded to whole pixels as Pillow does. 0 or -ENOMEM. */
int fb_axis_init(struct fb_axis *axis, enum fb_filter filter, uint32_t from, double shown,
                 uint32_t to);
void fb_axis_clear(struct fb_axis *axis);

/* Buffers for resampling, reused from image to image. All zero is valid. */
struct fb_resampler {
    struct fb_image middle; /* the image after the horizontal pass */
    int32_t *fixed;         /* weights as integers */
    size_t room;
};
void fb_resampler_clear(struct fb_resampler *resampler);

/* Resamples `from` to width × height: first each row, to 8 bits, then each column, as Pillow does, so that
 * pixels differ from Pillow's by at most 1 of 255. 0, or -ENOMEM / -EFBIG with *error. */
int fb_image_resample(const struct fb_image *from, enum fb_filter filter, uint32_t width,
                      uint32_t height, struct fb_resampler *resampler, struct fb_image *ret_image,
                      struct fb_error *error);

#endif
