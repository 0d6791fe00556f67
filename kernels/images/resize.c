/* The kernel `resize`, and what it shares with `resize-fast`. */
#include "kernels/images/resize.h"

#include "kernels/images/image_decode.h"
#include "kernels/images/jpeg.h"
#include "kernels/images/sample.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GRID FB_RESIZE_GRID
/* Of 255: the results are rounded once more, in the 8-bit middle image and at the end. */
#define TOLERANCE 3

const char *const fb_filter_names[] = { "box", "bilinear", "bicubic", "lanczos3", NULL };

/* ---- input ---- */

int fb_resize_setup(const struct fb_params *given, struct fb_arena *arena,
                    struct fb_input **ret_input, struct fb_error *error)
{
    struct fb_input *input = fb_arena_alloc(arena, sizeof *input);
    if (!input)
        return fb_error_set(error, -ENOMEM, "out of shared memory");
    input->width = (uint32_t)fb_params_number(given, "width");
    input->height = (uint32_t)fb_params_number(given, "height");
    input->filter = (enum fb_filter)fb_params_number(given, "filter");
    input->quality = (int)fb_params_number(given, "quality");
    input->least_width = input->least_height = UINT32_MAX;
    input->vectors_most = 0;
    int result = fb_album_open(&input->album, arena, fb_params_text(given, "images"), error);
    uint64_t most = fb_params_number(given, "count");
    if (result == 0 && most && most < input->album.count)
        input->album.count = most;
    if (result == 0)
        result = fb_output_open(&input->output, fb_params_text(given, "out"), error);
    if (result == 0)
        *ret_input = input;
    return result;
}

int fb_resize_prepare(const struct fb_params *given, int *ret_fd, struct fb_error *error)
{
    *ret_fd = -1;
    return *fb_params_text(given, "images") ? 0 : fb_samples_make(ret_fd, error);
}

size_t fb_resize_items(const struct fb_input *input)
{
    return input->album.count;
}

/* ---- work ---- */

bool fb_resize_by_vectors(const struct fb_input *input, const struct fb_image *decoded)
{
    return input->height <= input->vectors_most * (uint64_t)decoded->height;
}

int fb_resize_worker_begin(const struct fb_input *input, void **ret_scratch)
{
    (void)input;
    *ret_scratch = calloc(1, sizeof(struct fb_resize_scratch));
    return *ret_scratch ? 0 : -ENOMEM;
}

void fb_resize_worker_end(void *pointer)
{
    struct fb_resize_scratch *scratch = pointer;
    fb_image_clear(&scratch->decoded);
    fb_image_clear(&scratch->small);
    fb_resampler_clear(&scratch->resampler);
    fb_shrinker_clear(&scratch->shrinker);
    free(scratch->file.data);
    free(scratch);
}

static int save(const struct fb_input *input, size_t index, const uint8_t *bytes, size_t size,
                struct fb_error *error)
{
    char name[PATH_MAX];
    snprintf(name, sizeof name, "processed_%s", input->album.items[index].name);
    int result = fb_output_save(&input->output, index, name, bytes, size);
    return result < 0 ? fb_error_set(error, result, "can't save: %s", strerror(-result)) : 0;
}

static size_t grid_at(uint32_t width, uint32_t height, int index)
{
    size_t x = (2 * (size_t)(index % GRID) + 1) * width / (2 * GRID);
    size_t y = (2 * (size_t)(index / GRID) + 1) * height / (2 * GRID);
    return y * width + x;
}

static void describe_pixels(const struct fb_image *image, struct fb_resize_result *result)
{
    size_t size = (size_t)image->width * image->height * image->channels;
    uint64_t digest = 0, word;
    for (size_t i = 0; i < size; i += sizeof word) {
        word = 0;
        memcpy(&word, image->pixels + i, size - i < sizeof word ? size - i : sizeof word);
        digest = fb_digest(digest, word);
    }
    result->pixels = digest;
    result->width = image->width;
    result->height = image->height;
    result->channels = image->channels;
    for (int i = 0; i < GRID * GRID; i++)
        memcpy(result->grid[i],
               image->pixels + grid_at(image->width, image->height, i) * image->channels,
               image->channels);
}

