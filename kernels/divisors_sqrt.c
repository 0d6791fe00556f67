/* Counts divisors by trying candidates up to the square root only: each that divides has a partner beyond
 * it. The lesson of it: a better algorithm beats every core. */
#include "divisors.h"

#define STRIDE 256 /* trials between two safepoints, as divisors */

static const struct fb_param params[] = { FB_DIVISORS_PARAMS, { 0 } };

/* Returns true when the job was given up. */
static bool count_divisors(uint64_t n, uint64_t *ret_count, struct fb_yield *yield)
{
    uint64_t root = fb_square_root(n), count = 0;
    for (uint64_t i = 1; i <= root;) {
        uint64_t stop = root - i >= STRIDE ? i + STRIDE : root + 1;
        for (; i < stop; i++)
            count += n % i == 0;
        if (fb_safepoint(yield))
            return true;
    }
    *ret_count = 2 * count - (root * root == n); /* the root is its own partner */
    return false;
}

static void run(const struct fb_input *input, void *scratch, size_t begin, size_t end,
                void *results, struct fb_yield *yield)
{
    (void)scratch;
    struct fb_count_result *slot = results;
    for (size_t item = begin; item < end; item++)
        if (count_divisors(input->first + item, &slot[item].count, yield))
            return;
}

const struct fb_kernel fb_kernel_divisors_sqrt = {
    .name = "divisors-sqrt",
    .summary = "counts the divisors of each number by trying candidates up to its square root",
    .params = params,
    .setup = fb_divisors_setup,
    .run = run,
    FB_DIVISORS_KERNEL,
};
