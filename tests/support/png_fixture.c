#include "tests/support/support.h"

#include "tests/support/png_fixture.h"

#include <stdlib.h>
#include <string.h>

#define ROW_MOST 4096

void bytes_clear(struct bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct bytes){ 0 };
}

/* ---- samples ---- */

uint32_t next_number(uint32_t *state)
{
    /* xorshift32 (Marsaglia, J. Stat. Softw. 8, 2003) */
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

uint16_t *noise_samples(size_t count, uint32_t limit, uint32_t seed)
{
    uint16_t *samples = calloc(count, sizeof *samples);
    assert_non_null(samples);
    for (size_t i = 0; i < count; i++)
        samples[i] = (uint16_t)(next_number(&seed) % limit);
    return samples;
}

uint8_t *smooth_pixels(uint32_t width, uint32_t height, uint32_t channels)
{
    uint8_t *pixels = malloc((size_t)width * height * channels), *to = pixels;
    assert_non_null(pixels);
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++)
            for (uint32_t channel = 0; channel < channels; channel++) {
                uint32_t across = channel % 2 ? width - 1 - x : x;
                uint32_t down = channel / 2 ? height - 1 - y : y;
                *to++ = (uint8_t)(40 + 100 * across / width + 90 * down / height);
            }
    return pixels;
}

int greatest_difference(const uint8_t *a, const uint8_t *b, size_t size)
{
    int most = 0;
    for (size_t i = 0; i < size; i++)
        if (abs(a[i] - b[i]) > most)
            most = abs(a[i] - b[i]);
    return most;
}

/* ---- PNG ---- */

/* A growing array of bytes. */
struct pen {
    struct bytes bytes;
    size_t room;
};

static void put(struct pen *pen, const void *data, size_t size)
{
    if (!pen->bytes.data || pen->bytes.size + size > pen->room) {
        pen->room = 2 * (pen->bytes.size + size) + 64;
        pen->bytes.data = realloc(pen->bytes.data, pen->room);
        assert_non_null(pen->bytes.data);
    }
    if (size)
        memcpy(pen->bytes.data + pen->bytes.size, data, size);
    pen->bytes.size += size;
}

static void number_to(uint8_t *to, uint32_t number)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(number >> (24 - 8 * i));
}

static uint32_t number_at(const uint8_t *from)
{
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

static uint32_t crc(const uint8_t *bytes, size_t size)
{
    uint32_t value = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        value ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            value = value >> 1 ^ (value & 1 ? 0xedb88320u : 0);
    }
    return ~value;
}

static uint32_t adler(const uint8_t *bytes, size_t size)
{
    uint32_t a = 1, b = 0;
    for (size_t i = 0; i < size; i++) {
        a = (a + bytes[i]) % 65521;
        b = (b + a) % 65521;
    }
    return b << 16 | a;
}

void png_mend(struct bytes *png, size_t chunk)
{
    uint8_t *at = png->data + chunk;
    uint32_t size = number_at(at);
    number_to(at + 8 + size, crc(at + 4, size + 4));
}

size_t png_find(const struct bytes *png, const char *type)
{
    for (size_t at = 8; at + 12 <= png->size; at += 12 + (size_t)number_at(png->data + at))
        if (memcmp(png->data + at + 4, type, 4) == 0)
            return at;
    return 0;
}

static void put_chunk(struct pen *pen, const char *type, const uint8_t *data, size_t size)
{
    uint8_t word[4];
    size_t chunk = pen->bytes.size;
    number_to(word, (uint32_t)size);
    put(pen, word, 4);
    put(pen, type, 4);
    put(pen, data, size);
    put(pen, word, 4);
    png_mend(&pen->bytes, chunk);
}

void png_claim(struct bytes *png, uint32_t width, uint32_t height)
{
    number_to(png->data + 16, width);
    number_to(png->data + 20, height);
    png_mend(png, 8);
}

unsigned png_channels(uint8_t colour)
{
    return colour == PNG_RGB ? 3 : colour == PNG_RGBA ? 4 : colour == PNG_GREY_ALPHA ? 2 : 1;
}

static uint8_t paeth(int a, int b, int c)
{
    int p = a + b - c, to_a = abs(p - a), to_b = abs(p - b), to_c = abs(p - c);
    return (uint8_t)(to_a <= to_b && to_a <= to_c ? a : to_b <= to_c ? b : c);
}

