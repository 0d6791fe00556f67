/* What the kernels that resize images have in common: everything but decoding and resampling. */
#ifndef FB_RESIZE_H
#define FB_RESIZE_H

#include "kernels/images/album.h"
#include "kernels/images/resample.h"
#include "kernels/images/shrink.h"
#include "kernels/kernel.h"
#include "kernels/output.h"

struct fb_input {
    struct fb_album album;
    struct fb_output output;
    uint32_t width, height;
    enum fb_filter filter;
    int quality;
    enum fb_simd simd;                  /* of resize-fast */
    uint32_t least_width, least_height; /* JPEGs are decoded at least that large, or in full size */
    /* Vectors are used if the result is at most vectors_most times as high as the decoded image. */
    uint32_t vectors_most;
};

/* The buffers of a worker; each kernel uses some of them. */
struct fb_resize_scratch {
    struct fb_image decoded, small; /* small: the result */
    struct fb_resampler resampler;
    struct fb_shrinker shrinker;
    struct fb_bytes file;
};

/* Decodes the bytes of a file and resamples the image to scratch->small, of input->width × input->height.
 * *ret_width, *ret_height: the size of the original. 0, or a negative errno with *error. */
typedef int fb_resize_way(const struct fb_input *input, const uint8_t *bytes, size_t size,
                          struct fb_resize_scratch *scratch, uint32_t *ret_width,
                          uint32_t *ret_height, struct fb_error *error);

#define FB_RESIZE_PARAMS                                                                             \
    { "images",                                                                                      \
      FB_PARAM_TEXT,                                                                                 \
      "",                                                                                            \
      0,                                                                                             \
      0,                                                                                             \
      NULL,                                                                                          \
      "a folder of images; without it forkbench generates 64 sample photographs" },                  \
        { "width", FB_PARAM_NUMBER, "128", 1, FB_RESIZE_SIDE_MOST, NULL, "pixels" },                 \
        { "height", FB_PARAM_NUMBER, "128", 1, FB_RESIZE_SIDE_MOST, NULL, "pixels" },                \
        { "filter", FB_PARAM_CHOICE, "bicubic", 0, 0, fb_filter_names, "antialiased resampling" },   \
        { "quality", FB_PARAM_NUMBER, "75", 1, 100, NULL, "quality of the JPEGs that are written" }, \
        { "count",                                                                                   \
          FB_PARAM_NUMBER,                                                                           \
          "0",                                                                                       \
          0,                                                                                         \
          1 << 24,                                                                                   \
          NULL,                                                                                      \
          "number of images, the first ones; 0: all" },                                              \
    {                                                                                                \
        "out", FB_PARAM_TEXT, "", 0, 0, NULL,                                                        \
            "a folder to save processed_<name> into; without it nothing is saved"                    \
    }
#define FB_RESIZE_SIDE_MOST 16384
extern const char *const fb_filter_names[];

/* The members of a kernel that has these parameters. */
#define FB_RESIZE_KERNEL                                                                           \
    .bound = FB_BOUND_CPU, .inexact = true, .result_size = sizeof(struct fb_resize_result),        \
    .prepared_param = "images", .prepare = fb_resize_prepare, .items = fb_resize_items,            \
    .worker_begin = fb_resize_worker_begin, .worker_end = fb_resize_worker_end,                    \
    .check = fb_resize_check, .digest = fb_resize_digest, .answer = fb_resize_answer,              \
    .describe = fb_resize_describe

#define FB_RESIZE_GRID 4 /* check compares FB_RESIZE_GRID × FB_RESIZE_GRID pixels of each result */

struct fb_resize_result {
    int32_t status;
    uint32_t from_width, from_height, width, height, channels;
    uint64_t encoded_bytes;
    uint64_t pixels; /* digest of the resampled pixels, before encoding */
    uint8_t grid[FB_RESIZE_GRID * FB_RESIZE_GRID][3];
    char reason[96]; /* why status is not 0 */
};

int fb_resize_prepare(const struct fb_params *given, int *ret_fd, struct fb_error *error);
int fb_resize_setup(const struct fb_params *given, struct fb_arena *arena,
                    struct fb_input **ret_input, struct fb_error *error);
size_t fb_resize_items(const struct fb_input *input);
int fb_resize_worker_begin(const struct fb_input *input, void **ret_scratch);
void fb_resize_worker_end(void *scratch);

/* Whether the image is resampled by fb_image_shrink, not by fb_image_resample. */
bool fb_resize_by_vectors(const struct fb_input *input, const struct fb_image *decoded);

/* The run of a kernel that decodes and resamples this way. */
void fb_resize_run(const struct fb_input *input, void *scratch, size_t begin, size_t end,
                   void *results, struct fb_yield *yield, fb_resize_way *way);

/* Computes some pixels of each result from the definition of the filter, applied to the image as the kernel decodes
 * it. Whether that is decoded correctly is left to the tests of decoding. */
int fb_resize_check(const struct fb_input *input, const void *results, struct fb_error *error);
uint64_t fb_resize_digest(const struct fb_input *input, const void *results);
void fb_resize_answer(const struct fb_input *input, const void *results, char *text, size_t size);
void fb_resize_describe(const struct fb_input *input, const void *results, size_t item, char *text,
                        size_t size);

#endif
