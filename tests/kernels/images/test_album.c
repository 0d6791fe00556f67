/* Which folders and packs `resize` accepts as images and for results, and how it refuses others. */
#include "tests/support/support.h"

#include "tests/support/folder.h"
#include "kernels/images/album.h"
#include "kernels/images/sample.h"
#include "tests/kernels/images/image_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[FOLDER_NAME];

static int begin(void **state)
{
    (void)state;
    folder_make(folder);
    return fb_arena_open(&arena);
}

static int end(void **state)
{
    (void)state;
    folder_remove(folder);
    fb_arena_close(arena);
    return 0;
}

/* folder/name; valid for the next three calls. */
static const char *in_folder(const char *name)
{
    static char path[4][2 * PATH_MAX];
    static unsigned next;
    char *to = path[next++ % 4];
    assert_true(snprintf(to, 2 * PATH_MAX, "%s/%s", folder, name) < 2 * PATH_MAX);
    return to;
}

/* An arena keeps a mapped file open. */
static unsigned others_open(void)
{
    struct fb_arena_place place;
    int fd[FB_ARENA_FILES];
    fb_arena_place(arena, &place, fd);
    return descriptors_open() - place.files;
}

static int open_album(const char *images, const char *out, struct fb_error *error,
                      struct task *task)
{
    char text[2 * PATH_MAX + 16];
    const struct fb_kernel *resize = kernel_named("resize");
    unsigned before = others_open();
    *task = (struct task){ .kernel = resize };
    assert_int_equal(fb_params_init(&task->params, resize), 0);
    snprintf(text, sizeof text, "images=%s", images);
    assert_int_equal(fb_params_set(&task->params, text, NULL), 0);
    snprintf(text, sizeof text, "out=%s", out);
    assert_int_equal(fb_params_set(&task->params, text, NULL), 0);
    *error = (struct fb_error){ 0 };
    int result = resize->setup(&task->params, arena, &task->input, error);
    assert_int_equal(others_open(), before);
    return result;
}

/* Fails the test unless it is refused with this code and a sentence of one line that contains `said`. */
static void refuse(const char *images, const char *out, int code, const char *said)
{
    struct fb_error error;
    struct task task;
    int result = open_album(images, out, &error, &task);
    if (result != code || error.code != code || !strstr(error.text, said) ||
        strchr(error.text, '\n'))
        fail_msg("images=%s out=%s: %d, %s", images, out, result, error.text);
    assert_null(task.input);
    fb_params_clear(&task.params);
}

static void accept(const char *images, const char *out, size_t items)
{
    struct fb_error error;
    struct task task;
    if (open_album(images, out, &error, &task) != 0)
        fail_msg("images=%s: %s", images, error.text);
    assert_int_equal(task.kernel->items(task.input), items);
    fb_params_clear(&task.params);
}

/* ---- folders ---- */

static void folders_without_images(void **state)
{
    (void)state;
    refuse(in_folder("missing"), "", -ENOENT, "missing");
    refuse(folder, "", -ENOENT, "no files");
    file_write(folder, ".hidden", "x");
    assert_int_equal(mkdir(in_folder("sub"), 0700), 0);
    assert_int_equal(symlink("sub", in_folder("link")), 0);
    refuse(folder, "", -ENOENT, "no files");
    file_write(folder, "plain", "x");
    accept(folder, "", 1);
    refuse(in_folder("plain/below"), "", -ENOTDIR, "below");
    assert_int_equal(symlink("nowhere", in_folder("dangling")), 0);
    refuse(in_folder("dangling"), "", -ENOENT, "dangling");
    assert_int_equal(symlink("loop", in_folder("loop")), 0);
    refuse(in_folder("loop"), "", -ELOOP, "loop");
}

static void long_paths_are_refused_whole(void **state)
{
    (void)state;
    char name[5000];
    memset(name, 'n', sizeof name);
    name[300] = '\0';
    refuse(in_folder(name), "", -ENAMETOOLONG, "nnnn");
    name[300] = 'n';
    name[4999] = '\0';
    refuse(name, "", -ENAMETOOLONG, "nnnn");
}

/* Files are sorted by the bytes of their names, whatever the locale is. */
static void files_are_in_order(void **state)
{
    (void)state;
    static const char *const names[] = { " blank", "10", "9", "B", "a", "ab", "b", "ä", "図" };
    struct fb_album album = { 0 };
    size_t count = sizeof names / sizeof *names;
    for (size_t i = count; i-- > 0;)
        file_write(folder, names[i], "x");
    assert_int_equal(fb_album_open(&album, arena, folder, NULL), 0);
    assert_int_equal(album.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(album.items[i].name, names[i]);
        assert_null(album.items[i].bytes);
    }
}

