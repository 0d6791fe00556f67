/* Generates sample photographs by splicing the rows of one encoded picture. */
#include "kernels/images/sample.h"

#include "kernels/images/jpeg.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define WIDTH 1600
#define HEIGHT 1200
#define ROW 16 /* pixels: the height of a row of blocks with 4:2:0 */
#define ROWS (HEIGHT / ROW)
#define QUALITY 90
#define NOISE 9 /* half of peak-to-peak; with QUALITY it gives about 2 bits per pixel */
#define TURN (2 * 3.14159265358979323846)

static uint32_t next_random(uint32_t *state)
{
    /* xorshift32 (Marsaglia, J. Stat. Softw. 8, 2003) */
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static uint8_t clip(double value)
{
    return value < 0 ? 0 : value > 255 ? 255 : (uint8_t)value;
}

/* Smooth shades and a few edges, periodic over the height, so that any rotation of the rows is again such a
 * picture; and noise like that of a sensor. */
static void paint(struct fb_image *image)
{
    uint32_t state = 20240229;
    double wave[HEIGHT][3];
    for (int y = 0; y < HEIGHT; y++) {
        double t = TURN * y / HEIGHT;
        wave[y][0] = sin(t) + 0.4 * sin(5 * t + 1);
        wave[y][1] = cos(2 * t) + 0.3 * sin(9 * t);
        wave[y][2] = sin(3 * t + 2);
    }
    uint8_t *pixel = image->pixels;
    for (int i = 0; i < WIDTH * HEIGHT; i++) {
        int x = i % WIDTH, y = i / WIDTH;
        /* A triangle wave is cheaper than a sine, and its corners are edges. */
        double slope = fabs(fmod(x * 0.011 + wave[y][0] + 4, 2) - 1);
        double light = 110 + 45 * wave[y][1] * slope + (slope > 0.7 ? 35 : 0) + 15 * wave[y][2];
        double tint = 25 * (x < WIDTH / 2 ? slope : 1 - slope);
        uint32_t noise = next_random(&state);
        for (int channel = 0; channel < 3; channel++, noise >>= 10) {
            double grain = (int)(noise % 1024 % (2 * NOISE + 1)) - NOISE;
            *pixel++ = clip(light + (channel - 1) * tint + grain);
        }
    }
}

/* The encoded picture, cut at its restart markers. */
struct strips {
    uint8_t *bytes;
    size_t size, head; /* head: bytes before the first row */
    size_t begin[ROWS], length[ROWS];
};

/* Finds the rows between the start of scan and the end of image. In entropy-coded data a 0xff is
 * followed by 0 unless it begins a marker (ITU-T T.81, B.1.1.2). */
static bool cut(struct strips *strips)
{
    const uint8_t *bytes = strips->bytes;
    size_t at = 2;
    for (bool scan = false; !scan;) {
        if (at + 4 > strips->size || bytes[at] != 0xff)
            return false;
        scan = bytes[at + 1] == 0xda;
        at += 2 + (size_t)(bytes[at + 2] << 8 | bytes[at + 3]);
    }
    strips->head = at;
    int row = 0;
    strips->begin[0] = at;
    for (; at + 1 < strips->size && row < ROWS; at++) {
        if (bytes[at] != 0xff || bytes[at + 1] == 0)
            continue;
        strips->length[row] = at - strips->begin[row];
        if (++row < ROWS)
            strips->begin[row] = at + 2;
    }
    return row == ROWS;
}

static int make_strips(struct strips *strips, struct fb_error *error)
{
    struct fb_image image = { 0 };
    int result = fb_image_reserve(&image, WIDTH, HEIGHT, 3, error);
    if (result == 0) {
        paint(&image);
        result = fb_jpeg_encode_rows(&image, QUALITY, &strips->bytes, &strips->size, error);
    }
    fb_image_clear(&image);
    if (result == 0 && !cut(strips)) {
        free(strips->bytes);
        result = fb_error_set(error, -EBADMSG, "sample photographs: the encoder set no restarts");
    }
    return result;
}

/* Writes the sample that begins with row `first`; restart markers are numbered 0 … 7 cyclically. */
static size_t splice_rows(const struct strips *strips, int first, uint8_t *to)
{
    uint8_t *start = to;
    memcpy(to, strips->bytes, strips->head);
    to += strips->head;
    for (int i = 0; i < ROWS; i++) {
        int row = (first + i) % ROWS;
        memcpy(to, strips->bytes + strips->begin[row], strips->length[row]);
        to += strips->length[row];
        *to++ = 0xff;
        *to++ = i + 1 < ROWS ? (uint8_t)(0xd0 + i % 8) : 0xd9;
    }
    return (size_t)(to - start);
}

static int write_pack(const struct strips *strips, int fd, struct fb_error *error)
{
    size_t head = sizeof(struct fb_pack_head) + FB_SAMPLES * sizeof(struct fb_pack_entry);
    size_t size = head + FB_SAMPLES * strips->size;
    /* Reserves the space first, so that a full filesystem is an error here, not a signal later. */
    int code = posix_fallocate(fd, 0, (off_t)size);
    if (code)
        return fb_error_set(error, -code, "sample photographs: %zu bytes: %s", size,
                            strerror(code));
    uint8_t *pack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (pack == MAP_FAILED)
        return fb_error_set(error, -errno, "sample photographs: mmap: %s", strerror(errno));
    struct fb_pack_head *header = (struct fb_pack_head *)pack;
    struct fb_pack_entry *entry = (struct fb_pack_entry *)(header + 1);
    memcpy(header->magic, FB_PACK_MAGIC, sizeof header->magic);
    header->count = FB_SAMPLES;
    uint64_t offset = head;
    for (int i = 0; i < FB_SAMPLES; i++) {
        entry[i].offset = offset;
        /* 29 and ROWS have no common factor, so every sample begins with another row. */
        entry[i].size = splice_rows(strips, i * 29 % ROWS, pack + offset);
        snprintf(entry[i].name, sizeof entry[i].name, "sample_%02d.jpg", i + 1);
        offset += entry[i].size;
    }
    munmap(pack, size);
    return 0;
}

int fb_samples_make(int *ret_fd, struct fb_error *error)
{
    struct strips strips;
    int result = make_strips(&strips, error);
    if (result < 0)
        return result;
    int fd = memfd_create("forkbench-samples", 0);
    if (fd < 0)
        result =
            fb_error_set(error, -errno, "sample photographs: memfd_create: %s", strerror(errno));
    else
        result = write_pack(&strips, fd, error);
    free(strips.bytes);
    if (result < 0 && fd >= 0)
        close(fd);
    if (result == 0)
        *ret_fd = fd;
    return result;
}
