/* The kernel `resize` on a folder of good and broken images, and its check. */
#include "tests/support/support.h"

#include "tests/support/folder.h"
#include "kernels/images/image_decode.h"
#include "kernels/images/resample.h"
#include "tests/kernels/images/image_fixture.h"
#include "tests/kernels/images/image_folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* As in kernels/images/resize.c and the Python version. */
struct result {
    int32_t status;
    uint32_t from_width, from_height, width, height, channels;
    uint64_t encoded_bytes, pixels;
    uint8_t grid[16][3];
    char reason[96];
};

static char folder[FOLDER_NAME], out[FOLDER_NAME];
static char images_option[FOLDER_NAME + 16], out_option[FOLDER_NAME + 16];

static int begin(void **state)
{
    (void)state;
    mixed_make(folder);
    folder_make(out);
    snprintf(images_option, sizeof images_option, "images=%s", folder);
    snprintf(out_option, sizeof out_option, "out=%s", out);
    assert_int_equal(kernel_named("resize")->result_size, sizeof(struct result));
    return fb_arena_open(&arena);
}

static int end(void **state)
{
    (void)state;
    folder_remove(folder);
    folder_remove(out);
    fb_arena_close(arena);
    return 0;
}

static struct result *open_and_run(struct task *task, const char *const *assignments)
{
    task_open(task, arena, kernel_named("resize"), assignments);
    task_run_single(task, arena);
    return task->job.results;
}

#define RESIZE(task, ...) open_and_run(task, (const char *const[]){ __VA_ARGS__, NULL })

static void decode_file(const char *where, const char *prefix, const char *name,
                        struct fb_image *ret_image)
{
    char path[PATH_MAX];
    static uint8_t bytes[1 << 18];
    snprintf(path, sizeof path, "%s/%s%s", where, prefix, name);
    FILE *file = fopen(path, "rbe");
    if (!file)
        fail_msg("no such file: %s", path);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    struct fb_error error = { 0 };
    if (fb_image_decode(bytes, size, ret_image, &error) != 0)
        fail_msg("%s: %s", path, error.text);
    if (*prefix)
        assert_memory_equal(bytes, "\xff\xd8\xff", 3); /* a JPEG, whatever its name is */
}

/* ---- a folder of everything ---- */

static void each_item_has_a_status(void **state)
{
    (void)state;
    struct task task;
    struct fb_error error = { 0 };
    char text[512], expected[64];
    const struct result *result = RESIZE(&task, images_option);
    assert_int_equal(task.job.items, mixed_count());
    for (size_t i = 0; i < task.job.items; i++) {
        const struct mixed_file *file = &mixed_files[i];
        if ((result[i].status == 0) != !file->reason)
            fail_msg("%s: status %d, %s", file->name, result[i].status, result[i].reason);
        if (!file->reason) {
            assert_int_equal(result[i].width, 128);
            assert_int_equal(result[i].height, 128);
            assert_true(result[i].encoded_bytes > 200);
            assert_string_equal(result[i].reason, "");
            continue;
        }
        assert_true(result[i].status < 0);
        task.kernel->describe(task.input, result, i, text, sizeof text);
        snprintf(expected, sizeof expected, "%s: ", file->name);
        assert_int_equal(strncmp(text, expected, strlen(expected)), 0);
        assert_non_null(strstr(text + strlen(expected), file->reason));
    }
    assert_int_equal(fb_results_failed(task.kernel, result, task.job.items), mixed_broken());
    if (task_check(&task, &error) != 0)
        fail_msg("%s", error.text);
    task.kernel->answer(task.input, result, text, sizeof text);
    snprintf(expected, sizeof expected, "%zu images to 128x128, %zu broken",
             mixed_count() - mixed_broken(), mixed_broken());
    assert_string_equal(text, expected);
    task_close(&task);
}

/* Checks a saved image against the original. */
static void check_saved(const char *name)
{
    struct fb_image image = { 0 }, small = { 0 }, saved = { 0 };
    struct fb_resampler resampler = { 0 };
    decode_file(folder, "", name, &image);
    decode_file(out, "processed_", name, &saved);
    assert_int_equal(fb_image_resample(&image, FB_BICUBIC, 128, 128, &resampler, &small, NULL), 0);
    assert_int_equal(saved.width, 128);
    assert_int_equal(saved.height, 128);
    assert_int_equal(saved.channels, image.channels);
    double off = 0;
    for (size_t i = 0; i < (size_t)128 * 128 * image.channels; i++)
        off += abs(saved.pixels[i] - small.pixels[i]);
    off /= 128.0 * 128 * image.channels;
    if (off > 4) /* the mean difference; quality 75 */
        fail_msg("%s: off by %g", name, off);
    fb_image_clear(&image);
    fb_image_clear(&small);
    fb_image_clear(&saved);
    fb_resampler_clear(&resampler);
}

