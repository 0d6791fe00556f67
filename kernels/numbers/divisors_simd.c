/* Counts divisors by trying every candidate, many at once in the lanes of a vector. */
#include "kernels/numbers/divisors.h"
#include "kernels/numbers/divisors_lanes.h"

/* Trials between two safepoints: about 1 µs with vectors, 2 µs one by one. */
#define STRIDE 4096
#define PLAIN_STRIDE 256

static const struct fb_param params[] = {
    FB_DIVISORS_PARAMS,
    { "simd", FB_PARAM_CHOICE, "auto", 0, 0, fb_simd_names, "the vector instructions" },
    { 0 },
};

static int setup(const struct fb_params *given, struct fb_arena *arena, struct fb_input **ret_input,
                 struct fb_error *error)
{
    int result = fb_divisors_setup(given, arena, ret_input, error);
    if (result == 0)
        result = fb_simd_choose((enum fb_simd)fb_params_number(given, "simd"), &(*ret_input)->simd,
                                error);
    return result;
}

static bool count_divisors(const struct fb_input *input, uint64_t n, uint64_t *ret_count,
                           struct fb_yield *yield)
{
    uint64_t count = 0, stride = n < FB_LANES_MOST ? STRIDE : PLAIN_STRIDE;
    for (uint64_t i = 1, stop; i <= n; i = stop) {
        stop = n - i >= stride ? i + stride : n + 1;
        count += fb_try_divisors(input->simd, n, i, stop);
        if (fb_safepoint(yield))
            return true;
    }
    *ret_count = count;
    return false;
}

static void run(const struct fb_input *input, void *scratch, size_t begin, size_t end,
                void *results, struct fb_yield *yield)
{
    (void)scratch;
    fb_divisors_run(input, begin, end, results, yield, count_divisors);
}

const struct fb_kernel fb_kernel_divisors_simd = {
    .name = "divisors-simd",
    .summary = "counts the divisors of each number by trying every candidate, many at once",
    .params = params,
    .setup = setup,
    .run = run,
    FB_DIVISORS_KERNEL,
};
