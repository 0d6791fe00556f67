/* Resamples by antialiased separable filters, in integers. */
#include "kernels/images/resample.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Weights as integers: 22 fractional bits leave room for 8-bit pixels, the sign and overshoot. */
#define FRACTION 22
#define PI 3.14159265358979323846

static double box(double x)
{
    return x > -0.5 && x <= 0.5 ? 1 : 0;
}

static double bilinear(double x)
{
    x = fabs(x);
    return x < 1 ? 1 - x : 0;
}

/* Keys' cubic convolution (IEEE Trans. ASSP 29, 1981) with a = -1/2. */
static double bicubic(double x)
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1)
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    if (x < 2)
        return (((x - 5) * x + 8) * x - 4) * a;
    return 0;
}

static double sinc(double x)
{
    return x == 0 ? 1 : sin(PI * x) / (PI * x);
}

static double lanczos3(double x)
{
    return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0;
}

static const struct {
    double (*weight)(double x);
    double support; /* zero beyond */
} filters[] = {
    [FB_BOX] = { box, 0.5 },
    [FB_BILINEAR] = { bilinear, 1 },
    [FB_BICUBIC] = { bicubic, 2 },
    [FB_LANCZOS3] = { lanczos3, 3 },
};

int fb_axis_init(struct fb_axis *axis, enum fb_filter filter, uint32_t from, double shown,
                 uint32_t to)
{
    double scale = shown / to;
    double stretch = scale > 1 ? scale : 1; /* shrinking: the filter is `scale` times as wide */
    double support = filters[filter].support * stretch;
    size_t longest = (size_t)ceil(support) * 2 + 1;
    axis->to = to;
    axis->longest = 0;
    axis->taps = malloc(to * sizeof *axis->taps);
    axis->weights = malloc(to * longest * sizeof *axis->weights);
    if (!axis->taps || !axis->weights) {
        fb_axis_clear(axis);
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < to; i++) {
        double centre = (i + 0.5) * scale, sum = 0;
        double low = centre - support + 0.5, high = centre + support + 0.5;
        uint32_t first = low > 0 ? (uint32_t)low : 0;
        uint32_t last = high < from ? (uint32_t)high : from;
        double *weight = axis->weights + i * longest;
        for (uint32_t k = first; k < last; k++) {
            double part = shown < k + 1
                              ? shown - k
                              : 1; /* the picture may fill only a part of the last pixel */
            weight[k - first] = part * filters[filter].weight((k - centre + 0.5) / stretch);
            sum += weight[k - first];
        }
        for (uint32_t k = first; k < last && sum != 0; k++)
            weight[k - first] /= sum;
        axis->taps[i] = (struct fb_taps){ first, last - first, weight };
        if (last - first > axis->longest)
            axis->longest = last - first;
    }
    return 0;
}

void fb_axis_clear(struct fb_axis *axis)
{
    free(axis->taps);
    free(axis->weights);
    *axis = (struct fb_axis){ 0 };
}

void fb_resampler_clear(struct fb_resampler *resampler)
{
    fb_image_clear(&resampler->middle);
    free(resampler->fixed);
    *resampler = (struct fb_resampler){ 0 };
}

/* The weights of an axis as integers, axis->longest for each pixel. */
static int make_fixed(struct fb_resampler *resampler, const struct fb_axis *axis)
{
    size_t count = (size_t)axis->to * axis->longest;
    if (count > resampler->room) {
        int32_t *fixed = realloc(resampler->fixed, count * sizeof *fixed);
        if (!fixed)
            return -ENOMEM;
        resampler->fixed = fixed;
        resampler->room = count;
    }
    for (uint32_t i = 0; i < axis->to; i++)
        for (uint32_t k = 0; k < axis->taps[i].count; k++)
            resampler->fixed[i * (size_t)axis->longest + k] =
                (int32_t)lround(axis->taps[i].weight[k] * (1 << FRACTION));
    return 0;
}

static uint8_t clip(int32_t sum)
{
    int32_t value = sum >> FRACTION;
    return value < 0 ? 0 : value > 255 ? 255 : (uint8_t)value;
}