static int resize(const struct fb_input *input, size_t index, struct fb_resize_scratch *scratch,
                  fb_resize_way *way, struct fb_resize_result *result, struct fb_error *error)
{
    const uint8_t *bytes;
    uint8_t *encoded;
    size_t size, encoded_size;
    int code = fb_album_read(&input->album, index, &scratch->file, &bytes, &size, error);
    if (code == 0)
        code = way(input, bytes, size, scratch, &result->from_width, &result->from_height, error);
    if (code == 0)
        code = fb_jpeg_encode(&scratch->small, input->quality, &encoded, &encoded_size, error);
    if (code < 0)
        return code;
    if (input->output.folder[0])
        code = save(input, index, encoded, encoded_size, error);
    free(encoded);
    result->encoded_bytes = encoded_size;
    describe_pixels(&scratch->small, result);
    return code;
}

void fb_resize_run(const struct fb_input *input, void *scratch, size_t begin, size_t end,
                   void *results, struct fb_yield *yield, fb_resize_way *way)
{
    struct fb_resize_result *slot = results;
    for (size_t item = begin; item < end; item++) {
        struct fb_error error = { 0 };
        if (fb_safepoint(yield))
            return;
        /* Pillow does all of this without the GIL. */
        fb_release(yield, FB_RELEASE_COMPUTING);
        struct fb_resize_result result = { 0 };
        result.status = resize(input, item, scratch, way, &result, &error);
        if (result.status < 0) {
            result = (struct fb_resize_result){ .status = result.status };
            snprintf(result.reason, sizeof result.reason, "%.95s", error.text);
        }
        slot[item] = result;
        fb_acquire(yield, FB_RELEASE_COMPUTING);
    }
}

/* ---- results ---- */

static double clamp(double value)
{
    return value < 0 ? 0 : value > 255 ? 255 : value;
}

/* One channel of an output pixel from the definition, in floating point. limited: clamps to the range of a byte
 * between the passes too. */
static double expected(const struct fb_image *image, const struct fb_taps *across,
                       const struct fb_taps *down, uint32_t channel, bool limited)
{
    double sum = 0;
    for (uint32_t j = 0; j < down->count; j++) {
        const uint8_t *row =
            image->pixels + (size_t)(down->first + j) * image->width * image->channels;
        double line = 0;
        for (uint32_t i = 0; i < across->count; i++)
            line += across->weight[i] * row[(across->first + i) * image->channels + channel];
        sum += down->weight[j] * (limited ? clamp(line) : line);
    }
    return clamp(sum);
}

/* 0, -EBADMSG, or -ENOMEM. */
static int compare_grid(const struct fb_input *input, const struct fb_image *image,
                        const struct fb_resize_result *result, struct fb_error *error)
{
    struct fb_axis across, down = { 0 };
    bool ready =
        fb_axis_init(&across, input->filter, image->width, image->shown_width, input->width) == 0 &&
        fb_axis_init(&down, input->filter, image->height, image->shown_height, input->height) == 0;
    /* fb_image_resample has a middle image of bytes, fb_image_shrink one of floats. */
    bool good = true, limited = !fb_resize_by_vectors(input, image);
    for (int i = 0; i < GRID * GRID && ready; i++) {
        size_t at = grid_at(input->width, input->height, i);
        for (uint32_t channel = 0; channel < image->channels && good; channel++)
            good = fabs(expected(image, &across.taps[at % input->width],
                                 &down.taps[at / input->width], channel, limited) -
                        result->grid[i][channel]) <= TOLERANCE;
    }
    fb_axis_clear(&across);
    fb_axis_clear(&down);
    if (!ready)
        return fb_error_set(error, -ENOMEM, "out of memory");
    return good ? 0 : fb_error_set(error, -EBADMSG, "wrong pixels");
}

