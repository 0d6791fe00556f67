/* Images of every kind, made here, so that what decodes them is not what wrote them: PNGs byte by
 * byte, JPEGs by libjpeg's encoder. Everything fails the test when there is no memory. */
#ifndef TEST_IMAGE_FIXTURE_H
#define TEST_IMAGE_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
    uint8_t *data; /* owned */
    size_t size;
};
void bytes_clear(struct bytes *bytes);

/* ---- samples ---- */

/* The next of a row of numbers that only depend on *state (never 0). */
uint32_t next_number(uint32_t *state);

/* count numbers below `limit`, to be freed. */
uint16_t *noise_samples(size_t count, uint32_t limit, uint32_t seed);

/* Pixels that JPEG hardly changes: slopes, another one in each channel. To be freed. */
uint8_t *smooth_pixels(uint32_t width, uint32_t height, uint32_t channels);

/* ---- PNG ---- */

enum { PNG_GREY = 0, PNG_RGB = 2, PNG_PALETTE = 3, PNG_GREY_ALPHA = 4, PNG_RGBA = 6 };
unsigned png_channels(uint8_t colour);

struct png {
    uint32_t width, height;
    uint8_t depth, colour;
    bool interlaced;
    const uint8_t *palette; /* 3 bytes a colour */
    size_t palette_size;    /* bytes */
    const uint8_t *transparency;
    size_t transparency_size; /* bytes */
};

/* samples: width * height * png_channels, each below 2^depth; the rows' filters take turns. NULL:
 * the data is empty, for headers that tell of more than there is. */
struct bytes png_make(const struct png *png, const uint16_t *samples);

/* Where the chunk of that type begins (at its length); 0: there is none. And its check sum put
 * right again. */
size_t png_find(const struct bytes *png, const char *type);
void png_mend(struct bytes *png, size_t chunk);

/* Makes the header tell of another size. */
void png_claim(struct bytes *png, uint32_t width, uint32_t height);
void jpeg_claim(struct bytes *jpeg, unsigned width, unsigned height);

/* ---- JPEG ---- */

enum jpeg_kind {
    JPEG_GREY,
    JPEG_444,
    JPEG_420,
    JPEG_PROGRESSIVE,
    JPEG_PROGRESSIVE_420,
    JPEG_RESTARTS,
    JPEG_CMYK,      /* inverted inks, with Adobe's marker, as all the world writes them */
    JPEG_YCCK,      /* the same */
    JPEG_CMYK_BARE, /* inverted, without the marker */
    JPEG_KINDS,
    JPEG_MANY_SCANS = JPEG_KINDS /* nobody writes such: a scan for each frequency of each ink */
};
unsigned jpeg_channels(enum jpeg_kind kind);

/* pixels: width * height * jpeg_channels. */
struct bytes jpeg_make(enum jpeg_kind kind, uint32_t width, uint32_t height, int quality,
                       const uint8_t *pixels);

/* The same of smooth pixels. */
struct bytes jpeg_smooth(enum jpeg_kind kind, uint32_t width, uint32_t height);

#endif
