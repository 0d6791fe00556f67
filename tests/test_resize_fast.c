/* resize-fast: JPEGs decoded no larger than needed, progressive ones no further; results near resize's. */
#include "support.h"

#include "kernels/resize.h"

#include "folder.h"
#include "mixed.h"
#include "pictures.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH 640u
#define HEIGHT 480u

static struct fb_image image, whole;

static int clear(void **state)
{
    (void)state;
    fb_image_clear(&image);
    fb_image_clear(&whole);
    return 0;
}

static int decode(const struct bytes *bytes, size_t size, uint32_t least_width,
                  uint32_t least_height)
{
    uint32_t width = 0, height = 0;
    struct fb_error error = { 0 };
    int result = fb_image_decode_least(bytes->data, size, least_width, least_height, &image, &width,
                                       &height, &error);
    if (result == 0) {
        assert_int_equal(width, WIDTH);
        assert_int_equal(height, HEIGHT);
    }
    return result;
}

/* ---- decoding ---- */

/* The fewest eighths that are enough, for each width that may be asked for. */
static void no_smaller_than_asked_and_no_larger_than_needed(void **state)
{
    (void)state;
    struct bytes bytes = jpeg_smooth(JPEG_420, WIDTH, HEIGHT);
    for (uint32_t least = 1; least <= WIDTH + 40; least += 13) {
        assert_int_equal(decode(&bytes, bytes.size, least, 1), 0);
        uint32_t eighths = image.width * 8 / WIDTH;
        assert_int_equal(image.width, WIDTH * eighths / 8);
        assert_int_equal(image.height, HEIGHT * eighths / 8);
        assert_true(image.width >= least || eighths == 8);
        assert_true(eighths == 1 || WIDTH * (eighths - 1) / 8 < least);
    }
    assert_int_equal(decode(&bytes, bytes.size, 1, HEIGHT / 2), 0);
    assert_int_equal(image.height, HEIGHT / 2); /* the narrower side decides */
    bytes_clear(&bytes);
}

/* The mean of a square of the whole image; the squares' pixels are slopes. */
static double mean_of(uint32_t x, uint32_t y, uint32_t channel, uint32_t side)
{
    double sum = 0;
    for (uint32_t j = 0; j < side; j++)
        for (uint32_t i = 0; i < side; i++)
            sum +=
                whole
                    .pixels[((size_t)(y * side + j) * whole.width + x * side + i) * whole.channels +
                            channel];
    return sum / (side * side);
}

/* Every small size of this file against the mean of the whole one. */
static void check_small(const struct bytes *bytes, const char *what, int value)
{
    assert_int_equal(fb_image_decode(bytes->data, bytes->size, &whole, NULL), 0);
    for (uint32_t side = 2; side <= 8; side *= 2) {
        assert_int_equal(decode(bytes, bytes->size, WIDTH / side, HEIGHT / side), 0);
        assert_int_equal(image.width, WIDTH / side);
        assert_int_equal(image.channels, whole.channels);
        const uint8_t *pixel = image.pixels;
        for (uint32_t y = 0; y < image.height; y++)
            for (uint32_t x = 0; x < image.width; x++)
                for (uint32_t channel = 0; channel < image.channels; channel++, pixel++)
                    if (abs((int)(mean_of(x, y, channel, side) + 0.5) - *pixel) > 6)
                        fail_msg("%s %d by %u: at %u, %u: %d, not %g", what, value, side, x, y,
                                 *pixel, mean_of(x, y, channel, side));
    }
}

static void small_ones_show_the_same_picture(void **state)
{
    (void)state;
    for (int kind = 0; kind < JPEG_KINDS; kind++) {
        struct bytes bytes = jpeg_smooth((enum jpeg_kind)kind, WIDTH, HEIGHT);
        check_small(&bytes, "kind", kind);
        bytes_clear(&bytes);
    }
}

static double brightness(const struct fb_image *of, uint32_t channel)
{
    size_t pixels = (size_t)of->width * of->height;
    double sum = 0;
    for (size_t i = 0; i < pixels; i++)
        sum += of->pixels[i * of->channels + channel];
    return sum / (double)pixels;
}

/* Where steps are coarse the last bit of a brightness is worth reading on for. */
static void coarse_progressive_ones_keep_their_brightness(void **state)
{
    (void)state;
    static const int qualities[] = { 3, 10, 25, 50, 90 };
    uint8_t *pixels = smooth_pixels(WIDTH, HEIGHT, 3);
    for (size_t i = 0; i < sizeof qualities / sizeof *qualities; i++)
        for (int kind = JPEG_PROGRESSIVE; kind <= JPEG_PROGRESSIVE_420; kind++) {
            struct bytes bytes =
                jpeg_make((enum jpeg_kind)kind, WIDTH, HEIGHT, qualities[i], pixels);
            assert_int_equal(fb_image_decode(bytes.data, bytes.size, &whole, NULL), 0);
            for (uint32_t side = 2; side <= 8; side *= 2) {
                assert_int_equal(decode(&bytes, bytes.size, WIDTH / side, HEIGHT / side), 0);
                for (uint32_t channel = 0; channel < 3; channel++)
                    if (fabs(brightness(&image, channel) - brightness(&whole, channel)) > 1)
                        fail_msg("quality %d by %u: %g, not %g", qualities[i], side,
                                 brightness(&image, channel), brightness(&whole, channel));
            }
            bytes_clear(&bytes);
        }
    free(pixels);
}

