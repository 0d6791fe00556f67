/* Resamples an image of noise in memory several times and prints the ns of each time:
 *
 *   shrink FROM_WIDTH FROM_HEIGHT WIDTH HEIGHT TIMES SIMD|plain */
#include "kernels/images/shrink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static enum fb_simd find_simd(const char *name)
{
    int simd = FB_SIMD_AUTO;
    enum fb_simd here;
    while (fb_simd_names[simd] && strcmp(fb_simd_names[simd], name) != 0)
        simd++;
    if (!fb_simd_names[simd] || fb_simd_choose((enum fb_simd)simd, &here, NULL) < 0)
        exit(3);
    return here;
}

int main(int argc, char **argv)
{
    struct fb_image image = { 0 }, small = { 0 };
    struct fb_resampler resampler = { 0 };
    struct fb_shrinker shrinker = { 0 };
    struct fb_error error;
    if (argc != 7)
        return 2;
    uint32_t size[4];
    for (int i = 0; i < 4; i++)
        size[i] = (uint32_t)atoi(argv[1 + i]);
    bool plain = strcmp(argv[6], "plain") == 0;
    enum fb_simd simd = plain ? FB_SIMD_PORTABLE : find_simd(argv[6]);
    if (fb_image_reserve(&image, size[0], size[1], 3, &error) < 0)
        return 1;
    for (size_t i = 0; i < (size_t)3 * size[0] * size[1]; i++)
        image.pixels[i] = (uint8_t)(i * 2654435761u >> 13);
    for (int i = 0; i < atoi(argv[5]); i++) {
        int64_t begin = now_ns();
        int result = plain ? fb_image_resample(&image, FB_BICUBIC, size[2], size[3], &resampler,
                                               &small, &error)
                           : fb_image_shrink(&image, FB_BICUBIC, size[2], size[3], simd, &shrinker,
                                             &small, &error);
        if (result < 0)
            return 1;
        printf("%lld\n", (long long)(now_ns() - begin));
    }
    fb_image_clear(&image);
    fb_image_clear(&small);
    fb_resampler_clear(&resampler);
    fb_shrinker_clear(&shrinker);
    return 0;
}
