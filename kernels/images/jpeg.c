/* Decodes and encodes JPEG images. */
#include "kernels/images/jpeg.h"

#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>
#include <jerror.h>

/* libjpeg reports errors by longjmp; this holds everything that is needed afterwards. */
struct failure {
    struct jpeg_error_mgr base;
    jmp_buf escape;
    struct fb_error *error;
    int code;
};

static _Noreturn void escape(struct failure *failure, int code, const char *text)
{
    failure->code = fb_error_set(failure->error, code, "JPEG: %s", text);
    longjmp(failure->escape, 1);
}

static void leave(j_common_ptr info)
{
    struct failure *failure = (struct failure *)info->err;
    char text[JMSG_LENGTH_MAX];
    info->err->format_message(info, text);
    escape(failure, info->err->msg_code == JERR_OUT_OF_MEMORY ? -ENOMEM : -EBADMSG, text);
}

/* Where data is missing or broken, libjpeg continues with grey and warns: such an image is broken. Other
 * warnings (stray bytes between segments, unknown versions) are common in good images. */
static void warn(j_common_ptr info, int level)
{
    if (level >= 0)
        return;
    switch (info->err->msg_code) {
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC:
    case JWRN_NOT_SEQUENTIAL:
    case JWRN_BOGUS_PROGRESSION:
        leave(info);
    }
}

static void stay_silent(j_common_ptr info)
{
    (void)info;
}

/* A small file can have any number of scans, each over the whole image. Encoders write about ten. */
#define SCANS_MOST 100

static void limit_scans(j_common_ptr info)
{
    const struct jpeg_decompress_struct *jpeg = (const struct jpeg_decompress_struct *)info;
    if (jpeg->input_scan_number > SCANS_MOST)
        escape((struct failure *)info->err, -EBADMSG, "more than 100 scans");
}

static struct jpeg_error_mgr *prepare_failure(struct failure *failure, struct fb_error *error)
{
    struct jpeg_error_mgr *base = jpeg_std_error(&failure->base);
    base->error_exit = leave;
    base->emit_message = warn;
    base->output_message = stay_silent;
    failure->error = error;
    return base;
}

/* Inks are stored inverted (Adobe's convention): 255 is no ink. */
static void cmyk_to_rgb(uint8_t *to, const uint8_t *from, uint32_t width)
{
    for (uint32_t x = 0; x < width; x++, to += 3, from += 4)
        for (int i = 0; i < 3; i++)
            to[i] = (uint8_t)((from[i] * from[3] + 127) / 255);
}

static void choose_colours(struct jpeg_decompress_struct *jpeg)
{
    switch (jpeg->jpeg_color_space) {
    case JCS_GRAYSCALE:
        jpeg->out_color_space = JCS_GRAYSCALE;
        break;
    case JCS_CMYK:
    case JCS_YCCK:
        jpeg->out_color_space = JCS_CMYK;
        break;
    default:
        jpeg->out_color_space = JCS_RGB;
    }
}

static int read_rows(struct jpeg_decompress_struct *jpeg, struct fb_image *image,
                     struct fb_error *error)
{
    bool cmyk = jpeg->out_color_space == JCS_CMYK;
    uint32_t channels = jpeg->out_color_space == JCS_GRAYSCALE ? 1 : 3;
    int result = fb_image_reserve(image, jpeg->output_width, jpeg->output_height, channels, error);
    if (result < 0)
        return result;
    image->shown_width = (double)jpeg->image_width * jpeg->scale_num / jpeg->scale_denom;
    image->shown_height = (double)jpeg->image_height * jpeg->scale_num / jpeg->scale_denom;
    size_t stride = (size_t)image->width * channels;
    JSAMPARRAY wide = NULL;
    if (cmyk) /* freed with the decompressor */
        wide = jpeg->mem->alloc_sarray((j_common_ptr)jpeg, JPOOL_IMAGE, image->width * 4, 1);
    while (jpeg->output_scanline < jpeg->output_height) {
        uint8_t *row = image->pixels + jpeg->output_scanline * stride;
        jpeg_read_scanlines(jpeg, cmyk ? wide : &row, 1);
        if (cmyk)
            cmyk_to_rgb(row, wide[0], image->width);
    }
    return 0;
}

/* The smallest multiple of an eighth of its size that is at least that large. */
static void choose_scale(struct jpeg_decompress_struct *jpeg, uint32_t least_width,
                         uint32_t least_height)
{
    unsigned eighths = 1;
    while (eighths < 8 && ((uint64_t)jpeg->image_width * eighths < 8 * (uint64_t)least_width ||
                           (uint64_t)jpeg->image_height * eighths < 8 * (uint64_t)least_height))
        eighths++;
    jpeg->scale_num = eighths;
    jpeg->scale_denom = 8;
}

/* A component's output is made of its side × side lowest frequencies; side is larger for colours that were stored at
 * half the size. */
static int side_of(const jpeg_component_info *component)
{
#if JPEG_LIB_VERSION >= 70
    return component->DCT_h_scaled_size > component->DCT_v_scaled_size
               ? component->DCT_h_scaled_size
               : component->DCT_v_scaled_size;
#else
    return component->DCT_scaled_size;
#endif
}

/* Whether the scans so far contain all coefficients that the output is made of. The last bit of a coefficient with
 * quantization step q may be missing if q is small: without it the mean brightness is too low by q / 16 levels on
 * average. */
