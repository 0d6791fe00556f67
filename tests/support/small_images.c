#include "tests/support/small_images.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIDE_MOST 40
#define ROWS_MOST (SIDE_MOST * (1 + 3 * SIDE_MOST)) /* a filter byte and RGB a row: below 2¹⁶ */

static uint8_t *put_number(uint8_t *to, uint32_t number)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        *to++ = (uint8_t)(number >> shift);
    return to;
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

static void write_chunk(FILE *file, const char *type, const uint8_t *data, size_t size)
{
    uint8_t body[ROWS_MOST + 64], number[4];
    memcpy(body, type, 4);
    memcpy(body + 4, data, size);
    put_number(number, (uint32_t)size);
    fwrite(number, 1, 4, file);
    fwrite(body, 1, size + 4, file);
    put_number(number, crc(body, size + 4));
    fwrite(number, 1, 4, file);
}

/* Rows of an RGB image, not compressed: one stored block of deflate (RFC 1951, 3.2.4). */
static size_t make_data(uint8_t *data, uint32_t width, uint32_t height, uint32_t seed)
{
    static const uint8_t head[] = { 0x78, 0x01, 0x01 };
    size_t size = height * (1 + 3 * width);
    memcpy(data, head, 3);
    data[3] = (uint8_t)size;
    data[4] = (uint8_t)(size >> 8);
    data[5] = (uint8_t)~data[3];
    data[6] = (uint8_t)~data[4];
    uint8_t *to = data + 7;
    for (uint32_t y = 0; y < height; y++) {
        *to++ = 0; /* no filter */
        for (uint32_t i = 0; i < 3 * width; i++)
            *to++ = (uint8_t)(seed * 37 + y * 5 + i * (3 + seed));
    }
    put_number(to, adler(data + 7, size));
    return 7 + size + 4;
}

static bool write_png(const char *path, uint32_t width, uint32_t height, uint32_t seed)
{
    static const uint8_t signature[] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };
    uint8_t head[13] = { [8] = 8, [9] = 2 }, data[ROWS_MOST + 16]; /* 8 bits, RGB */
    FILE *file = fopen(path, "wbe");
    if (!file)
        return false;
    put_number(put_number(head, width), height);
    fwrite(signature, 1, sizeof signature, file);
    write_chunk(file, "IHDR", head, sizeof head);
    write_chunk(file, "IDAT", data, make_data(data, width, height, seed));
    write_chunk(file, "IEND", data, 0);
    return fclose(file) == 0;
}

static void name_image(char *path, size_t size, const char *folder, uint32_t number)
{
    snprintf(path, size, "%s/image_%u.png", folder, number);
}

bool images_make(char *ret_folder, size_t size)
{
    const char *parent = getenv("TMPDIR");
    snprintf(ret_folder, size, "%s/forkbench-test-XXXXXX", parent ? parent : "/tmp");
    if (!mkdtemp(ret_folder))
        return false;
    for (uint32_t i = 0; i < IMAGES_MADE; i++) {
        char path[512];
        name_image(path, sizeof path, ret_folder, i);
        if (!write_png(path, SIDE_MOST - 7 * i, 5 + 8 * i, i))
            return false;
    }
    return true;
}

void images_remove(const char *folder)
{
    for (uint32_t i = 0; i < IMAGES_MADE; i++) {
        char path[512];
        name_image(path, sizeof path, folder, i);
        unlink(path);
    }
    rmdir(folder);
}