static int check_item(const struct fb_input *input, size_t index,
                      const struct fb_resize_result *result, struct fb_resize_scratch *scratch,
                      struct fb_error *error)
{
    const uint8_t *bytes;
    size_t size;
    uint32_t width, height;
    const struct fb_image *image = &scratch->decoded;
    int code = fb_album_read(&input->album, index, &scratch->file, &bytes, &size, error);
    if (code == 0)
        code = fb_image_decode_least(bytes, size, input->least_width, input->least_height,
                                     &scratch->decoded, &width, &height, error);
    if (code < 0)
        return code;
    if (result->from_width != width || result->from_height != height ||
        result->channels != image->channels || result->width != input->width ||
        result->height != input->height || result->encoded_bytes == 0)
        return fb_error_set(error, -EBADMSG, "wrong size");
    return compare_grid(input, image, result, error);
}

int fb_resize_check(const struct fb_input *input, const void *results, struct fb_error *error)
{
    const struct fb_resize_result *slot = results;
    struct fb_resize_scratch *scratch = calloc(1, sizeof *scratch);
    if (!scratch)
        return fb_error_set(error, -ENOMEM, "no memory to check the results");
    struct fb_error why;
    int code = 0;
    for (size_t i = 0; i < input->album.count && code == 0; i++) {
        if (slot[i].status == 0)
            code = check_item(input, i, &slot[i], scratch, &why);
        if (code < 0 && code != -ENOMEM)
            code = -EBADMSG; /* the kernel could read it */
        if (code < 0)
            fb_error_set(error, code, "%s: %.100s: %.100s",
                         code == -ENOMEM ? "can't check the results" : "wrong result",
                         input->album.items[i].name, why.text);
    }
    fb_resize_worker_end(scratch);
    return code;
}

uint64_t fb_resize_digest(const struct fb_input *input, const void *results)
{
    const struct fb_resize_result *slot = results;
    uint64_t value = fb_digest(0, input->album.count);
    for (size_t i = 0; i < input->album.count; i++) {
        value = fb_digest(value, (uint64_t)(int64_t)slot[i].status);
        value = fb_digest(value, (uint64_t)slot[i].width << 32 | slot[i].height);
        value = fb_digest(value, slot[i].encoded_bytes);
        value = fb_digest(value, slot[i].pixels);
    }
    return value;
}

void fb_resize_answer(const struct fb_input *input, const void *results, char *text, size_t size)
{
    const struct fb_resize_result *slot = results;
    size_t good = 0;
    for (size_t i = 0; i < input->album.count; i++)
        good += slot[i].status == 0;
    int used = snprintf(text, size, "%zu images to %ux%u", good, input->width, input->height);
    if (good < input->album.count && used > 0 && (size_t)used < size)
        snprintf(text + used, size - (size_t)used, ", %zu broken", input->album.count - good);
}

void fb_resize_describe(const struct fb_input *input, const void *results, size_t item, char *text,
                        size_t size)
{
    const struct fb_resize_result *slot = results;
    snprintf(text, size, "%s: %s", input->album.items[item].name, slot[item].reason);
}

/* ---- the kernel of the tutorials ---- */

static int decode_and_resample(const struct fb_input *input, const uint8_t *bytes, size_t size,
                               struct fb_resize_scratch *scratch, uint32_t *ret_width,
                               uint32_t *ret_height, struct fb_error *error)
{
    int result = fb_image_decode(bytes, size, &scratch->decoded, error);
    if (result < 0)
        return result;
    *ret_width = scratch->decoded.width;
    *ret_height = scratch->decoded.height;
    return fb_image_resample(&scratch->decoded, input->filter, input->width, input->height,
                             &scratch->resampler, &scratch->small, error);
}

static void run(const struct fb_input *input, void *scratch, size_t begin, size_t end,
                void *results, struct fb_yield *yield)
{
    fb_resize_run(input, scratch, begin, end, results, yield, decode_and_resample);
}

static const struct fb_param params[] = { FB_RESIZE_PARAMS, { 0 } };

const struct fb_kernel fb_kernel_resize = {
    .name = "resize",
    .summary = "decodes, resamples and encodes images, one an item",
    .params = params,
    .setup = fb_resize_setup,
    .run = run,
    FB_RESIZE_KERNEL,
};