static void only_plain_files_are_read(void **state)
{
    (void)state;
    struct fb_album album = { 0 };
    struct fb_bytes buffer = { 0 };
    struct fb_error error = { 0 };
    const uint8_t *bytes;
    size_t size;
    assert_int_equal(mkfifo(in_folder("a pipe"), 0600), 0);
    assert_int_equal(symlink("/dev/zero", in_folder("b zeros")), 0);
    file_write(folder, "c empty", "");
    file_write(folder, "d text", "hello");
    assert_int_equal(fb_album_open(&album, arena, folder, &error), 0);
    assert_int_equal(album.count, 4);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(fb_album_read(&album, i, &buffer, &bytes, &size, &error), -EINVAL);
        assert_non_null(strstr(error.text, "not a regular file"));
    }
    assert_int_equal(fb_album_read(&album, 2, &buffer, &bytes, &size, &error), 0);
    assert_int_equal(size, 0);
    assert_int_equal(fb_album_read(&album, 3, &buffer, &bytes, &size, &error), 0);
    assert_int_equal(size, 5);
    assert_memory_equal(bytes, "hello", 5);
    free(buffer.data);
}

/* ---- the folder for results ---- */

static void the_folder_for_results(void **state)
{
    (void)state;
    char images[FOLDER_NAME];
    folder_make(images);
    file_write(images, "x.jpg", "x");
    accept(images, "", 1);
    accept(images, in_folder("new"), 1);
    assert_true(file_exists(folder, "new"));
    accept(images, in_folder("new"), 1); /* it exists already */
    refuse(images, in_folder("a/b/c"), -ENOENT, "a/b/c");
    file_write(folder, "plain", "x");
    refuse(images, in_folder("plain"), -ENOTDIR, "plain");
    refuse(images, in_folder("plain/below"), -ENOTDIR, "below");
    assert_int_equal(symlink("nowhere", in_folder("dangling")), 0);
    refuse(images, in_folder("dangling"), -ENOENT, "dangling");
    assert_int_equal(symlink("circle", in_folder("circle")), 0);
    refuse(images, in_folder("circle"), -ELOOP, "circle");
    assert_int_equal(symlink("new", in_folder("link")), 0);
    accept(images, in_folder("link"), 1);
    /* Without images the folder is not created. */
    refuse(in_folder("missing"), in_folder("other"), -ENOENT, "missing");
    assert_false(file_exists(folder, "other"));
    folder_remove(images);
}

/* ---- packs ---- */

struct pack {
    struct fb_pack_head head;
    struct fb_pack_entry entry[2];
    uint8_t bytes[4096];
};

static struct pack good_pack(void)
{
    struct pack pack = { .head = { .count = 2 } };
    struct bytes one = jpeg_smooth(JPEG_GREY, 20, 10), two = jpeg_smooth(JPEG_420, 9, 30);
    assert_true(one.size + two.size <= sizeof pack.bytes);
    memcpy(pack.head.magic, FB_PACK_MAGIC, sizeof pack.head.magic);
    pack.entry[0] = (struct fb_pack_entry){ offsetof(struct pack, bytes), one.size, "one.jpg" };
    pack.entry[1] = (struct fb_pack_entry){ pack.entry[0].offset + one.size, two.size, "two" };
    memcpy(pack.bytes, one.data, one.size);
    memcpy(pack.bytes + one.size, two.data, two.size);
    bytes_clear(&one);
    bytes_clear(&two);
    return pack;
}