static void good_images_are_saved(void **state)
{
    (void)state;
    for (int round = 0; round < 2; round++) {
        struct task task;
        RESIZE(&task, images_option, out_option);
        assert_int_equal(task_check(&task, NULL), 0);
        for (size_t i = 0; i < mixed_count(); i++)
            if (!mixed_files[i].reason)
                check_saved(mixed_files[i].name);
        /* No other files: neither temporary ones nor those of broken or hidden images. */
        assert_int_equal(folder_count(out), mixed_count() - mixed_broken());
        task_close(&task);
    }
}

static void parameters_matter(void **state)
{
    (void)state;
    static const char *const other[] = { "filter=lanczos3", "filter=box", "filter=bilinear",
                                         "quality=74",      "width=127",  "height=129" };
    struct task task;
    RESIZE(&task, images_option);
    uint64_t digest = task_digest(&task);
    task_close(&task);
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        RESIZE(&task, images_option, other[i]);
        assert_int_equal(task_check(&task, NULL), 0);
        assert_true(task_digest(&task) != digest);
        task_close(&task);
    }
    RESIZE(&task, images_option, "filter=bicubic", "quality=75", "width=128", out_option);
    assert_true(task_digest(&task) == digest);
    task_close(&task);
}

/* From one pixel to a large result. */
static void extreme_sizes(void **state)
{
    (void)state;
    static const char *const size[][2] = { { "width=1", "height=1" },
                                           { "width=1", "height=700" },
                                           { "width=700", "height=1" },
                                           { "width=3", "height=2" } };
    for (size_t i = 0; i < sizeof size / sizeof *size; i++)
        for (int filter = 0; filter < 4; filter++) {
            static const char *const names[] = { "filter=box", "filter=bilinear", "filter=bicubic",
                                                 "filter=lanczos3" };
            struct task task;
            struct fb_error error = { 0 };
            RESIZE(&task, images_option, size[i][0], size[i][1], names[filter]);
            if (task_check(&task, &error) != 0)
                fail_msg("%s %s %s: %s", size[i][0], size[i][1], names[filter], error.text);
            assert_int_equal(fb_results_failed(task.kernel, task.job.results, task.job.items),
                             mixed_broken());
            task_close(&task);
        }
}

static void answers_are_truncated_to_their_buffer(void **state)
{
    (void)state;
    struct task task;
    RESIZE(&task, images_option);
    for (size_t size = 1; size < 60; size++)
        for (int which = 0; which < 2; which++) {
            char text[64];
            memset(text, '#', sizeof text);
            if (which == 0)
                task.kernel->answer(task.input, task.job.results, text, size);
            else
                task.kernel->describe(task.input, task.job.results, 0, text, size);
            assert_non_null(memchr(text, '\0', size));
            for (size_t i = size; i < sizeof text; i++)
                assert_int_equal(text[i], '#');
        }
    task_close(&task);
}

/* ---- check ---- */

static void expect_wrong(const struct task *task, const char *name)
{
    struct fb_error error = { 0 };
    char begin[64]; /* long names are truncated */
    snprintf(begin, sizeof begin, "%s", name);
    assert_int_equal(task_check(task, &error), -EBADMSG);
    assert_int_equal(error.code, -EBADMSG);
    assert_non_null(strstr(error.text, begin));
    assert_int_equal(task_check(task, NULL), -EBADMSG);
}

static void tampered_sizes_are_noticed(void **state)
{
    (void)state;
    struct task task;
    struct result *result = RESIZE(&task, images_option);
    for (size_t i = 0; i < task.job.items; i++) {
        if (result[i].status < 0)
            continue;
        uint32_t *field[] = { &result[i].from_width, &result[i].from_height, &result[i].width,
                              &result[i].height, &result[i].channels };
        for (size_t k = 0; k < sizeof field / sizeof *field; k++)
            for (int by = -1; by <= 1; by += 2) {
                *field[k] += (uint32_t)by;
                expect_wrong(&task, mixed_files[i].name);
                *field[k] -= (uint32_t)by;
            }
        uint64_t bytes = result[i].encoded_bytes;
        result[i].encoded_bytes = 0;
        expect_wrong(&task, mixed_files[i].name);
        result[i].encoded_bytes = bytes;
    }
    assert_int_equal(task_check(&task, NULL), 0);
    task_close(&task);
}

