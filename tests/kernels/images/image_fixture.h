/* Images of every kind: PNGs, and JPEGs by libjpeg's encoder. Everything fails the test if there is no memory. */
#ifndef TEST_IMAGE_FIXTURE_H
#define TEST_IMAGE_FIXTURE_H

#include "tests/support/png_fixture.h"

enum jpeg_kind {
    JPEG_GREY,
    JPEG_444,
    JPEG_420,
    JPEG_PROGRESSIVE,
    JPEG_PROGRESSIVE_420,
    JPEG_RESTARTS,
    JPEG_CMYK,      /* inverted inks with Adobe's marker, the usual form */
    JPEG_YCCK,      /* the same */
    JPEG_CMYK_BARE, /* inverted, without the marker */
    JPEG_KINDS,
    JPEG_MANY_SCANS = JPEG_KINDS /* unusual: a scan for each frequency of each component */
};
unsigned jpeg_channels(enum jpeg_kind kind);

/* Encodes width * height * jpeg_channels samples. */
struct bytes jpeg_make(enum jpeg_kind kind, uint32_t width, uint32_t height, int quality,
                       const uint8_t *pixels);

/* Encodes smooth pixels. */
struct bytes jpeg_smooth(enum jpeg_kind kind, uint32_t width, uint32_t height);

/* Changes the size in the header. */
void jpeg_claim(struct bytes *jpeg, unsigned width, unsigned height);

#endif
