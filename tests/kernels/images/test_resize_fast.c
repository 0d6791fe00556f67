/* resize-fast has the same statuses as resize and the same bytes with any vectors; its check notices wrong results only. */
#include "tests/support/support.h"

#include "kernels/images/image_decode.h"
#include "kernels/images/resize.h"

#include "base/random.h"

#include "tests/support/folder.h"
#include "tests/kernels/images/image_fixture.h"
#include "tests/kernels/images/image_folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* Makes another folder, for the files of one test. */
static void empty_folder(void)
{
    folder_remove(folder);
    folder_make(folder);
    snprintf(images_option, sizeof images_option, "images=%s", folder);
}

static struct fb_resize_result *run(struct task *task, const char *kernel, const char *option)
{
    task_open(task, arena, kernel_named(kernel),
              (const char *const[]){ images_option, "width=20", "height=15", option, NULL });
    task_run_single(task, arena);
    return task->job.results;
}

static void each_item_has_the_same_status_as_under_resize(void **state)
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
        result[i].grid[5][0] ^= 0x80; /* one pixel, by much */
        assert_int_equal(task_check(&task, NULL), -EBADMSG);
        result[i].grid[5][0] ^= 0x80;
        struct fb_resize_result before = result[i];
        for (int at = 0; at < FB_RESIZE_GRID * FB_RESIZE_GRID; at++) /* all pixels, by little */
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

/* A progressive file without its end suffices for a small result, which is checked too. */
static void the_result_of_a_truncated_file_is_checked(void **state)
{
    (void)state;
    struct task task;
    struct fb_error error = { 0 };
    struct fb_image whole = { 0 };
    struct bytes bytes = jpeg_smooth(JPEG_PROGRESSIVE, 640, 480);
    empty_folder();
    file_write_bytes(folder, "cut.jpg", bytes.data, bytes.size - 100);
    struct fb_resize_result *result = run(&task, "resize-fast", NULL);
    assert_int_equal(task.job.items, 1);
    assert_int_equal(result->status, 0);
    assert_int_equal(fb_image_decode(bytes.data, bytes.size - 100, &whole, NULL), -EBADMSG);
    fb_image_clear(&whole);
    if (task_check(&task, &error) != 0)
        fail_msg("%s", error.text);
    result->grid[5][0] ^= 0x80;
    assert_int_equal(task_check(&task, &error), -EBADMSG);
    assert_string_equal(error.text, "wrong result: cut.jpg: wrong pixels");
    result->grid[5][0] ^= 0x80;
    result->from_width++;
    assert_int_equal(task_check(&task, &error), -EBADMSG);
    task_close(&task);
    bytes_clear(&bytes);
}

/* Writes black and white noise as a PNG and as a JPEG: at hard edges different filters differ most. */
static void put_noise(struct fb_random *random, uint32_t side)
{
    size_t count = (size_t)side * side;
    uint16_t *sample = calloc(count, sizeof *sample);
    uint8_t *pixel = calloc(count, 1);
    char name[40];
    assert_true(sample && pixel);
    for (size_t k = 0; k < count; k++)
        sample[k] = pixel[k] = fb_random_below(random, 2) ? 255 : 0;
    const struct png png = { .width = side, .height = side, .depth = 8, .colour = PNG_GREY };
    struct bytes one = png_make(&png, sample), two = jpeg_make(JPEG_GREY, side, side, 90, pixel);
    snprintf(name, sizeof name, "%u.png", side);
    file_write_bytes(folder, name, one.data, one.size);
    snprintf(name, sizeof name, "%u.jpg", side);
    file_write_bytes(folder, name, two.data, two.size);
    bytes_clear(&one);
    bytes_clear(&two);
    free(sample);
    free(pixel);
}

/* A correct result must pass. 2 pixels become 15 rows, for which vectors are not used. */
static void hard_edges_pass_the_check(void **state)
{
    (void)state;
    static const uint32_t sizes[] = { 2, 16, 32, 100, 300 };
    struct fb_random random = { .state = 3 };
    empty_folder();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        put_noise(&random, sizes[i]);
    for (const char *const *filter = fb_filter_names; *filter; filter++) {
        struct task task;
        struct fb_error error = { 0 };
        char option[40];
        snprintf(option, sizeof option, "filter=%s", *filter);
        run(&task, "resize-fast", option);
        if (task_check(&task, &error) != 0)
            fail_msg("%s: %s", *filter, error.text);
        task_close(&task);
    }
}

/* At hard edges it matters whether the middle image has bytes or floats: the result of one does not pass the check of
 * the other. */
static void each_way_is_checked_by_its_own_definition(void **state)
{
    (void)state;
    struct task plain, fast;
    struct fb_random random = { .state = 5 };
    empty_folder();
    put_noise(&random, 32);
    struct fb_resize_result *one = run(&plain, "resize", "filter=lanczos3");
    struct fb_resize_result *two = run(&fast, "resize-fast", "filter=lanczos3");
    assert_int_equal(task_check(&plain, NULL), 0);
    assert_int_equal(task_check(&fast, NULL), 0);
    struct fb_resize_result kept = one[1];
    one[1] = two[1]; /* the PNG, which both decode completely */
    two[1] = kept;
    assert_int_equal(task_check(&plain, NULL), -EBADMSG);
    assert_int_equal(task_check(&fast, NULL), -EBADMSG);
    task_close(&plain);
    task_close(&fast);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_item_has_the_same_status_as_under_resize),
        TEST(any_vectors_give_the_same_bytes),
        TEST(other_pixels_are_noticed),
        TEST(the_result_of_a_truncated_file_is_checked),
        TEST(hard_edges_pass_the_check),
        TEST(each_way_is_checked_by_its_own_definition),
    };
    return RUN_TESTS(tests);
}