static void tampered_pixels_are_noticed(void **state)
{
    (void)state;
    struct task task;
    struct result *result = RESIZE(&task, images_option);
    uint64_t digest = task_digest(&task);
    for (size_t i = 0; i < task.job.items; i++)
        for (int at = 0; result[i].status == 0 && at < 16; at++) {
            uint8_t *value = &result[i].grid[at][(unsigned)at % result[i].channels];
            *value ^= 0x80;
            expect_wrong(&task, mixed_files[i].name);
            *value ^= 0x80;
        }
    assert_int_equal(task_check(&task, NULL), 0);
    /* The digest covers all pixels. */
    result[0].pixels++;
    assert_true(task_digest(&task) != digest);
    result[0].pixels--;
    result[0].status = -EIO;
    assert_true(task_digest(&task) != digest);
    task_close(&task);
}

static void results_in_the_wrong_place_are_noticed(void **state)
{
    (void)state;
    struct task task;
    struct result *result = RESIZE(&task, images_option);
    struct result first = result[0];
    result[0] = result[1];
    result[1] = first;
    expect_wrong(&task, mixed_files[0].name);
    task_forget(&task); /* no item was done */
    expect_wrong(&task, mixed_files[0].name);
    task_close(&task);
}

/* ---- files that change or can't be written ---- */

static void a_removed_file_is_a_broken_item(void **state)
{
    (void)state;
    struct task task;
    char path[PATH_MAX];
    task_open(&task, arena, kernel_named("resize"),
              (const char *const[]){ images_option, out_option, NULL });
    snprintf(path, sizeof path, "%s/%s", folder, mixed_files[0].name);
    assert_int_equal(unlink(path), 0);
    task_run_single(&task, arena);
    const struct result *result = task.job.results;
    assert_int_equal(result[0].status, -ENOENT);
    assert_string_equal(result[0].reason, "No such file or directory");
    assert_int_equal(folder_count(out), mixed_count() - mixed_broken() - 1);
    assert_int_equal(task_check(&task, NULL), 0);
    /* And a file that changes between the work and the check. */
    file_write(folder, mixed_files[1].name, "no image any more");
    expect_wrong(&task, mixed_files[1].name);
    task_close(&task);
}

static void a_result_that_cannot_be_saved_is_a_broken_item(void **state)
{
    (void)state;
    struct task task;
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/processed_%s", out, mixed_files[0].name);
    assert_int_equal(mkdir(path, 0700), 0); /* a folder with the name of the result */
    const struct result *result = RESIZE(&task, images_option, out_option);
    assert_true(result[0].status < 0);
    assert_non_null(strstr(result[0].reason, "can't save"));
    assert_int_equal(result[1].status, 0);
    assert_int_equal(folder_count(out), mixed_count() - mixed_broken());
    assert_int_equal(folder_count(path), 0);
    /* The folder is removed. */
    folder_remove(out);
    task_run_single(&task, arena);
    assert_int_equal(fb_results_failed(task.kernel, result, task.job.items), mixed_count());
    assert_int_equal(result[1].status, -ENOENT);
    assert_non_null(strstr(result[1].reason, "can't save"));
    assert_int_equal(mkdir(out, 0700), 0);
    task_close(&task);
}

/* A name may have 255 bytes, of which "processed_" takes ten. */
static void the_longest_names(void **state)
{
    (void)state;
    static const size_t lengths[] = { 200, 233, 240, 245, 246, 255 };
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        char from[PATH_MAX], to[PATH_MAX], name[256] = { 0 };
        struct task task;
        memset(name, 'l', lengths[i]);
        snprintf(from, sizeof from, "%s/%s", folder, mixed_files[0].name);
        snprintf(to, sizeof to, "%s/%s", folder, name);
        assert_int_equal(link(from, to), 0);
        const struct result *result = RESIZE(&task, images_option, out_option);
        size_t broken = fb_results_failed(task.kernel, result, task.job.items);
        assert_int_equal(task_check(&task, NULL), 0);
        assert_int_equal(unlink(to), 0);
        snprintf(to, sizeof to, "processed_%s", name);
        bool saved = file_exists(out, to);
        task_close(&task);
        if (saved != (lengths[i] <= 245))
            fail_msg("a name of %zu bytes was %ssaved", lengths[i], saved ? "" : "not ");
        assert_int_equal(broken, mixed_broken() + !saved);
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_item_has_a_status),
        TEST(good_images_are_saved),
        TEST(parameters_matter),
        TEST(extreme_sizes),
        TEST(answers_are_truncated_to_their_buffer),
        TEST(tampered_sizes_are_noticed),
        TEST(tampered_pixels_are_noticed),
        TEST(results_in_the_wrong_place_are_noticed),
        TEST(a_removed_file_is_a_broken_item),
        TEST(a_result_that_cannot_be_saved_is_a_broken_item),
        TEST(the_longest_names),
    };
    return RUN_TESTS(tests);
}
