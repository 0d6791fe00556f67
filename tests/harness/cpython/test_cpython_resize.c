/* The Python version of resize: it gives the same images, and fails for the same files. */
#include "tests/support/support.h"

#include "tests/support/folder.h"
#include "kernels/images/image_decode.h"
#include "tests/kernels/images/image_fixture.h"
#include "tests/kernels/images/image_folder.h"
#include "tests/support/programs/program.h"
#include "tests/support/programs/python.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *python;
static char folder[FOLDER_NAME], out[FOLDER_NAME], other[FOLDER_NAME];

static int begin(void **state)
{
    (void)state;
    folder_make(folder);
    folder_make(out);
    folder_make(other);
    return 0;
}

static int end(void **state)
{
    (void)state;
    folder_remove(folder);
    folder_remove(out);
    folder_remove(other);
    return 0;
}

static void save(const char *where, const char *name, struct bytes bytes)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", where, name);
    FILE *file = fopen(path, "wbe");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes.data, 1, bytes.size, file), bytes.size);
    assert_int_equal(fclose(file), 0);
    bytes_clear(&bytes);
}

/* Decodes a file in a folder; false: it is broken. */
static bool decode(const char *where, const char *name, struct fb_image *ret_image)
{
    static uint8_t bytes[1 << 18];
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", where, name);
    FILE *file = fopen(path, "rbe");
    if (!file)
        return false;
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    return fb_image_decode(bytes, size, ret_image, NULL) == 0;
}

/* ---- pixels before resampling ---- */

static const struct {
    uint8_t colour, depth;
    bool transparent;
} pngs[] = {
    { PNG_GREY, 1, false },
    { PNG_GREY, 2, false },
    { PNG_GREY, 4, false },
    { PNG_GREY, 8, false },
    { PNG_GREY, 16, false },
    { PNG_GREY, 1, true },
    { PNG_GREY, 8, true },
    { PNG_RGB, 8, false },
    { PNG_RGB, 16, false },
    { PNG_RGB, 8, true },
    { PNG_PALETTE, 1, false },
    { PNG_PALETTE, 2, true },
    { PNG_PALETTE, 4, false },
    { PNG_PALETTE, 8, true },
    { PNG_PALETTE, 8, false },
    { PNG_GREY_ALPHA, 8, false },
    { PNG_GREY_ALPHA, 16, false },
    { PNG_RGBA, 8, false },
    { PNG_RGBA, 16, false },
    /* Pillow 9.4 compares the transparent colour, unscaled, with scaled pixels. */
    { PNG_GREY, 2, true },
    { PNG_GREY, 4, true },
};
#define PNGS (sizeof pngs / sizeof *pngs)
#define PNGS_SCALED 2 /* the last ones */

static struct bytes make_png(size_t kind, bool interlaced)
{
    static uint8_t palette[768], clear[100];
    struct png png = { .width = 57,
                       .height = 43,
                       .depth = pngs[kind].depth,
                       .colour = pngs[kind].colour,
                       .interlaced = interlaced };
    unsigned channels = png_channels(png.colour);
    uint16_t *samples = noise_samples(57 * 43 * channels, 1u << png.depth, (uint32_t)kind + 5);
    for (size_t i = 0; i < sizeof palette; i++)
        palette[i] = (uint8_t)(i * 59);
    for (size_t i = 0; i < sizeof clear; i++)
        clear[i] = (uint8_t)(png.colour == PNG_PALETTE ? i * 77 : i % 2 ? samples[i / 2] : 0);
    if (png.colour == PNG_PALETTE) {
        png.palette = palette;
        png.palette_size = 3u << png.depth;
    }
    if (pngs[kind].transparent) {
        png.transparency = clear;
        png.transparency_size = png.colour != PNG_PALETTE ? 2 * channels : png.depth < 8 ? 3 : 100;
    }
    struct bytes bytes = png_make(&png, samples);
    free(samples);
    return bytes;
}

static size_t save_pngs(char ret_names[][32], size_t first, size_t last)
{
    size_t count = 0;
    for (size_t i = first; i < last; i++)
        for (int interlaced = 0; interlaced < 2; interlaced++, count++) {
            snprintf(ret_names[count], 32, "%02zu type %d, %d bits.png", count, pngs[i].colour,
                     pngs[i].depth);
            save(folder, ret_names[count], make_png(i, interlaced));
        }
    return count;
}

static size_t save_every_kind(char ret_names[][32])
{
    size_t count = save_pngs(ret_names, 0, PNGS - PNGS_SCALED);
    for (enum jpeg_kind kind = 0; kind < JPEG_KINDS; kind++, count++) {
        snprintf(ret_names[count], 32, "%02zu kind %d.jpg", count, kind);
        save(folder, ret_names[count], jpeg_smooth(kind, 61, 47));
    }
    return count;
}

