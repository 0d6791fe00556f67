/* PNG images of every kind, written byte by byte, so that what decodes them did not write them. Everything
 * fails the test if there is no memory. */
#ifndef TEST_PNG_FIXTURE_H
#define TEST_PNG_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
    uint8_t *data; /* owned */
    size_t size;
};
void bytes_clear(struct bytes *bytes);

/* ---- samples ---- */

/* The next number of a pseudo-random sequence; *state is never 0. */
uint32_t next_number(uint32_t *state);

/* `count` pseudo-random numbers below `limit`; the caller frees them. */
uint16_t *noise_samples(size_t count, uint32_t limit, uint32_t seed);

/* Pixels that JPEG hardly changes: a different slope in each channel. The caller frees them. */
uint8_t *smooth_pixels(uint32_t width, uint32_t height, uint32_t channels);

/* The greatest difference between two samples at the same position. */
int greatest_difference(const uint8_t *a, const uint8_t *b, size_t size);

/* ---- PNG ---- */

enum { PNG_GREY = 0, PNG_RGB = 2, PNG_PALETTE = 3, PNG_GREY_ALPHA = 4, PNG_RGBA = 6 };
unsigned png_channels(uint8_t colour);

struct png {
    uint32_t width, height;
    uint8_t depth, colour;
    bool interlaced;
    const uint8_t *palette; /* 3 bytes per colour */
    size_t palette_size;    /* bytes */
    const uint8_t *transparency;
    size_t transparency_size; /* bytes */
};

/* samples: width * height * png_channels, each below 2^depth; rows use all filters in turn. NULL: the data is
 * empty, for headers with a false size. */
struct bytes png_make(const struct png *png, const uint16_t *samples);

/* The offset of the chunk of this type, at its length; 0 if there is none. */
size_t png_find(const struct bytes *png, const char *type);
/* Corrects the checksum of a chunk. */
void png_mend(struct bytes *png, size_t chunk);

/* Changes the size in the header. */
void png_claim(struct bytes *png, uint32_t width, uint32_t height);

#endif
