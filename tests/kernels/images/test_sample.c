/* The sample photographs: 64 different ones, always the same, of the size of photographs. */
#include "tests/support/support.h"

#include "kernels/images/album.h"
#include "kernels/images/image_decode.h"
#include "kernels/images/sample.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jpeglib.h>

#define WIDTH 1600
#define HEIGHT 1200

struct pack {
    int fd;
    size_t size;
    const uint8_t *bytes;
    const struct fb_pack_head *head;
    const struct fb_pack_entry *entry;
};

static struct pack make_pack(void)
{
    struct fb_error error = { 0 };
    struct pack pack;
    struct stat info;
    if (fb_samples_make(&pack.fd, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(fstat(pack.fd, &info), 0);
    pack.size = (size_t)info.st_size;
    pack.bytes = mmap(NULL, pack.size, PROT_READ, MAP_SHARED, pack.fd, 0);
    assert_true(pack.bytes != MAP_FAILED);
    pack.head = (const void *)pack.bytes;
    pack.entry = (const void *)(pack.head + 1);
    return pack;
}

static void clear_pack(struct pack *pack)
{
    munmap((void *)pack->bytes, pack->size);
    close(pack->fd);
}

static void the_pack_is_well_formed(void **state)
{
    (void)state;
    struct pack pack = make_pack();
    uint64_t end = sizeof *pack.head + FB_SAMPLES * sizeof *pack.entry;
    assert_int_equal(FB_SAMPLES, 64);
    assert_memory_equal(pack.head->magic, FB_PACK_MAGIC, 8);
    assert_int_equal(pack.head->count, FB_SAMPLES);
    for (int i = 0; i < FB_SAMPLES; i++) {
        char name[32];
        snprintf(name, sizeof name, "sample_%02d.jpg", i + 1);
        assert_string_equal(pack.entry[i].name, name);
        assert_int_equal(pack.entry[i].offset, end); /* no gaps, no overlap */
        double bits = 8.0 * (double)pack.entry[i].size / (WIDTH * HEIGHT);
        assert_true(bits >= 1 && bits <= 3.5);
        end += pack.entry[i].size;
    }
    assert_int_equal(end, pack.size);
    /* Children inherit it. */
    assert_int_equal(fcntl(pack.fd, F_GETFD) & FD_CLOEXEC, 0);
    clear_pack(&pack);
}

static void two_packs_are_identical(void **state)
{
    (void)state;
    struct pack one = make_pack(), other = make_pack();
    assert_int_equal(one.size, other.size);
    assert_true(one.fd != other.fd);
    assert_memory_equal(one.bytes, other.bytes, one.size);
    clear_pack(&one);
    clear_pack(&other);
}

static void descriptors_are_closed(void **state)
{
    (void)state;
    unsigned before = descriptors_open();
    int fd;
    assert_int_equal(fb_samples_make(&fd, NULL), 0);
    assert_int_equal(descriptors_open(), before + 1);
    close(fd);
    assert_int_equal(descriptors_open(), before);
    /* An album keeps the pack mapped; the arena has it open, and a file of its own. */
    struct fb_arena *arena;
    struct fb_album album = { 0 };
    assert_int_equal(fb_arena_open(&arena), 0);
    assert_int_equal(fb_album_open(&album, arena, "", NULL), 0);
    assert_int_equal(album.count, FB_SAMPLES);
    assert_int_equal(descriptors_open(), before + 2);
    fb_arena_close(arena);
    assert_int_equal(descriptors_open(), before);
}

/* ---- the pictures, decoded by libjpeg directly ---- */

static void count_warning(j_common_ptr info, int level)
{
    if (level < 0)
        info->err->num_warnings++;
}

/* A digest of the pixels. */
static uint64_t look_at(const uint8_t *bytes, size_t size)
{
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    uint8_t row[WIDTH * 3], *rows[] = { row };
    uint64_t digest = 0;
    jpeg.err = jpeg_std_error(&errors);
    errors.emit_message = count_warning;
    jpeg_create_decompress(&jpeg);
    jpeg_mem_src(&jpeg, bytes, size);
    jpeg_read_header(&jpeg, TRUE);
    assert_int_equal(jpeg.image_width, WIDTH);
    assert_int_equal(jpeg.image_height, HEIGHT);
    assert_int_equal(jpeg.num_components, 3);
    jpeg_start_decompress(&jpeg);
    while (jpeg.output_scanline < HEIGHT) {
        jpeg_read_scanlines(&jpeg, rows, 1);
        for (size_t i = 0; i < sizeof row; i += sizeof(uint64_t)) {
            uint64_t word;
            memcpy(&word, row + i, sizeof word);
            digest = fb_digest(digest, word);
        }
    }
    jpeg_finish_decompress(&jpeg);
    assert_int_equal(errors.num_warnings, 0);
    jpeg_destroy_decompress(&jpeg);
    return digest;
}

static void all_are_different_photographs(void **state)
{
    (void)state;
    struct pack pack = make_pack();
    uint64_t digest[FB_SAMPLES];
    for (int i = 0; i < FB_SAMPLES; i++) {
        digest[i] = look_at(pack.bytes + pack.entry[i].offset, pack.entry[i].size);
        for (int k = 0; k < i; k++)
            assert_true(digest[k] != digest[i]);
    }
    clear_pack(&pack);
}

/* They have light and dark parts, colours, and noise like that of a sensor. */
static void they_look_like_photographs(void **state)
{
    (void)state;
    struct pack pack = make_pack();
    struct fb_image image = { 0 };
    for (int i = 0; i < FB_SAMPLES; i += 21) {
        assert_int_equal(
            fb_image_decode(pack.bytes + pack.entry[i].offset, pack.entry[i].size, &image, NULL),
            0);
        assert_int_equal(image.channels, 3);
        unsigned seen[256] = { 0 }, used = 0, coloured = 0, rough = 0;
        for (size_t k = 0; k + 3 < (size_t)WIDTH * HEIGHT * 3; k += 3) {
            seen[image.pixels[k + 1]]++;
            coloured += abs(image.pixels[k] - image.pixels[k + 2]) > 10;
            rough += image.pixels[k] != image.pixels[k + 3];
        }
        for (int value = 0; value < 256; value++)
            used += seen[value] > 100;
        assert_true(used > 100);
        assert_true(coloured > WIDTH * HEIGHT / 4);
        assert_true(rough > WIDTH * HEIGHT / 2);
    }
    fb_image_clear(&image);
    clear_pack(&pack);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_pack_is_well_formed),
        cmocka_unit_test(two_packs_are_identical),
        cmocka_unit_test(descriptors_are_closed),
        cmocka_unit_test(all_are_different_photographs),
        cmocka_unit_test(they_look_like_photographs),
    };
    return RUN_TESTS(tests);
}