static void compare_pixels(char names[][32], size_t count)
{
    char path[PATH_MAX];
    struct fb_image image = { 0 };
    unsigned wrong = 0;
    snprintf(path, sizeof path, "%s/pixels", out);
    PYTHON(python, "kernels/images/python_pixels.py", folder, path);
    FILE *theirs = fopen(path, "rbe");
    assert_non_null(theirs);
    for (size_t i = 0; i < count; i++) {
        unsigned channels, width, height;
        int most = 0;
        assert_true(decode(folder, names[i], &image));
        assert_int_equal(fscanf(theirs, "%u %u %u", &channels, &width, &height), 3);
        assert_int_equal(fgetc(theirs), '\n');
        assert_int_equal(image.width, width);
        assert_int_equal(image.height, height);
        for (size_t k = 0; k < (size_t)width * height * channels; k++) {
            int off =
                abs(fgetc(theirs) - image.pixels[k % ((size_t)width * height * image.channels)]);
            most = off > most ? off : most;
        }
        if (most > 1 || image.channels != channels) {
            print_error("%s: %u channels, the Python version has %u; off by %d\n", names[i],
                        image.channels, channels, most);
            wrong++;
        }
    }
    assert_int_equal(fgetc(theirs), EOF);
    fclose(theirs);
    fb_image_clear(&image);
    assert_int_equal(wrong, 0);
}

static void decoding_gives_the_same_pixels(void **state)
{
    (void)state;
    char names[64][32];
    compare_pixels(names, save_every_kind(names));
}

static void transparent_colours_of_few_bits(void **state)
{
    (void)state;
    char names[64][32];
    compare_pixels(names, save_pngs(names, PNGS - PNGS_SCALED, PNGS));
}

/* ---- a whole job ---- */

static struct said run_resize(const char *harness, const char *where)
{
    char images_option[FOLDER_NAME + 16], out_option[FOLDER_NAME + 16];
    snprintf(images_option, sizeof images_option, "images=%s", folder);
    snprintf(out_option, sizeof out_option, "out=%s", where);
    return RUN("exec", "-k", "resize", "-H", harness, "-w", "2", "-p", images_option, "-p",
               out_option);
}

/* Whether a line of err names that file; the line must have a reason. */
static bool is_named(const char *err, const char *name)
{
    char line[400];
    snprintf(line, sizeof line, "forkbench: resize: %s: ", name);
    const char *at = strstr(err, line);
    if (at && at[strlen(line)] == '\n')
        fail_msg("%s: no reason", name);
    return at != NULL;
}

/* Both saved similar images for a good file: the encoders and their settings are the same. */
static void compare_saved(const char *name)
{
    struct fb_image ours = { 0 }, theirs = { 0 };
    char saved[300];
    snprintf(saved, sizeof saved, "processed_%s", name);
    if (!decode(out, saved, &ours) || !decode(other, saved, &theirs))
        fail_msg("%s was not saved by both", name);
    assert_int_equal(theirs.width, 128);
    assert_int_equal(theirs.height, 128);
    assert_int_equal(theirs.channels, ours.channels);
    size_t size = (size_t)128 * 128 * ours.channels;
    double off = 0;
    for (size_t i = 0; i < size; i++)
        off += abs(ours.pixels[i] - theirs.pixels[i]);
    if (off / (double)size > 2)
        fail_msg("%s: off by %g", name, off / (double)size);
    fb_image_clear(&ours);
    fb_image_clear(&theirs);
}

static const char *const peers[] = { "cpython-single", "cpython-thread", "cpython-process" };
#define PEERS (sizeof peers / sizeof *peers)

static void a_mixed_folder_has_the_same_broken_ones(void **state)
{
    (void)state;
    char answer[64];
    folder_remove(folder);
    mixed_make(folder);
    snprintf(answer, sizeof answer, "%zu images to 128x128, %zu broken",
             mixed_count() - mixed_broken(), mixed_broken());
    struct said said = run_resize("single", out);
    said_clear(&said);
    for (size_t i = 0; i < PEERS; i++) {
        said = run_resize(peers[i], other);
        if (said.code != 1 || !strstr(said.out, answer))
            fail_msg("%s: exit code %d: %s%s", peers[i], said.code, said.out, said.err);
        assert_int_equal(count_lines(said.err), mixed_broken());
        for (size_t k = 0; k < mixed_count(); k++) {
            assert_int_equal(is_named(said.err, mixed_files[k].name),
                             mixed_files[k].reason != NULL);
            if (!mixed_files[k].reason)
                compare_saved(mixed_files[k].name);
        }
        assert_int_equal(folder_count(other), mixed_count() - mixed_broken());
        said_clear(&said);
    }
}