/* What comes behind the scans that are needed may be missing; what is needed may not. */
static void a_progressive_image_need_not_be_whole(void **state)
{
    (void)state;
    struct bytes bytes = jpeg_smooth(JPEG_PROGRESSIVE, WIDTH, HEIGHT);
    assert_int_equal(decode(&bytes, bytes.size, WIDTH / 8, HEIGHT / 8), 0);
    size_t size = (size_t)image.width * image.height * image.channels;
    uint8_t *pixels = malloc(size);
    assert_non_null(pixels);
    memcpy(pixels, image.pixels, size);
    size_t enough = 0;
    for (size_t cut = bytes.size; cut > 200; cut -= bytes.size / 50) {
        int result = decode(&bytes, cut, WIDTH / 8, HEIGHT / 8);
        if (result == 0) {
            assert_memory_equal(image.pixels, pixels, size);
            enough = cut;
        } else {
            assert_int_equal(result, -EBADMSG);
        }
    }
    assert_true(enough > 0 && enough < bytes.size * 3 / 4);
    assert_int_equal(decode(&bytes, enough, WIDTH, HEIGHT), -EBADMSG);
    free(pixels);
    bytes_clear(&bytes);
}

/* ---- the kernel ---- */

static struct fb_arena *arena;
static char folder[FOLDER_NAME], images_option[FOLDER_NAME + 16];

static int begin(void **state)
{
    (void)state;
    mixed_make(folder);
    snprintf(images_option, sizeof images_option, "images=%s", folder);
    return fb_arena_open(&arena);
}

static int end(void **state)
{
    (void)state;
    folder_remove(folder);
    fb_arena_close(arena);
    return 0;
}

static struct fb_resize_result *run(struct task *task, const char *kernel, const char *option)
{
    task_open(task, arena, kernel_named(kernel),
              (const char *const[]){ images_option, "width=20", "height=15", option, NULL });
    task_run_single(task, arena);
    return task->job.results;
}

static void each_item_goes_as_under_resize(void **state)
{
    (void)state;
    struct task plain, fast;
    struct fb_error error = { 0 };
    const struct fb_resize_result *one = run(&plain, "resize", NULL);
    const struct fb_resize_result *two = run(&fast, "resize-fast", NULL);
    assert_int_equal(plain.job.items, fast.job.items);
    if (task_check(&fast, &error) != 0)
        fail_msg("%s", error.text);
    for (size_t i = 0; i < fast.job.items; i++) {
        assert_int_equal(one[i].status, two[i].status);
        assert_string_equal(one[i].reason, two[i].reason);
        assert_int_equal(one[i].from_width, two[i].from_width);
        assert_int_equal(one[i].from_height, two[i].from_height);
        assert_int_equal(one[i].channels, two[i].channels);
    }
    task_close(&plain);
    task_close(&fast);
}

static void any_vectors_give_the_same_bytes(void **state)
{
    (void)state;
    struct task task;
    run(&task, "resize-fast", "simd=portable");
    uint64_t digest = task_digest(&task);
    task_close(&task);
    run(&task, "resize-fast", "simd=auto");
    assert_int_equal(task_digest(&task), digest);
    task_close(&task);
}

static void other_pixels_are_noticed(void **state)
{
    (void)state;
    struct task task;
    struct fb_resize_result *result = run(&task, "resize-fast", NULL);
    for (size_t i = 0; i < task.job.items; i++) {
        if (result[i].status < 0)
            continue;
        result[i].grid[5][0] ^= 0x80; /* one, far off */
        assert_int_equal(task_check(&task, NULL), -EBADMSG);
        result[i].grid[5][0] ^= 0x80;
        struct fb_resize_result before = result[i];
        for (int at = 0; at < FB_RESIZE_GRID * FB_RESIZE_GRID; at++) /* all, a little */
            for (uint32_t channel = 0; channel < result[i].channels; channel++) {
                uint8_t *value = &result[i].grid[at][channel];
                *value = (uint8_t)(*value > 127 ? *value - 12 : *value + 12);
            }
        assert_int_equal(task_check(&task, NULL), -EBADMSG);
        result[i] = before;
    }
    assert_int_equal(task_check(&task, NULL), 0);
    task_close(&task);
}

#define KERNEL_TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(no_smaller_than_asked_and_no_larger_than_needed, clear),
        cmocka_unit_test_teardown(small_ones_show_the_same_picture, clear),
        cmocka_unit_test_teardown(coarse_progressive_ones_keep_their_brightness, clear),
        cmocka_unit_test_teardown(a_progressive_image_need_not_be_whole, clear),
        KERNEL_TEST(each_item_goes_as_under_resize),
        KERNEL_TEST(any_vectors_give_the_same_bytes),
        KERNEL_TEST(other_pixels_are_noticed),
    };
    return RUN_TESTS(tests);
}
