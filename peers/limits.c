/* What this machine can do at most, on one thread:
 *
 *   limits                       prints float additions and multiplications per second (with vectors, counting all
 *                                lanes), and bytes read per second
 *   limits decode SIDE FILE...   prints how many ns it takes to decode the files like resize-fast, for SIDE x SIDE */
#include "kernels/images/image_decode.h"
#include "kernels/simd.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 7
#define CHAINS                                                                                     \
    12 /* enough that operations seldom wait for the one before, few enough for the registers */
#define STEPS 2000000
#define BYTES ((size_t)256 << 20)

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- vector operations ---- */

/* Alternates additions and multiplications: some CPUs have separate units for them and do both at once. */

#define CHAIN(name, attribute, lanes)                                                              \
    typedef float floats_##name __attribute__((vector_size(4 * lanes)));                           \
    attribute static double run_##name(void)                                                       \
    {                                                                                              \
        floats_##name chain[CHAINS] = { 0 }, one = { 0 };                                          \
        one += 1;                                                                                  \
        double start = now_s();                                                                    \
        for (int i = 0; i < STEPS; i++)                                                            \
            for (int k = 0; k < CHAINS; k++) {                                                     \
                chain[k] = k % 2 ? chain[k] * one : chain[k] + one;                                \
                __asm__ volatile("" : KEEP(chain[k]));                                             \
            }                                                                                      \
        return (double)STEPS * CHAINS * lanes / (now_s() - start);                                 \
    }

#if defined __x86_64__
#define KEEP(value) "+x"(value)
CHAIN(portable, , 4)
CHAIN(avx2, __attribute__((target("avx2"))), 8)
#undef KEEP
#define KEEP(value) "+v"(value)
CHAIN(avx512, __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))), 16)
#else
#if defined __aarch64__
#define KEEP(value) "+w"(value)
#else
#define KEEP(value) "+m"(value)
#endif
CHAIN(portable, , 4)
#endif

static double vector_operations(void)
{
    enum fb_simd simd;
    fb_simd_choose(FB_SIMD_AUTO, &simd, NULL);
    switch (simd) {
#if defined __x86_64__
    case FB_SIMD_AVX512:
        return run_avx512();
    case FB_SIMD_AVX2:
        return run_avx2();
#endif
    default:
        return run_portable();
    }
}

/* ---- memory ---- */

static double read_bytes(const uint64_t *memory)
{
    uint64_t sum = 0;
    double start = now_s();
    for (size_t i = 0; i < BYTES / sizeof *memory; i += 8)
        sum += memory[i]; /* one word per cache line, which is read as a whole */
    double spent = now_s() - start;
    __asm__ volatile("" : : "r"(sum));
    return (double)BYTES / spent;
}

/* ---- decoding ---- */

static uint8_t *read_file(const char *path, size_t *ret_size)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) < 0)
        exit(1);
    *ret_size = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(*ret_size + 1);
    if (!bytes || fread(bytes, 1, *ret_size, file) != *ret_size)
        exit(1);
    fclose(file);
    return bytes;
}

static double decode(uint32_t side, char **paths, int count)
{
    struct fb_image image = { 0 };
    double spent = 0;
    for (int k = 0; k < 2 * count; k++) { /* counts the second time, when memory is allocated */
        int i = k % count;
        uint32_t width, height;
        size_t size;
        struct fb_error error;
        uint8_t *bytes = read_file(paths[i], &size);
        double start = now_s();
        if (fb_image_decode_least(bytes, size, 2 * side, 2 * side, &image, &width, &height,
                                  &error) < 0)
            exit(1);
        spent += k < count ? 0 : now_s() - start;
        free(bytes);
    }
    fb_image_clear(&image);
    return spent;
}

int main(int argc, char **argv)
{
    if (argc > 3 && strcmp(argv[1], "decode") == 0) {
        /* The process keeps freed memory, so that no page is allocated twice. */
        mallopt(M_MMAP_THRESHOLD, 1 << 30);
        mallopt(M_TRIM_THRESHOLD, 1 << 30);
        printf("%.0f\n", 1e9 * decode((uint32_t)atoi(argv[2]), argv + 3, argc - 3));
        return 0;
    }
    uint64_t *memory = malloc(BYTES);
    if (!memory)
        return 1;
    memset(memory, 1, BYTES);
    double operations = 0, bytes = 0;
    for (int i = 0; i < ROUNDS; i++) {
        double one = vector_operations(), two = read_bytes(memory);
        operations = one > operations ? one : operations;
        bytes = two > bytes ? two : bytes;
    }
    printf("%.0f %.0f\n", operations, bytes);
    free(memory);
    return 0;
}
