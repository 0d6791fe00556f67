#include "tests/support/small_images.h"

#include "tests/support/png_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void name_image(char *path, size_t size, const char *folder, uint32_t number)
{
    snprintf(path, size, "%s/image_%u.png", folder, number);
}

static bool write_image(const char *path, uint32_t number)
{
    const struct png png = {
        .width = 40 - 7 * number, .height = 5 + 8 * number, .depth = 8, .colour = PNG_RGB
    };
    uint16_t *samples = noise_samples((size_t)3 * png.width * png.height, 256, number + 1);
    struct bytes bytes = png_make(&png, samples);
    FILE *file = fopen(path, "wbe");
    bool written = file && fwrite(bytes.data, 1, bytes.size, file) == bytes.size;
    bool closed = file && fclose(file) == 0;
    bytes_clear(&bytes);
    free(samples);
    return written && closed;
}

bool images_make(char *ret_folder, size_t size)
{
    const char *parent = getenv("TMPDIR");
    snprintf(ret_folder, size, "%s/forkbench-test-XXXXXX", parent ? parent : "/tmp");
    if (!mkdtemp(ret_folder))
        return false;
    for (uint32_t i = 0; i < IMAGES_MADE; i++) {
        char path[512];
        name_image(path, sizeof path, ret_folder, i);
        if (!write_image(path, i))
            return false;
    }
    return true;
}

void images_remove(const char *folder)
{
    for (uint32_t i = 0; i < IMAGES_MADE; i++) {
        char path[512];
        name_image(path, sizeof path, folder, i);
        unlink(path);
    }
    rmdir(folder);
}