static void reasons_are_the_same_each_time(void **state)
{
    (void)state;
    folder_remove(folder);
    mixed_make(folder);
    struct said one = run_resize("cpython-single", out), two = run_resize("cpython-single", out);
    assert_null(strstr(one.err, " at 0x")); /* no address of an object */
    assert_string_equal(one.err, two.err);
    said_clear(&one);
    said_clear(&two);
}

static void good_ones_alone_are_a_success(void **state)
{
    (void)state;
    char names[64][32];
    size_t count = save_every_kind(names);
    for (size_t i = 0; i < PEERS; i++) {
        struct said said = run_resize(peers[i], out);
        if (said.code != 0)
            fail_msg("%s: exit code %d: %s", peers[i], said.code, said.err);
        assert_string_equal(said.err, "");
        assert_int_equal(folder_count(out), count);
        said_clear(&said);
    }
}

/* A broken item does not end the job, whatever Pillow raises. */
static void one_bad_file_does_not_end_the_job(void **state)
{
    (void)state;
    static const struct {
        uint32_t width, height;
    } claimed[] = { { 33554443, 7 }, { INT32_MAX, INT32_MAX }, { 4096, 4096 }, { 0, 0 } };
    uint32_t seed = 4;
    char name[32];
    save(folder, "good.png", make_png(7, false));
    for (size_t i = 0; i < 4; i++) {
        struct bytes png = make_png(18, false);
        png_claim(&png, claimed[i].width, claimed[i].height);
        snprintf(name, sizeof name, "claim %zu.png", i);
        save(folder, name, png);
    }
    for (size_t i = 0; i < 150; i++) {
        struct bytes bytes = i % 2 ? make_png(i % PNGS, i % 4 == 1)
                                   : jpeg_smooth((enum jpeg_kind)(i / 2 % JPEG_KINDS), 20, 20);
        for (int k = 0; k < 3; k++)
            bytes.data[next_number(&seed) % bytes.size] = (uint8_t)next_number(&seed);
        snprintf(name, sizeof name, "damaged %zu", i);
        save(folder, name, bytes);
    }
    for (size_t i = 0; i < PEERS; i++) {
        struct said said = run_resize(peers[i], out);
        if (said.code != 1 || !strstr(said.out, " images to 128x128, "))
            fail_msg("%s: exit code %d: %s", peers[i], said.code, said.err);
        assert_true(file_exists(out, "processed_good.png"));
        for (size_t k = 0; k < 4; k++) {
            snprintf(name, sizeof name, "claim %zu.png", k);
            assert_true(is_named(said.err, name));
        }
        said_clear(&said);
    }
}

static void samples_without_a_folder(void **state)
{
    (void)state;
    struct said said = RUN("exec", "-k", "resize", "-H", "cpython-process", "-w", "2");
    if (said.code != 0)
        fail_msg("exit code %d: %s", said.code, said.err);
    assert_non_null(strstr(said.out, "64 images to 128x128"));
    said_clear(&said);
}

/* ---- unusual names and files ---- */

static void a_pipe_among_the_files(void **state)
{
    (void)state;
    save(folder, "good.png", make_png(7, false));
    mixed_add_pipe(folder);
    for (size_t i = 0; i < PEERS; i++) {
        struct said said = run_resize(peers[i], out);
        if (said.code != 1 || !strstr(said.out, "1 images to 128x128, 1 broken"))
            fail_msg("%s: exit code %d: %s", peers[i], said.code, said.err);
        assert_true(is_named(said.err, "x_pipe.jpg"));
        said_clear(&said);
    }
}

/* JSON can't represent it, so it can't be passed to Python: bad input, reported once, before any
 * work. */
static void a_folder_that_is_not_utf8(void **state)
{
    (void)state;
    char option[FOLDER_NAME + 32];
    snprintf(option, sizeof option, "out=%s/latin-\xe9", out);
    for (size_t i = 0; i < PEERS; i++) {
        struct said said = RUN("exec", "-k", "resize", "-H", peers[i], "-w", "2", "-p", option);
        if (said.code != 2 || count_lines(said.err) != 1 || !strstr(said.err, "not UTF-8"))
            fail_msg("%s: exit code %d: %s", peers[i], said.code, said.err);
        said_clear(&said);
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(decoding_gives_the_same_pixels),
        TEST(transparent_colours_of_few_bits),
        TEST(a_mixed_folder_has_the_same_broken_ones),
        TEST(reasons_are_the_same_each_time),
        TEST(good_ones_alone_are_a_success),
        TEST(one_bad_file_does_not_end_the_job),
        TEST(samples_without_a_folder),
        TEST(a_pipe_among_the_files),
        TEST(a_folder_that_is_not_utf8),
    };
    python = python_with_pillow();
    if (!python) {
        puts("no python3 with Pillow");
        return EXIT_SKIP;
    }
    return RUN_TESTS(tests);
}
