/* Counts divisors by trying candidates only up to the square root: for each divisor d below it, n / d is a
 * divisor above it. It shows that a better algorithm gains more than more cores. */
#include "kernels/numbers/divisors.h"

static const struct fb_param params[] = { FB_DIVISORS_PARAMS, { 0 } };

static bool count_divisors(const struct fb_input *input, uint64_t n, uint64_t *ret_count,
                           struct fb_yield *yield)
{
    (void)input;
    uint64_t root = fb_square_root(n), count;
    if (fb_try_up_to(root, n, &count, yield))
        return true;
    *ret_count = 2 * count - (root * root == n); /* the root is counted once */
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
