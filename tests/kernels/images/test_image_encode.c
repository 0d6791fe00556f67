/* Images are encoded as JPEGs that are decoded to the same image; buffers are reused. */
#include "tests/support/support.h"

#include "kernels/images/image_decode.h"
#include "kernels/images/jpeg.h"
#include "tests/kernels/images/image_fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct fb_image image;

static int clear_image(void **state)
{
    (void)state;
    fb_image_clear(&image);
    return image.pixels != NULL;
}

static void decode(const struct bytes *bytes, uint32_t width, uint32_t height, uint32_t channels)
{
    struct fb_error error = { 0 };
    if (fb_image_decode(bytes->data, bytes->size, &image, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(image.width, width);
    assert_int_equal(image.height, height);
    assert_int_equal(image.channels, channels);
}

/* ---- encoding ---- */

static struct fb_image make_image(uint32_t width, uint32_t height, uint32_t channels)
{
    struct fb_image made = { 0 };
    assert_int_equal(fb_image_reserve(&made, width, height, channels, NULL), 0);
    uint8_t *pixels = smooth_pixels(width, height, channels);
    memcpy(made.pixels, pixels, (size_t)width * height * channels);
    free(pixels);
    return made;
}

static void encoding_and_decoding_give_the_same_image(void **state)
{
    (void)state;
    for (uint32_t channels = 1; channels <= 3; channels += 2)
        for (uint32_t width = 1; width <= 130; width += 43) {
            struct fb_image made = make_image(width, 70, channels);
            struct bytes whole, rows;
            assert_int_equal(fb_jpeg_encode(&made, 95, &whole.data, &whole.size, NULL), 0);
            assert_int_equal(fb_jpeg_encode_rows(&made, 95, &rows.data, &rows.size, NULL), 0);
            decode(&whole, width, 70, channels);
            assert_true(greatest_difference(image.pixels, made.pixels, width * 70 * channels) <=
                        10);
            memcpy(made.pixels, image.pixels, width * 70 * channels);
            /* Restart markers change the file but no pixels. */
            decode(&rows, width, 70, channels);
            assert_memory_equal(image.pixels, made.pixels, width * 70 * channels);
            assert_true(rows.size > whole.size);
            bytes_clear(&whole);
            bytes_clear(&rows);
            fb_image_clear(&made);
        }
}

static void better_quality_takes_more_bytes(void **state)
{
    (void)state;
    static const int quality[] = { 1, 25, 50, 75, 90, 100 };
    struct fb_image made = make_image(96, 80, 3);
    uint32_t seed = 5;
    size_t last = 0;
    for (size_t i = 0; i < 96 * 80 * 3; i++)
        made.pixels[i] = (uint8_t)(made.pixels[i] + next_number(&seed) % 24);
    for (size_t i = 0; i < sizeof quality / sizeof *quality; i++) {
        struct bytes bytes;
        assert_int_equal(fb_jpeg_encode(&made, quality[i], &bytes.data, &bytes.size, NULL), 0);
        assert_true(bytes.size > last);
        last = bytes.size;
        bytes_clear(&bytes);
    }
    fb_image_clear(&made);
}

/* The documented codes are -EINVAL and -ENOMEM, not -EBADMSG. */
static void encoding_refuses_what_jpeg_cannot_hold(void **state)
{
    (void)state;
    static const uint32_t side[][2] = { { 0, 0 }, { 0, 5 }, { 5, 0 }, { 65536, 1 }, { 1, 65536 } };
    for (size_t i = 0; i < sizeof side / sizeof *side; i++) {
        struct fb_image made = { 0 };
        struct fb_error error = { 0 };
        uint8_t *bytes = NULL;
        size_t size = 0;
        assert_int_equal(fb_image_reserve(&made, side[i][0], side[i][1], 3, NULL), 0);
        if (made.pixels)
            memset(made.pixels, 0, made.room);
        assert_int_equal(fb_jpeg_encode(&made, 75, &bytes, &size, &error), -EINVAL);
        assert_int_equal(error.code, -EINVAL);
        assert_null(bytes);
        fb_image_clear(&made);
    }
}

/* ---- the buffer ---- */

static void a_buffer_serves_many_images(void **state)
{
    (void)state;
    struct bytes large = jpeg_smooth(JPEG_444, 90, 70), small = jpeg_smooth(JPEG_GREY, 5, 4);
    decode(&large, 90, 70, 3);
    uint8_t *pixels = image.pixels;
    size_t room = image.room;
    decode(&small, 5, 4, 1);
    assert_ptr_equal(image.pixels, pixels);
    assert_int_equal(image.room, room);
    decode(&large, 90, 70, 3);
    assert_ptr_equal(image.pixels, pixels);
    bytes_clear(&large);
    bytes_clear(&small);
}

static void sizes_have_a_limit(void **state)
{
    (void)state;
    static const uint32_t refused[][2] = {
        { FB_IMAGE_SIDE_MOST + 1, 1 },
        { 1, FB_IMAGE_SIDE_MOST + 1 },
        { 16385, 16384 },
        { 65536, 65536 },
        { UINT32_MAX, UINT32_MAX },
        { UINT32_MAX, 0 },
    };
    struct fb_error error = { 0 };
    assert_int_equal(fb_image_reserve(&image, 3, 2, 1, &error), 0);
    image.pixels[5] = 77;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        for (uint32_t channels = 1; channels <= 4; channels++) {
            int result = fb_image_reserve(&image, refused[i][0], refused[i][1], channels, &error);
            assert_int_equal(result, -EFBIG);
            assert_int_equal(error.code, -EFBIG);
            assert_int_equal(fb_image_reserve(&image, refused[i][0], refused[i][1], 1, NULL),
                             -EFBIG);
            /* The pixels are unchanged. */
            assert_int_equal(image.width, 3);
            assert_int_equal(image.pixels[5], 77);
        }
    /* The largest sizes only take address space, because the pixels are not touched. */
    assert_int_equal(fb_image_reserve(&image, FB_IMAGE_SIDE_MOST, 256, 1, &error), 0);
    assert_int_equal(fb_image_reserve(&image, 16384, 16384, 1, &error), 0);
    assert_int_equal(image.room, FB_IMAGE_PIXELS_MOST);
}

#define TEST(function) cmocka_unit_test_teardown(function, clear_image)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(encoding_and_decoding_give_the_same_image),
        TEST(better_quality_takes_more_bytes),
        TEST(encoding_refuses_what_jpeg_cannot_hold),
        TEST(a_buffer_serves_many_images),
        TEST(sizes_have_a_limit),
    };
    return RUN_TESTS(tests);
}
