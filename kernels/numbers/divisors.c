/* Counts the divisors of `count` numbers from `first` on, one number per item, as the tutorials do: by
 * trying every i from 1 to n. */
#include "kernels/numbers/divisors.h"

#include <errno.h>
#include <inttypes.h>

/* Trials between two safepoints: at most 3 µs even where a 64-bit division takes 10 ns. */
#define STRIDE 256

int fb_divisors_setup(const struct fb_params *given, struct fb_arena *arena,
                      struct fb_input **ret_input, struct fb_error *error)
{
    struct fb_input *input = fb_arena_alloc(arena, sizeof *input);
    if (!input)
        return fb_error_set(error, -ENOMEM, "out of shared memory");
    input->first = fb_params_number(given, "first");
    input->count = fb_params_number(given, "count");
    *ret_input = input;
    return 0;
}

size_t fb_divisors_items(const struct fb_input *input)
{
    return input->count;
}

bool fb_try_up_to(uint64_t last, uint64_t n, uint64_t *ret_count, struct fb_yield *yield)
{
    uint64_t count = 0;
    for (uint64_t i = 1; i <= last;) {
        uint64_t stop = last - i >= STRIDE ? i + STRIDE : last + 1;
        for (; i < stop; i++)
            count += n % i == 0;
        if (fb_safepoint(yield))
            return true;
    }
    *ret_count = count;
    return false;
}

void fb_divisors_run(const struct fb_input *input, size_t begin, size_t end, void *results,
                     struct fb_yield *yield, fb_count_divisors *count)
{
    struct fb_count_result *slot = results;
    for (size_t item = begin; item < end; item++)
        if (count(input, input->first + item, &slot[item].count, yield))
            return;
}

int fb_divisors_check(const struct fb_input *input, const void *results, struct fb_error *error)
{
    const struct fb_count_result *slot = results;
    for (size_t item = 0; item < input->count; item++) {
        uint64_t n = input->first + item, expected = fb_divisor_count(n);
        if (slot[item].count != expected)
            return fb_error_set(error, -EBADMSG,
                                "wrong result: %" PRIu64 " has %" PRIu64 " divisors, not %" PRIu64,
                                n, expected, slot[item].count);
    }
    return 0;
}

uint64_t fb_divisors_digest(const struct fb_input *input, const void *results)
{
    return fb_counts_digest(results, input->count);
}

void fb_divisors_answer(const struct fb_input *input, const void *results, char *text, size_t size)
{
    fb_counts_answer("divisors:", results, input->count, text, size);
}

/* ---- the kernel of the tutorials ---- */

static bool count_divisors(const struct fb_input *input, uint64_t n, uint64_t *ret_count,
                           struct fb_yield *yield)
{
    (void)input;
    return fb_try_up_to(n, n, ret_count, yield);
}

static void run(const struct fb_input *input, void *scratch, size_t begin, size_t end,
                void *results, struct fb_yield *yield)
{
    (void)scratch;
    fb_divisors_run(input, begin, end, results, yield, count_divisors);
}

static const struct fb_param params[] = { FB_DIVISORS_PARAMS, { 0 } };

const struct fb_kernel fb_kernel_divisors = {
    .name = "divisors",
    .summary = "counts the divisors of each number by trying every candidate",
    .params = params,
    .setup = fb_divisors_setup,
    .run = run,
    FB_DIVISORS_KERNEL,
};
