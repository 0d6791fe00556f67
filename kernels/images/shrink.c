/* Resamples columns first: rows are contiguous in memory, so a vector takes as many columns as it has lanes and no
 * lanes have to be shuffled; and the pass over rows then has only the rows of the result to do.
 *
 * The code is written once and compiled for each kind of CPU, with vectors of its width. The build forbids fused
 * multiply-add, so all of them give the same bytes. */
#include "kernels/images/shrink.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "load_portable makes integers of bytes with the lowest first"
#endif

#define LANES 16
#define ROWS 8    /* of the source, added at a time */
#define TARGETS 4 /* rows of the result, to which they are added at a time */

typedef float pixel __attribute__((vector_size(16), aligned(4), may_alias));

#define INLINE static inline __attribute__((always_inline))

/* ---- the two passes ---- */

/* Rows of the source, and the weight with which each is added to each sum. */
struct strip {
    const uint8_t *source;
    size_t stride, rows, values; /* values: per row; sums have the next multiple of LANES */
    float weight[ROWS][TARGETS];
    float *sum[TARGETS];
};

INLINE uint8_t round_to_byte(float value)
{
    return value < 0 ? 0 : value >= 255 ? 255 : (uint8_t)(value + 0.5f);
}

/* One row of RGB. Four accumulators, because in the latency of one addition four can begin. The fourth lane is
 * not used. */
INLINE void finish_rgb(const float *sum, const struct fb_axis *axis, const float *weights,
                       uint8_t *to)
{
    for (uint32_t x = 0; x < axis->to; x++, weights += axis->longest, to += 3) {
        const float *from = sum + 3 * (size_t)axis->taps[x].first;
        pixel part[4] = { { 0 } };
        uint32_t k = 0, count = axis->taps[x].count;
        for (; k + 4 <= count; k += 4)
            for (uint32_t i = 0; i < 4; i++)
                part[i] += *(const pixel *)(from + 3 * (k + i)) * weights[k + i];
        for (; k < count; k++)
            part[0] += *(const pixel *)(from + 3 * k) * weights[k];
        part[0] = (part[0] + part[1]) + (part[2] + part[3]);
        for (int i = 0; i < 3; i++)
            to[i] = round_to_byte(part[0][i]);
    }
}

/* One row of grey pixels, four taps at once. */
INLINE void finish_grey(const float *sum, const struct fb_axis *axis, const float *weights,
                        uint8_t *to)
{
    for (uint32_t x = 0; x < axis->to; x++, weights += axis->longest) {
        const float *from = sum + axis->taps[x].first;
        pixel part = { 0 };
        uint32_t k = 0, count = axis->taps[x].count;
        for (; k + 4 <= count; k += 4)
            part += *(const pixel *)(from + k) * *(const pixel *)(weights + k);
        for (; k < count; k++)
            part[0] += from[k] * weights[k];
        to[x] = round_to_byte((part[0] + part[1]) + (part[2] + part[3]));
    }
}

/* ---- for each kind of CPU: loads LANES bytes as floats ---- */

typedef uint8_t bytes __attribute__((vector_size(16), aligned(1), may_alias));
typedef uint16_t words __attribute__((vector_size(16)));
typedef int32_t integers __attribute__((vector_size(16)));

/* Inserts zero bytes after each byte, then zero words: SSE2 has unpack instructions for that, NEON zip. */
INLINE void load_portable(const uint8_t *from, pixel *ret_parts)
{
    const bytes all = *(const bytes *)from, zero = { 0 };
    const words none = { 0 };
    const words low = (words)__builtin_shufflevector(all, zero, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20,
                                                     5, 21, 6, 22, 7, 23);
    const words high = (words)__builtin_shufflevector(all, zero, 8, 24, 9, 25, 10, 26, 11, 27, 12,
                                                      28, 13, 29, 14, 30, 15, 31);
    const integers part[4] = {
        (integers)__builtin_shufflevector(low, none, 0, 8, 1, 9, 2, 10, 3, 11),
        (integers)__builtin_shufflevector(low, none, 4, 12, 5, 13, 6, 14, 7, 15),
        (integers)__builtin_shufflevector(high, none, 0, 8, 1, 9, 2, 10, 3, 11),
        (integers)__builtin_shufflevector(high, none, 4, 12, 5, 13, 6, 14, 7, 15),
    };
    for (int i = 0; i < 4; i++)
        ret_parts[i] = __builtin_convertvector(part[i], pixel);
}

#if defined __x86_64__
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
typedef float eight __attribute__((vector_size(32), aligned(4), may_alias));
typedef float sixteen __attribute__((vector_size(64), aligned(4), may_alias));

AVX2 INLINE void load_avx2(const uint8_t *from, eight *ret_parts)
{
    for (int i = 0; i < 2; i++)
        ret_parts[i] = (eight)_mm256_cvtepi32_ps(
            _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(from + 8 * i))));
}