static const char *save_pack(const struct pack *pack, size_t size)
{
    const char *path = in_folder("pack");
    FILE *file = fopen(path, "wbe");
    assert_non_null(file);
    assert_int_equal(fwrite(pack, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    return path;
}

static void a_good_pack_is_accepted(void **state)
{
    (void)state;
    struct pack pack = good_pack();
    struct task task;
    struct fb_error error = { 0 };
    char images[PATH_MAX], text[80];
    snprintf(images, sizeof images, "images=%s", save_pack(&pack, sizeof pack));
    task_open(&task, arena, kernel_named("resize"), (const char *const[]){ images, NULL });
    task_run_single(&task, arena);
    if (task_check(&task, &error) != 0)
        fail_msg("%s", error.text);
    task.kernel->answer(task.input, task.job.results, text, sizeof text);
    assert_string_equal(text, "2 images to 128x128");
    task_close(&task);
}

/* The head is checked before it is used. */
static void broken_packs_are_refused(void **state)
{
    (void)state;
    static const char neither[] = "neither a folder nor a pack", broken[] = "broken pack";
    struct pack pack = good_pack();
    for (size_t size = 0; size < sizeof(struct fb_pack_head); size++)
        refuse(save_pack(&pack, size), "", -EINVAL, neither);
    for (size_t size = sizeof pack.head; size < offsetof(struct pack, bytes); size++)
        refuse(save_pack(&pack, size), "", -EINVAL, neither);
    refuse(save_pack(&pack, offsetof(struct pack, bytes)), "", -EINVAL, broken);
    refuse(save_pack(&pack, pack.entry[1].offset + pack.entry[1].size - 1), "", -EINVAL, broken);
    pack.head.magic[7] = 'x';
    refuse(save_pack(&pack, sizeof pack), "", -EINVAL, neither);
    static const uint64_t counts[] = { 100, 1u << 20, (uint64_t)1 << 60, UINT64_MAX,
                                       UINT64_MAX / sizeof(struct fb_pack_entry) + 2 };
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        pack = good_pack();
        pack.head.count = counts[i];
        refuse(save_pack(&pack, sizeof pack), "", -EINVAL, neither);
    }
}

static void broken_entries_are_refused(void **state)
{
    (void)state;
    static const struct {
        uint64_t offset, size;
    } bad[] = {
        { sizeof(struct pack) + 1, 0 },
        { sizeof(struct pack), 1 },
        { 0, sizeof(struct pack) + 1 },
        { UINT64_MAX, 1 },
        { 1, UINT64_MAX },
        { UINT64_MAX - 7, 8 },
        { (uint64_t)1 << 63, 8 },
        { 200, (uint64_t)1 << 63 },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        for (int which = 0; which < 2; which++) {
            struct pack pack = good_pack();
            pack.entry[which].offset = bad[i].offset;
            pack.entry[which].size = bad[i].size;
            refuse(save_pack(&pack, sizeof pack), "", -EINVAL, "broken pack of images: entry");
        }
    struct pack pack = good_pack();
    memset(pack.entry[1].name, 'n', sizeof pack.entry[1].name); /* not terminated */
    refuse(save_pack(&pack, sizeof pack), "", -EINVAL, "broken pack of images: entry 1");
}

static void other_files_are_no_packs(void **state)
{
    (void)state;
    struct bytes jpeg = jpeg_smooth(JPEG_GREY, 50, 50);
    FILE *file = fopen(in_folder("one.jpg"), "wbe");
    assert_non_null(file);
    assert_int_equal(fwrite(jpeg.data, 1, jpeg.size, file), jpeg.size);
    assert_int_equal(fclose(file), 0);
    bytes_clear(&jpeg);
    refuse(in_folder("one.jpg"), "", -EINVAL, "neither a folder nor a pack");
    file_write(folder, "text", "This is not a folder, however long the text may be.\n");
    refuse(in_folder("text"), "", -EINVAL, "neither a folder nor a pack");
    refuse("/dev/null", "", -EINVAL, "neither a folder nor a pack");
}

/* An image in a pack can be broken like any other. */
static void a_broken_image_in_a_pack(void **state)
{
    (void)state;
    struct pack pack = good_pack();
    struct task task;
    char images[PATH_MAX], text[160];
    pack.entry[0].size = 0;
    pack.entry[1].size -= 2;
    snprintf(images, sizeof images, "images=%s", save_pack(&pack, sizeof pack));
    task_open(&task, arena, kernel_named("resize"), (const char *const[]){ images, NULL });
    task_run_single(&task, arena);
    assert_int_equal(fb_results_failed(task.kernel, task.job.results, 2), 2);
    task.kernel->describe(task.input, task.job.results, 0, text, sizeof text);
    assert_string_equal(text, "one.jpg: empty file");
    task.kernel->answer(task.input, task.job.results, text, sizeof text);
    assert_string_equal(text, "0 images to 128x128, 2 broken");
    task_close(&task);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(folders_without_images),   TEST(long_paths_are_refused_whole),
        TEST(files_are_in_order),       TEST(only_plain_files_are_read),
        TEST(the_folder_for_results),   TEST(a_good_pack_is_accepted),
        TEST(broken_packs_are_refused), TEST(broken_entries_are_refused),
        TEST(other_files_are_no_packs), TEST(a_broken_image_in_a_pack),
    };
    return RUN_TESTS(tests);
}