static void row_grey(const uint8_t *from, uint8_t *to, const struct fb_axis *axis,
                     const int32_t *fixed)
{
    for (uint32_t x = 0; x < axis->to; x++, fixed += axis->longest) {
        const uint8_t *pixel = from + axis->taps[x].first;
        int32_t sum = 1 << (FRACTION - 1);
        for (uint32_t k = 0; k < axis->taps[x].count; k++)
            sum += pixel[k] * fixed[k];
        to[x] = clip(sum);
    }
}

static void row_rgb(const uint8_t *from, uint8_t *to, const struct fb_axis *axis,
                    const int32_t *fixed)
{
    for (uint32_t x = 0; x < axis->to; x++, fixed += axis->longest) {
        const uint8_t *pixel = from + 3 * (size_t)axis->taps[x].first;
        int32_t red = 1 << (FRACTION - 1), green = red, blue = red;
        for (uint32_t k = 0; k < axis->taps[x].count; k++) {
            red += pixel[3 * k] * fixed[k];
            green += pixel[3 * k + 1] * fixed[k];
            blue += pixel[3 * k + 2] * fixed[k];
        }
        to[3 * x] = clip(red);
        to[3 * x + 1] = clip(green);
        to[3 * x + 2] = clip(blue);
    }
}

static int resample_rows(const struct fb_image *from, const struct fb_axis *axis,
                         struct fb_resampler *resampler, struct fb_image *to,
                         struct fb_error *error)
{
    int result = fb_image_reserve(to, axis->to, from->height, from->channels, error);
    if (result < 0 || make_fixed(resampler, axis) < 0)
        return result < 0 ? result : fb_error_set(error, -ENOMEM, "out of memory");
    for (uint32_t y = 0; y < from->height; y++) {
        const uint8_t *source = from->pixels + (size_t)y * from->width * from->channels;
        uint8_t *target = to->pixels + (size_t)y * to->width * to->channels;
        if (from->channels == 1)
            row_grey(source, target, axis, resampler->fixed);
        else
            row_rgb(source, target, axis, resampler->fixed);
    }
    return 0;
}

/* One row at a time, so that memory is read in order. */
static int resample_columns(const struct fb_image *from, const struct fb_axis *axis,
                            struct fb_resampler *resampler, struct fb_image *to,
                            struct fb_error *error)
{
    size_t stride = (size_t)from->width * from->channels;
    int result = fb_image_reserve(to, from->width, axis->to, from->channels, error);
    if (result < 0)
        return result;
    int32_t *sum = malloc(stride * sizeof *sum);
    if (!sum || make_fixed(resampler, axis) < 0) {
        free(sum);
        return fb_error_set(error, -ENOMEM, "out of memory");
    }
    for (uint32_t y = 0; y < axis->to; y++) {
        const struct fb_taps *taps = &axis->taps[y];
        const int32_t *fixed = resampler->fixed + (size_t)y * axis->longest;
        for (size_t i = 0; i < stride; i++)
            sum[i] = 1 << (FRACTION - 1);
        for (uint32_t k = 0; k < taps->count; k++) {
            const uint8_t *row = from->pixels + (taps->first + k) * stride;
            for (size_t i = 0; i < stride; i++)
                sum[i] += row[i] * fixed[k];
        }
        for (size_t i = 0; i < stride; i++)
            to->pixels[y * stride + i] = clip(sum[i]);
    }
    free(sum);
    return 0;
}

int fb_image_resample(const struct fb_image *from, enum fb_filter filter, uint32_t width,
                      uint32_t height, struct fb_resampler *resampler, struct fb_image *ret_image,
                      struct fb_error *error)
{
    struct fb_axis horizontal = { 0 }, vertical = { 0 };
    int result = fb_axis_init(&horizontal, filter, from->width, from->shown_width, width);
    if (result == 0)
        result = fb_axis_init(&vertical, filter, from->height, from->shown_height, height);
    if (result < 0)
        fb_error_set(error, result, "out of memory");
    if (result == 0)
        result = resample_rows(from, &horizontal, resampler, &resampler->middle, error);
    if (result == 0)
        result = resample_columns(&resampler->middle, &vertical, resampler, ret_image, error);
    fb_axis_clear(&horizontal);
    fb_axis_clear(&vertical);
    return result;
}
