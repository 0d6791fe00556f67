/* Resizes images as an expert would: decodes a JPEG no larger than the result needs, by leaving out high
 * frequencies before the inverse transform, and resamples that with vectors. */
#include "kernels/images/resize.h"

#include "kernels/images/image_decode.h"

/* The decoded image is at least so many times as large as the result, or in full size, so that no frequencies
 * are lost that the filter would keep. */
#define OVERSAMPLING 2
/* fb_image_shrink adds many rows at a time, which is of no use when an image is enlarged a lot. */
#define VECTORS_MOST 4

static const struct fb_param params[] = {
    FB_RESIZE_PARAMS,
    { "simd", FB_PARAM_CHOICE, "auto", 0, 0, fb_simd_names, "the vector instructions" },
    { 0 },
};

static int setup(const struct fb_params *given, struct fb_arena *arena, struct fb_input **ret_input,
                 struct fb_error *error)
{
    enum fb_simd simd;
    int result = fb_simd_choose((enum fb_simd)fb_params_number(given, "simd"), &simd, error);
    if (result == 0)
        result = fb_resize_setup(given, arena, ret_input, error);
    if (result < 0)
        return result;
    (*ret_input)->simd = simd;
    (*ret_input)->least_width = OVERSAMPLING * (*ret_input)->width;
    (*ret_input)->least_height = OVERSAMPLING * (*ret_input)->height;
    (*ret_input)->vectors_most = VECTORS_MOST;
    return 0;
}

static int decode_and_shrink(const struct fb_input *input, const uint8_t *bytes, size_t size,
                             struct fb_resize_scratch *scratch, uint32_t *ret_width,
                             uint32_t *ret_height, struct fb_error *error)
{
    int result = fb_image_decode_least(bytes, size, input->least_width, input->least_height,
                                       &scratch->decoded, ret_width, ret_height, error);
    if (result < 0)
        return result;
    if (!fb_resize_by_vectors(input, &scratch->decoded))
        return fb_image_resample(&scratch->decoded, input->filter, input->width, input->height,
                                 &scratch->resampler, &scratch->small, error);
    return fb_image_shrink(&scratch->decoded, input->filter, input->width, input->height,
                           input->simd, &scratch->shrinker, &scratch->small, error);
}

static void run(const struct fb_input *input, void *scratch, size_t begin, size_t end,
                void *results, struct fb_yield *yield)
{
    fb_resize_run(input, scratch, begin, end, results, yield, decode_and_shrink);
}

const struct fb_kernel fb_kernel_resize_fast = {
    .name = "resize-fast",
    .summary = "resizes images by scaled decoding and vectors",
    .params = params,
    .setup = setup,
    .run = run,
    FB_RESIZE_KERNEL,
};
