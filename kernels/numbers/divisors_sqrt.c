/* Counts divisors by trying candidates up to the square root only: each that divides has a partner beyond
 * it. The lesson of it: a better algorithm beats every core. */
#include "kernels/numbers/divisors.h"

static const struct fb_param params[] = { FB_DIVISORS_PARAMS, { 0 } };

static bool count_divisors(const struct fb_input *input, uint64_t n, uint64_t *ret_count,
                           struct fb_yield *yield)
{
    (void)input;
    uint64_t root = fb_square_root(n), count;
    if (fb_try_up_to(root, n, &count, yield))
        return true;
    *ret_count = 2 * count - (root * root == n); /* the root is its own partner */
    return false;
}

static void run(const struct fb_input *input, void *scratch, size_t begin, size_t end,
                void *results, struct fb_yield *yield)
{
    (void)scratch;
    fb_divisors_run(input, begin, end, results, yield, count_divisors);
}

const struct fb_kernel fb_kernel_divisors_sqrt = {
    .name = "divisors-sqrt",
    .summary = "counts the divisors of each number by trying candidates up to its square root",
    .params = params,
    .setup = fb_divisors_setup,
    .run = run,
    FB_DIVISORS_KERNEL,
};