AVX512 INLINE void load_avx512(const uint8_t *from, sixteen *ret_parts)
{
    *ret_parts =
        (sixteen)_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)from)));
}
#endif

struct passes {
    void (*add)(const struct strip *strip, int targets);
    void (*finish)(const float *sum, const struct fb_axis *axis, const float *weights,
                   uint32_t channels, uint8_t *to);
};

/* The bytes after the last value of a row belong to the next row or to the slack of the image; their sums are not
 * used. */
#define PASSES(name, attribute, part, PARTS)                                                       \
    attribute INLINE void strip_##name(const struct strip *strip, int targets)                     \
    {                                                                                              \
        for (size_t i = 0; i < strip->values; i += LANES) {                                        \
            const uint8_t *source = strip->source + i;                                             \
            part sum[TARGETS][PARTS], value[PARTS];                                                \
            for (int t = 0; t < targets; t++)                                                      \
                for (int k = 0; k < PARTS; k++)                                                    \
                    sum[t][k] = ((const part *)(strip->sum[t] + i))[k];                            \
            for (size_t row = 0; row < strip->rows; row++, source += strip->stride) {              \
                load_##name(source, value);                                                        \
                for (int t = 0; t < targets; t++)                                                  \
                    for (int k = 0; k < PARTS; k++)                                                \
                        sum[t][k] += value[k] * strip->weight[row][t];                             \
            }                                                                                      \
            for (int t = 0; t < targets; t++)                                                      \
                for (int k = 0; k < PARTS; k++)                                                    \
                    ((part *)(strip->sum[t] + i))[k] = sum[t][k];                                  \
        }                                                                                          \
    }                                                                                              \
    attribute static void add_##name(const struct strip *strip, int targets)                       \
    {                                                                                              \
        switch (targets) {                                                                         \
        case 1:                                                                                    \
            strip_##name(strip, 1);                                                                \
            break;                                                                                 \
        case 2:                                                                                    \
            strip_##name(strip, 2);                                                                \
            break;                                                                                 \
        case 3:                                                                                    \
            strip_##name(strip, 3);                                                                \
            break;                                                                                 \
        default:                                                                                   \
            strip_##name(strip, TARGETS);                                                          \
        }                                                                                          \
    }                                                                                              \
    attribute static void finish_##name(const float *sum, const struct fb_axis *axis,              \
                                        const float *weights, uint32_t channels, uint8_t *to)      \
    {                                                                                              \
        if (channels == 1)                                                                         \
            finish_grey(sum, axis, weights, to);                                                   \
        else                                                                                       \
            finish_rgb(sum, axis, weights, to);                                                    \
    }

PASSES(portable, , pixel, 4)
#if defined __x86_64__
PASSES(avx2, AVX2, eight, 2)
PASSES(avx512, AVX512, sixteen, 1)
#endif

static const struct passes all_passes[FB_SIMDS] = {
    [FB_SIMD_PORTABLE] = { add_portable, finish_portable },
#if defined __x86_64__
    [FB_SIMD_AVX2] = { add_avx2, finish_avx2 },
    [FB_SIMD_AVX512] = { add_avx512, finish_avx512 },
#elif defined __aarch64__
    [FB_SIMD_NEON] = { add_portable, finish_portable }, /* which the compiler translates to NEON */
#endif
};

/* ---- weights ---- */

void fb_shrinker_clear(struct fb_shrinker *shrinker)
{
    fb_axis_clear(&shrinker->horizontal);
    fb_axis_clear(&shrinker->vertical);
    free(shrinker->across);
    free(shrinker->down);
    free(shrinker->sums);
    *shrinker = (struct fb_shrinker){ 0 };
}

/* The weights of an axis as floats, axis->longest for each pixel; NULL if out of memory. */
static float *make_weights(const struct fb_axis *axis)
{
    float *weights = calloc((size_t)axis->to * axis->longest + 1, sizeof *weights);
    for (uint32_t i = 0; weights && i < axis->to; i++)
        for (uint32_t k = 0; k < axis->taps[i].count; k++)
            weights[(size_t)i * axis->longest + k] = (float)axis->taps[i].weight[k];
    return weights;
}

/* Computes the weights, unless they are those of the image before: photographs of one camera have the same size. */
static int prepare(struct fb_shrinker *shrinker, const struct fb_image *from, enum fb_filter filter,
                   uint32_t width, uint32_t height)
{
    if (shrinker->down && shrinker->filter == filter && shrinker->from_width == from->shown_width &&
        shrinker->from_height == from->shown_height && shrinker->width == width &&
        shrinker->height == height)
        return 0;
    fb_shrinker_clear(shrinker);
    int result = fb_axis_init(&shrinker->horizontal, filter, from->width, from->shown_width, width);
    if (result == 0)
        result =
            fb_axis_init(&shrinker->vertical, filter, from->height, from->shown_height, height);
    if (result == 0) {
        shrinker->across = make_weights(&shrinker->horizontal);
        shrinker->down = make_weights(&shrinker->vertical);
        result = shrinker->across && shrinker->down ? 0 : -ENOMEM;
    }
    if (result < 0) {
        fb_shrinker_clear(shrinker);
        return result;
    }
    shrinker->from_width = from->shown_width;
    shrinker->from_height = from->shown_height;
    shrinker->width = width;
    shrinker->height = height;
    shrinker->filter = filter;
    return 0;
}