#define FINE_MOST 8
static bool has_enough(const struct jpeg_decompress_struct *jpeg)
{
    /* 8 · row + column, in zigzag order. */
    static const uint8_t place[DCTSIZE2] = {
        0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48,
        41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23,
        30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
    };
    for (int k = 0; k < jpeg->num_components; k++) {
        const jpeg_component_info *component = &jpeg->comp_info[k];
        for (int i = 0; i < DCTSIZE2; i++) {
            int missing = jpeg->coef_bits[k][i], side = side_of(component);
            if (place[i] / 8 >= side || place[i] % 8 >= side)
                continue;
            if (missing < 0 || missing > 1 || !component->quant_table ||
                (missing == 1 && component->quant_table->quantval[place[i]] > FINE_MOST))
                return false;
        }
    }
    return true;
}

/* Reads only as many scans of a progressive image as a scaled result needs. */
static void read_scans(struct jpeg_decompress_struct *jpeg)
{
    int status;
    do {
        status = jpeg_consume_input(jpeg);
        limit_scans((j_common_ptr)jpeg); /* jpeg_consume_input does not call it */
    } while (status != JPEG_REACHED_EOI && (status != JPEG_SCAN_COMPLETED || !has_enough(jpeg)));
    jpeg_start_output(jpeg, jpeg->input_scan_number);
}

static int decode(struct jpeg_decompress_struct *jpeg, struct fb_image *image,
                  struct fb_error *error)
{
    jpeg->buffered_image = jpeg->progressive_mode && jpeg->scale_num < 8;
    jpeg->do_block_smoothing = !jpeg->buffered_image; /* no coefficients are missing */
    jpeg_start_decompress(jpeg);
    if (jpeg->buffered_image)
        read_scans(jpeg);
    int result = read_rows(jpeg, image, error);
    if (result == 0 && !jpeg->buffered_image)
        jpeg_finish_decompress(jpeg);
    return result;
}

int fb_jpeg_decode(const uint8_t *bytes, size_t size, uint32_t least_width, uint32_t least_height,
                   struct fb_image *image, uint32_t *ret_width, uint32_t *ret_height,
                   struct fb_error *error)
{
    struct jpeg_decompress_struct jpeg;
    struct failure failure;
    struct jpeg_progress_mgr progress = { .progress_monitor = limit_scans };
    jpeg.err = prepare_failure(&failure, error);
    if (setjmp(failure.escape)) {
        jpeg_destroy_decompress(&jpeg);
        return failure.code;
    }
    jpeg_create_decompress(&jpeg);
    jpeg.progress = &progress;
    jpeg_mem_src(&jpeg, bytes, size);
    jpeg_read_header(&jpeg, TRUE);
    choose_colours(&jpeg);
    choose_scale(&jpeg, least_width, least_height);
    *ret_width = jpeg.image_width;
    *ret_height = jpeg.image_height;
    /* libjpeg holds all coefficients of a progressive image in memory: refuse before that. */
    int result = 0;
    if ((uint64_t)jpeg.image_width * jpeg.image_height > FB_IMAGE_PIXELS_MOST)
        result = fb_error_set(error, -EFBIG, "too large: %u x %u pixels", jpeg.image_width,
                              jpeg.image_height);
    if (result == 0)
        result = decode(&jpeg, image, error);
    jpeg_destroy_decompress(&jpeg);
    return result;
}

/* What the encoder writes to; still valid after longjmp. */
struct output {
    unsigned char *bytes;
    unsigned long size;
};

static int encode(const struct fb_image *image, int quality, bool restarts, struct output *output,
                  struct fb_error *error)
{
    struct jpeg_compress_struct jpeg;
    struct failure failure;
    jpeg.err = prepare_failure(&failure, error);
    if (setjmp(failure.escape)) {
        jpeg_destroy_compress(&jpeg);
        return failure.code == -ENOMEM ? -ENOMEM : -EINVAL;
    }
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &output->bytes, &output->size);
    jpeg.image_width = image->width;
    jpeg.image_height = image->height;
    jpeg.input_components = (int)image->channels;
    jpeg.in_color_space = image->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, quality, TRUE);
    jpeg.restart_in_rows = restarts ? 1 : 0;
    jpeg_start_compress(&jpeg, TRUE);
    size_t stride = (size_t)image->width * image->channels;
    while (jpeg.next_scanline < jpeg.image_height) {
        JSAMPROW row = image->pixels + jpeg.next_scanline * stride;
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    return 0;
}

/* No JPEG is larger: TJBUFSIZE of libjpeg-turbo, with the larger of its factors. The encoder must never have to
 * grow the buffer, because if that fails it is not known which buffer has to be freed. */
static size_t most_bytes(const struct fb_image *image)
{
    size_t width = ((size_t)image->width + 15) & ~(size_t)15;
    size_t height = ((size_t)image->height + 15) & ~(size_t)15;
    return width * height * 6 + 2048;
}

static int encode_to(const struct fb_image *image, int quality, bool restarts, uint8_t **ret_bytes,
                     size_t *ret_size, struct fb_error *error)
{
    struct output output = { .size = most_bytes(image) };
    output.bytes = malloc(output.size);
    if (!output.bytes)
        return fb_error_set(error, -ENOMEM, "out of memory");
    int result = encode(image, quality, restarts, &output, error);
    if (result < 0) {
        free(output.bytes);
        if (error)
            error->code = result;
        return result;
    }
    *ret_bytes = output.bytes;
    *ret_size = output.size;
    return 0;
}

int fb_jpeg_encode(const struct fb_image *image, int quality, uint8_t **ret_bytes, size_t *ret_size,
                   struct fb_error *error)
{
    return encode_to(image, quality, false, ret_bytes, ret_size, error);
}

int fb_jpeg_encode_rows(const struct fb_image *image, int quality, uint8_t **ret_bytes,
                        size_t *ret_size, struct fb_error *error)
{
    return encode_to(image, quality, true, ret_bytes, ret_size, error);
}
