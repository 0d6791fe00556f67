#include "tests/support/support.h"

#include "tests/kernels/images/image_fixture.h"
#include "tests/kernels/images/image_folder.h"
#include "tests/support/folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define N10 "nnnnnnnnnn"
#define N50 N10 N10 N10 N10 N10

const struct mixed_file mixed_files[] = {
    { "a grey.jpg", NULL },
    { "b_420.JPG", NULL },
    { "c_progressive.jpeg", NULL },
    { "d_cmyk.jpg", NULL },
    { "e_ycck.jpg", NULL },
    { "f_rgb.png", NULL },
    { "g_palette.png", NULL },
    { "h_alpha.png", NULL },
    { "i_grey16.png", NULL },
    { "j_rgb16.png", NULL },
    { "k_interlaced.png", NULL },
    { "l_is_a_jpeg.png", NULL },
    { "m_is_a_png.jpg", NULL },
    { N50 N50 N50 N50 N10 N10 ".jpg", NULL },
    { "o_link.jpg", NULL },
    { "x_cut.jpg", "JPEG: " },
    { "x_cut.png", "PNG: " },
    { "x_empty.jpg", "empty file" },
    { "x_nowhere.jpg", "No such file or directory" },
    { "x_one_byte.png", "neither a JPEG nor a PNG image" },
    { "x_text.jpg", "neither a JPEG nor a PNG image" },
    { "x_without_width.png", "PNG: " },
    { "ünïcødé 図.jpg", NULL },
    { NULL, NULL },
};

size_t mixed_count(void)
{
    return sizeof mixed_files / sizeof *mixed_files - 1;
}

size_t mixed_broken(void)
{
    size_t count = 0;
    for (size_t i = 0; i < mixed_count(); i++)
        count += mixed_files[i].reason != NULL;
    return count;
}

static void path_of(char path[PATH_MAX], const char *folder, const char *name)
{
    assert_true(snprintf(path, PATH_MAX, "%s/%s", folder, name) < PATH_MAX);
}

static void save(const char *folder, const char *name, struct bytes bytes, size_t size)
{
    file_write_bytes(folder, name, bytes.data, size);
    bytes_clear(&bytes);
}

static void save_jpeg(const char *folder, const char *name, enum jpeg_kind kind, uint32_t width,
                      uint32_t height)
{
    struct bytes bytes = jpeg_smooth(kind, width, height);
    save(folder, name, bytes, bytes.size);
}

/* Smooth, so that it can be compared with the JPEG that is made from it. */
static struct bytes smooth_png(const struct png *png)
{
    unsigned channels = png_channels(png->colour);
    size_t count = (size_t)png->width * png->height * channels;
    uint8_t *pixels = smooth_pixels(png->width, png->height, channels);
    uint16_t *samples = calloc(count, sizeof *samples);
    assert_non_null(samples);
    for (size_t i = 0; i < count; i++)
        samples[i] = (uint16_t)(png->depth == 16 ? pixels[i] * 257 : pixels[i] >> (8 - png->depth));
    struct bytes bytes = png_make(png, samples);
    free(samples);
    free(pixels);
    return bytes;
}

static void save_png(const char *folder, const char *name, struct png png)
{
    struct bytes bytes = smooth_png(&png);
    save(folder, name, bytes, bytes.size);
}

static void save_good(const char *folder)
{
    static uint8_t palette[3 * 16], clear[] = { 0, 90, 180 };
    for (size_t i = 0; i < 16; i++) {
        palette[3 * i] = (uint8_t)(16 * i);
        palette[3 * i + 1] = (uint8_t)(200 - 5 * i);
        palette[3 * i + 2] = (uint8_t)(255 - 16 * i);
    }
    save_jpeg(folder, "a grey.jpg", JPEG_GREY, 150, 100);
    save_jpeg(folder, "b_420.JPG", JPEG_420, 301, 199);
    save_jpeg(folder, "c_progressive.jpeg", JPEG_PROGRESSIVE, 64, 48);
    save_jpeg(folder, "d_cmyk.jpg", JPEG_CMYK, 90, 130);
    save_jpeg(folder, "e_ycck.jpg", JPEG_YCCK, 131, 77);
    save_png(folder, "f_rgb.png", (struct png){ 160, 90, .depth = 8, .colour = PNG_RGB });
    save_png(folder, "g_palette.png",
             (struct png){ 70, 40, 4, PNG_PALETTE, false, palette, 48, clear, 3 });
    save_png(folder, "h_alpha.png", (struct png){ 50, 60, .depth = 8, .colour = PNG_RGBA });
    save_png(folder, "i_grey16.png", (struct png){ 140, 141, .depth = 16, .colour = PNG_GREY });
    save_png(folder, "j_rgb16.png", (struct png){ 30, 200, .depth = 16, .colour = PNG_RGB });
    save_png(folder, "k_interlaced.png", (struct png){ 99, 55, 2, PNG_GREY, .interlaced = true });
    save_jpeg(folder, "l_is_a_jpeg.png", JPEG_444, 200, 10);
    save_png(folder, "m_is_a_png.jpg", (struct png){ 10, 200, .depth = 8, .colour = PNG_RGB });
    save_jpeg(folder, N50 N50 N50 N50 N10 N10 ".jpg", JPEG_RESTARTS, 128, 128);
    save_jpeg(folder, "ünïcødé 図.jpg", JPEG_CMYK_BARE, 33, 44);
}

static void save_broken(const char *folder)
{
    struct bytes bytes = jpeg_smooth(JPEG_420, 100, 100);
    save(folder, "x_cut.jpg", bytes, bytes.size * 2 / 3);
    bytes = smooth_png(&(struct png){ 100, 100, .depth = 8, .colour = PNG_RGB });
    save(folder, "x_cut.png", bytes, bytes.size / 2);
    bytes = smooth_png(&(struct png){ 9, 9, .depth = 8, .colour = PNG_RGB });
    png_claim(&bytes, 0, 9);
    save(folder, "x_without_width.png", bytes, bytes.size);
    file_write(folder, "x_empty.jpg", "");
    file_write(folder, "x_one_byte.png", "P");
    file_write(folder, "x_text.jpg", "This is not an image.\n");
}

void mixed_make(char ret_folder[FOLDER_NAME])
{
    char path[PATH_MAX];
    folder_make(ret_folder);
    save_good(ret_folder);
    save_broken(ret_folder);
    file_write(ret_folder, ".hidden.jpg", "hidden");
    path_of(path, ret_folder, "o_link.jpg");
    assert_int_equal(symlink("b_420.JPG", path), 0);
    path_of(path, ret_folder, "x_nowhere.jpg");
    assert_int_equal(symlink("nowhere", path), 0);
    path_of(path, ret_folder, "p_folder.jpg");
    assert_int_equal(mkdir(path, 0700), 0);
    save_jpeg(path, "inside.jpg", JPEG_GREY, 9, 9);
    path_of(path, ret_folder, "q_link_to_folder.jpg");
    assert_int_equal(symlink("p_folder.jpg", path), 0);
}

void mixed_add_pipe(const char *folder)
{
    char path[PATH_MAX];
    path_of(path, folder, "x_pipe.jpg");
    assert_int_equal(mkfifo(path, 0600), 0);
}