static bool begins_before(const struct fb_taps *taps, uint32_t row)
{
    return taps->first < row;
}

/* The largest number of rows of the result that are begun and not complete at the same time. */
static uint32_t most_open(const struct fb_axis *axis, uint32_t from)
{
    uint32_t most = 0, complete = 0, begun = 0;
    for (uint32_t row = 0; row < from; row += ROWS) {
        while (begun < axis->to && begins_before(&axis->taps[begun], row + ROWS))
            begun++;
        most = begun - complete > most ? begun - complete : most;
        while (complete < begun &&
               axis->taps[complete].first + axis->taps[complete].count <= row + ROWS)
            complete++;
    }
    return most;
}

/* ---- resampling ---- */

struct work {
    const struct fb_image *from;
    struct fb_image *to;
    struct fb_shrinker *shrinker;
    const struct passes *passes;
    size_t values, stride; /* floats: of a row of the source, and of a row of sums */
    uint32_t open;         /* rows of sums, used cyclically */
};

static float *sums_of(const struct work *work, uint32_t y)
{
    return work->shrinker->sums + (size_t)(y % work->open) * work->stride;
}

/* Adds these rows of the source to the rows of the result from `complete` to `begun`. */
static void add_rows(const struct work *work, uint32_t first, uint32_t rows, uint32_t complete,
                     uint32_t begun)
{
    const struct fb_axis *axis = &work->shrinker->vertical;
    struct strip strip = { .source = work->from->pixels + first * work->values,
                           .stride = work->values,
                           .rows = rows,
                           .values = work->values };
    for (uint32_t y = complete; y < begun; y += TARGETS) {
        uint32_t targets = begun - y < TARGETS ? begun - y : TARGETS;
        for (uint32_t t = 0; t < targets; t++) {
            const struct fb_taps *taps = &axis->taps[y + t];
            const float *weights = work->shrinker->down + (size_t)(y + t) * axis->longest;
            strip.sum[t] = sums_of(work, y + t);
            for (uint32_t row = 0; row < rows; row++) {
                /* Before the first tap it wraps to a huge number. */
                uint32_t tap = first + row - taps->first;
                strip.weight[row][t] = tap < taps->count ? weights[tap] : 0;
            }
        }
        work->passes->add(&strip, (int)targets);
    }
}

static void finish_row(const struct work *work, uint32_t y)
{
    struct fb_image *to = work->to;
    float *sums = sums_of(work, y);
    work->passes->finish(sums, &work->shrinker->horizontal, work->shrinker->across, to->channels,
                         to->pixels + (size_t)y * to->width * to->channels);
    memset(sums, 0, work->stride * sizeof *sums);
}

static void run(const struct work *work)
{
    const struct fb_axis *axis = &work->shrinker->vertical;
    uint32_t complete = 0, begun = 0, height = work->from->height;
    for (uint32_t first = 0; first < height; first += ROWS) {
        uint32_t rows = height - first < ROWS ? height - first : ROWS;
        while (begun < axis->to && begins_before(&axis->taps[begun], first + rows))
            begun++;
        add_rows(work, first, rows, complete, begun);
        for (; complete < begun &&
               axis->taps[complete].first + axis->taps[complete].count <= first + rows;
             complete++)
            finish_row(work, complete);
    }
}

int fb_image_shrink(const struct fb_image *from, enum fb_filter filter, uint32_t width,
                    uint32_t height, enum fb_simd simd, struct fb_shrinker *shrinker,
                    struct fb_image *ret_image, struct fb_error *error)
{
    int result = fb_image_reserve(ret_image, width, height, from->channels, error);
    if (result < 0)
        return result;
    if (prepare(shrinker, from, filter, width, height) < 0)
        return fb_error_set(error, -ENOMEM, "out of memory");
    struct work work = {
        .from = from, .to = ret_image, .shrinker = shrinker, .passes = &all_passes[simd]
    };
    work.values = (size_t)from->width * from->channels;
    /* A vector that begins at the last value of a row must still fit. */
    work.stride = (work.values + 2 * LANES) / LANES * LANES;
    work.open = most_open(&shrinker->vertical, from->height);
    size_t wanted = work.stride * work.open;
    if (wanted > shrinker->sums_room) {
        free(shrinker->sums);
        shrinker->sums = malloc(wanted * sizeof *shrinker->sums);
        shrinker->sums_room = shrinker->sums ? wanted : 0;
        if (!shrinker->sums)
            return fb_error_set(error, -ENOMEM, "out of memory");
    }
    memset(shrinker->sums, 0, wanted * sizeof *shrinker->sums);
    run(&work);
    return 0;
}
