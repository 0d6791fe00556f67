/* Compares the NEON and the portable code of kernels/numbers/divisors_lanes.c with a plain loop. neon.sh builds it for
 * aarch64 and runs it under an emulator. */
#include "kernels/numbers/divisors_lanes.h"

#include "base/random.h"

#include <inttypes.h>
#include <stdio.h>

/* The only function of base that it needs. */
int fb_error_set(struct fb_error *error, int code, const char *format, ...)
{
    (void)error, (void)format;
    return code;
}

static uint64_t try_plainly(uint64_t n, uint64_t lo, uint64_t hi)
{
    uint64_t count = 0;
    for (uint64_t i = lo; i < hi; i++)
        count += n % i == 0;
    return count;
}

static int wrong;

static void check(enum fb_simd simd, uint64_t n, uint64_t lo, uint64_t hi)
{
    lo = lo < 1 ? 1 : lo;
    hi = hi > n + 1 ? n + 1 : hi;
    if (lo >= hi || fb_try_divisors(simd, n, lo, hi) == try_plainly(n, lo, hi))
        return;
    printf("%s: [%" PRIu64 ", %" PRIu64 ") of %" PRIu64 "\n", fb_simd_names[simd], lo, hi, n);
    wrong++;
}

static void check_both(enum fb_simd best, uint64_t n, uint64_t lo, uint64_t hi)
{
    check(best, n, lo, hi);
    check(FB_SIMD_PORTABLE, n, lo, hi);
}

int main(void)
{
    struct fb_random random = { .state = 20 };
    enum fb_simd best;
    fb_simd_choose(FB_SIMD_AUTO, &best, NULL);
    if (best != FB_SIMD_NEON) {
        puts("this is no aarch64");
        return 1;
    }
    for (uint64_t n = 1; n < 400; n++)
        check_both(best, n, 1, n + 1);
    for (int i = 0; i < 10000; i++) {
        unsigned bits = 2 + (unsigned)fb_random_below(&random, 52);
        uint64_t a = 1 + (fb_random_next(&random) >> (64 - bits / 2));
        uint64_t b = 1 + (fb_random_next(&random) >> (64 - (bits + 1) / 2));
        check_both(best, a * b, a - a % 64, a + 64);
        check_both(best, a * b - 1, a, a + 40);
        check_both(best, a * b + 1, a * b / 4096, a * b / 4096 + 60);
    }
    return wrong > 0;
}