/* Filters one row (W3C, PNG, 9): none, left, above, average, Paeth in turn. */
static void put_filtered(struct pen *pen, const uint8_t *row, const uint8_t *above, size_t size,
                         size_t step, unsigned filter)
{
    uint8_t out[ROW_MOST + 1] = { (uint8_t)filter };
    for (size_t i = 0; i < size; i++) {
        uint8_t a = i >= step ? row[i - step] : 0, b = above[i];
        uint8_t c = i >= step ? above[i - step] : 0;
        uint8_t guess[] = { 0, a, b, (uint8_t)((a + b) / 2), paeth(a, b, c) };
        out[i + 1] = (uint8_t)(row[i] - guess[filter]);
    }
    put(pen, out, size + 1);
}

static size_t pack_row(const struct png *png, const uint16_t *row, uint32_t first, uint32_t step,
                       uint8_t *to)
{
    unsigned channels = png_channels(png->colour);
    size_t bits = 0;
    memset(to, 0, ROW_MOST);
    for (uint32_t x = first; x < png->width; x += step)
        for (unsigned channel = 0; channel < channels; channel++, bits += png->depth) {
            uint16_t sample = row[x * channels + channel];
            assert_true(bits / 8 + 2 <= ROW_MOST);
            if (png->depth == 16)
                to[bits / 8] = (uint8_t)(sample >> 8);
            if (png->depth >= 8)
                to[bits / 8 + (png->depth == 16)] = (uint8_t)sample;
            else
                to[bits / 8] |= (uint8_t)(sample << (8 - png->depth - bits % 8));
        }
    return (bits + 7) / 8;
}

struct pass {
    uint32_t x, y, across, down;
};

static void put_pass(struct pen *pen, const struct png *png, const uint16_t *samples,
                     const struct pass *pass)
{
    uint8_t row[2][ROW_MOST] = { { 0 } };
    unsigned channels = png_channels(png->colour), count = 0;
    size_t step = (size_t)channels * png->depth / 8;
    for (uint32_t y = pass->y; y < png->height && pass->x < png->width; y += pass->down, count++) {
        size_t size = pack_row(png, samples + (size_t)y * png->width * channels, pass->x,
                               pass->across, row[count % 2]);
        put_filtered(pen, row[count % 2], row[1 - count % 2], size, step ? step : 1, count % 5);
    }
}

/* Wraps rows into stored blocks of deflate (RFC 1951, 3.2.4). */
static struct bytes wrap(const struct bytes *rows)
{
    static const uint8_t head[] = { 0x78, 0x01 };
    struct pen pen = { 0 };
    uint8_t sum[4];
    size_t at = 0;
    put(&pen, head, 2);
    do {
        size_t size = rows->size - at < 65535 ? rows->size - at : 65535;
        uint8_t block[] = { at + size == rows->size, (uint8_t)size, (uint8_t)(size >> 8),
                            (uint8_t)~size, (uint8_t)(~size >> 8) };
        put(&pen, block, sizeof block);
        put(&pen, rows->data + at, size);
        at += size;
    } while (at < rows->size);
    number_to(sum, adler(rows->data, rows->size));
    put(&pen, sum, 4);
    return pen.bytes;
}

struct bytes png_make(const struct png *png, const uint16_t *samples)
{
    static const uint8_t signature[] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };
    static const struct pass whole = { 0, 0, 1, 1 };
    static const struct pass adam7[] = { { 0, 0, 8, 8 }, { 4, 0, 8, 8 }, { 0, 4, 4, 8 },
                                         { 2, 0, 4, 4 }, { 0, 2, 2, 4 }, { 1, 0, 2, 2 },
                                         { 0, 1, 1, 2 } };
    uint8_t head[13] = { [8] = png->depth, [9] = png->colour, [12] = png->interlaced };
    struct pen pen = { 0 }, rows = { 0 };
    number_to(head, png->width);
    number_to(head + 4, png->height);
    put(&pen, signature, sizeof signature);
    put_chunk(&pen, "IHDR", head, sizeof head);
    if (png->palette)
        put_chunk(&pen, "PLTE", png->palette, png->palette_size);
    if (png->transparency)
        put_chunk(&pen, "tRNS", png->transparency, png->transparency_size);
    put(&rows, "", 0);
    for (int i = 0; samples && i < (png->interlaced ? 7 : 1); i++)
        put_pass(&rows, png, samples, png->interlaced ? &adam7[i] : &whole);
    struct bytes data = wrap(&rows.bytes);
    put_chunk(&pen, "IDAT", data.data, data.size);
    put_chunk(&pen, "IEND", NULL, 0);
    bytes_clear(&data);
    bytes_clear(&rows.bytes);
    return pen.bytes;
}
