#include "tests/support/support.h"

#include "tests/kernels/images/image_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

unsigned jpeg_channels(enum jpeg_kind kind)
{
    return kind == JPEG_GREY ? 1 : kind >= JPEG_CMYK ? 4 : 3;
}

/* A progressive image must begin with the DC coefficients. */
static void scan_each_frequency(struct jpeg_compress_struct *jpeg)
{
    static jpeg_scan_info scans[1 + 4 * (DCTSIZE2 - 1)];
    int count = 0;
    scans[count].comps_in_scan = jpeg->num_components;
    for (int k = 0; k < jpeg->num_components; k++)
        scans[0].component_index[k] = k;
    for (int k = 0; k < jpeg->num_components; k++)
        for (int i = 1; i < DCTSIZE2; i++) {
            jpeg_scan_info scan = { .comps_in_scan = 1, .component_index = { k } };
            scan.Ss = scan.Se = i;
            scans[++count] = scan;
        }
    jpeg->scan_info = scans;
    jpeg->num_scans = count + 1;
}

static void choose(struct jpeg_compress_struct *jpeg, enum jpeg_kind kind)
{
    if (kind == JPEG_YCCK)
        jpeg_set_colorspace(jpeg, JCS_YCCK);
    if (kind == JPEG_CMYK_BARE)
        jpeg->write_Adobe_marker = FALSE;
    if (kind == JPEG_444 || kind == JPEG_PROGRESSIVE)
        jpeg->comp_info[0].h_samp_factor = jpeg->comp_info[0].v_samp_factor = 1;
    if (kind == JPEG_PROGRESSIVE || kind == JPEG_PROGRESSIVE_420)
        jpeg_simple_progression(jpeg);
    if (kind == JPEG_MANY_SCANS)
        scan_each_frequency(jpeg);
    if (kind == JPEG_RESTARTS)
        jpeg->restart_in_rows = 1;
}

struct bytes jpeg_make(enum jpeg_kind kind, uint32_t width, uint32_t height, int quality,
                       const uint8_t *pixels)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr base;
    unsigned char *data = NULL;
    unsigned long size = 0;
    jpeg.err = jpeg_std_error(&base); /* errors exit: the tests encode only valid images */
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &data, &size);
    jpeg.image_width = width;
    jpeg.image_height = height;
    jpeg.input_components = (int)jpeg_channels(kind);
    jpeg.in_color_space = kind == JPEG_GREY ? JCS_GRAYSCALE : kind < JPEG_CMYK ? JCS_RGB : JCS_CMYK;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, quality, TRUE);
    choose(&jpeg, kind);
    jpeg_start_compress(&jpeg, TRUE);
    size_t stride = (size_t)width * jpeg_channels(kind);
    while (jpeg.next_scanline < height) {
        JSAMPROW row = (JSAMPROW)(pixels + jpeg.next_scanline * stride);
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    return (struct bytes){ data, size };
}

struct bytes jpeg_smooth(enum jpeg_kind kind, uint32_t width, uint32_t height)
{
    uint8_t *pixels = smooth_pixels(width, height, jpeg_channels(kind));
    struct bytes bytes = jpeg_make(kind, width, height, 95, pixels);
    free(pixels);
    return bytes;
}

/* In the frame header (ITU-T T.81, B.2.2) height and width follow marker, length and precision. */
void jpeg_claim(struct bytes *jpeg, unsigned width, unsigned height)
{
    for (size_t at = 2; at + 9 < jpeg->size;) {
        uint8_t *marker = jpeg->data + at;
        if (marker[1] == 0xc0 || marker[1] == 0xc2) {
            marker[5] = (uint8_t)(height >> 8);
            marker[6] = (uint8_t)height;
            marker[7] = (uint8_t)(width >> 8);
            marker[8] = (uint8_t)width;
            return;
        }
        at += 2 + (size_t)(marker[2] << 8 | marker[3]);
    }
    fail_msg("no frame header");
}
