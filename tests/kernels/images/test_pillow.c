/* Every channel of every pixel differs from Pillow by at most 1, for many sizes. */
#include "tests/support/support.h"

#include "tests/support/folder.h"
#include "kernels/images/resample.h"
#include "tests/kernels/images/image_fixture.h"
#include "tests/support/programs/python.h"

#include <stdio.h>
#include <stdlib.h>

static const char *python;

struct sizes {
    uint32_t from_width, from_height, width, height;
};

static const struct sizes chosen[] = {
    { 1600, 1200, 128, 128 }, { 100, 7, 13, 41 },     { 7, 100, 41, 13 }, { 1, 1, 17, 9 },
    { 1, 200, 1, 7 },         { 200, 1, 333, 1 },     { 64, 64, 64, 64 }, { 64, 64, 64, 3 },
    { 64, 64, 3, 64 },        { 129, 127, 128, 128 }, { 2, 2, 255, 254 }, { 1000, 3, 1, 1 },
    { 33, 65, 66, 130 },      { 640, 480, 639, 481 },
};

#define CHOSEN (sizeof chosen / sizeof *chosen)
#define CASES (CHOSEN + 60)

/* Chosen sizes first, then small random ones, larger and smaller. */
static struct sizes sizes_of(size_t number)
{
    uint32_t seed = (uint32_t)number * 2654435761u + 1;
    if (number < CHOSEN)
        return chosen[number];
    next_number(&seed);
    return (struct sizes){ 1 + next_number(&seed) % 90, 1 + next_number(&seed) % 90,
                           1 + next_number(&seed) % 90, 1 + next_number(&seed) % 90 };
}

static uint32_t channels_of(size_t number)
{
    return number % 2 ? 1 : 3;
}

/* Noise tests the weights best; black and white overshoot. */
static void paint(struct fb_image *image, size_t number)
{
    uint32_t seed = (uint32_t)number + 1;
    size_t size = (size_t)image->width * image->height * image->channels;
    for (size_t i = 0; i < size; i++) {
        uint32_t value = next_number(&seed) >> 8;
        image->pixels[i] = (uint8_t)(number % 3 == 1 ? (value & 1) * 255 : value);
    }
}

static FILE *open_file(const char *folder, const char *name, const char *mode)
{
    char path[FOLDER_NAME + 16];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, mode);
    assert_non_null(file);
    return file;
}

static void write_cases(const char *folder)
{
    FILE *cases = open_file(folder, "cases", "we"), *in = open_file(folder, "in", "wbe");
    struct fb_image image = { 0 };
    for (size_t i = 0; i < CASES; i++) {
        struct sizes sizes = sizes_of(i);
        size_t size = (size_t)sizes.from_width * sizes.from_height * channels_of(i);
        assert_int_equal(
            fb_image_reserve(&image, sizes.from_width, sizes.from_height, channels_of(i), NULL), 0);
        paint(&image, i);
        for (int filter = 0; filter < 4; filter++) {
            fprintf(cases, "%d %u %u %u %u %u\n", filter, channels_of(i), sizes.from_width,
                    sizes.from_height, sizes.width, sizes.height);
            assert_int_equal(fwrite(image.pixels, 1, size, in), size);
        }
    }
    fb_image_clear(&image);
    assert_int_equal(fclose(cases), 0);
    assert_int_equal(fclose(in), 0);
}

struct work {
    struct fb_image image, small;
    struct fb_resampler resampler;
    size_t compared, differing; /* bytes; by 1 */
};

static void compare(struct work *work, FILE *out, enum fb_filter filter, struct sizes sizes)
{
    size_t size = (size_t)sizes.width * sizes.height * work->image.channels;
    uint8_t *theirs = malloc(size);
    assert_non_null(theirs);
    assert_int_equal(fread(theirs, 1, size, out), size);
    assert_int_equal(fb_image_resample(&work->image, filter, sizes.width, sizes.height,
                                       &work->resampler, &work->small, NULL),
                     0);
    for (size_t i = 0; i < size; i++) {
        int off = abs(theirs[i] - work->small.pixels[i]);
        if (off > 1)
            fail_msg("filter %d, %u channels, %u x %u to %u x %u: byte %zu is %u, Pillow's %u",
                     filter, work->image.channels, sizes.from_width, sizes.from_height, sizes.width,
                     sizes.height, i, work->small.pixels[i], theirs[i]);
        work->differing += off == 1;
    }
    work->compared += size;
    free(theirs);
}

static void pillow_agrees(void **state)
{
    (void)state;
    char folder[FOLDER_NAME];
    struct work work = { 0 };
    folder_make(folder);
    write_cases(folder);
    PYTHON(python, "kernels/images/resample_pillow.py", folder);
    FILE *out = open_file(folder, "out", "rbe");
    for (size_t i = 0; i < CASES; i++) {
        struct sizes sizes = sizes_of(i);
        assert_int_equal(fb_image_reserve(&work.image, sizes.from_width, sizes.from_height,
                                          channels_of(i), NULL),
                         0);
        paint(&work.image, i);
        for (enum fb_filter filter = FB_BOX; filter <= FB_LANCZOS3; filter++)
            compare(&work, out, filter, sizes);
    }
    assert_int_equal(fgetc(out), EOF);
    fclose(out);
    folder_remove(folder);
    fb_image_clear(&work.image);
    fb_image_clear(&work.small);
    fb_resampler_clear(&work.resampler);
    print_message("%zu of %zu bytes differ by 1\n", work.differing, work.compared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pillow_agrees),
    };
    python = python_with_pillow();
    if (!python) {
        puts("no python3 with Pillow");
        return EXIT_SKIP;
    }
    return RUN_TESTS(tests);
}
