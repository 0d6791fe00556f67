/* Counts the primes of [lo, hi), cut into `ranges` items, by trial division. */
#include "trial_division.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

struct fb_input {
    uint64_t lo, hi;
    size_t ranges;
};

static const struct fb_param params[] = {
    { "lo", FB_PARAM_NUMBER, "1", 0, (uint64_t)1 << 62, NULL, "the first number" },
    { "hi", FB_PARAM_NUMBER, "800000", 0, (uint64_t)1 << 62, NULL, "one past the last number" },
    { "ranges", FB_PARAM_NUMBER, "8", 1, 1 << 24, NULL,
      "equal ranges, one item each; 64 divide the work evenly" },
    { 0 },
};

static int setup(const struct fb_params *given, struct fb_arena *arena, struct fb_input **ret_input,
                 struct fb_error *error)
{
    uint64_t lo = fb_params_number(given, "lo"), hi = fb_params_number(given, "hi");
    if (lo > hi)
        return fb_error_set(
            error, -EINVAL,
            "an empty range backwards: lo=%" PRIu64 " hi=%" PRIu64 ": give lo <= hi", lo, hi);
    struct fb_input *input = fb_arena_alloc(arena, sizeof *input);
    if (!input)
        return fb_error_set(error, -ENOMEM, "out of shared memory");
    input->lo = lo;
    input->hi = hi;
    input->ranges = fb_params_number(given, "ranges");
    *ret_input = input;
    return 0;
}

static size_t items(const struct fb_input *input)
{
    return input->ranges;
}

/* Where range `item` begins. W2 writes its ranges as [1, 100000), [100000, 200000) …: equal parts
 * of [0, hi) when lo is 1, so the parts are cut from lo rounded down to even. */
static uint64_t boundary(const struct fb_input *input, size_t item)
{
    uint64_t from = input->lo & ~(uint64_t)1;
    if (item == 0)
        return input->lo;
    uint64_t cut = from + (uint64_t)((unsigned __int128)(input->hi - from) * item / input->ranges);
    return cut > input->lo ? cut : input->lo;
}

static void run(const struct fb_input *input, void *scratch, size_t begin, size_t end,
                void *results, struct fb_yield *yield)
{
    (void)scratch;
    struct fb_count_result *slot = results;
    for (size_t item = begin; item < end; item++) {
        uint64_t count;
        if (!fb_try_primes(boundary(input, item), boundary(input, item + 1), yield, &count))
            return;
        slot[item].count = count;
    }
}

static int check(const struct fb_input *input, const void *results, struct fb_error *error)
{
    const struct fb_count_result *slot = results;
    for (size_t item = 0; item < input->ranges; item++) {
        uint64_t lo = boundary(input, item), hi = boundary(input, item + 1), expected;
        if (fb_prime_count(lo, hi, &expected) < 0)
            return fb_error_set(error, -ENOMEM, "no memory to check the results");
        if (slot[item].count != expected)
            return fb_error_set(error, -EBADMSG,
                                "wrong result: [%" PRIu64 ", %" PRIu64 ") has %" PRIu64
                                " primes, not %" PRIu64,
                                lo, hi, expected, slot[item].count);
    }
    return 0;
}

static uint64_t digest(const struct fb_input *input, const void *results)
{
    return fb_counts_digest(results, input->ranges);
}

static void answer(const struct fb_input *input, const void *results, char *text, size_t size)
{
    const struct fb_count_result *slot = results;
    uint64_t primes = 0;
    for (size_t item = 0; item < input->ranges; item++)
        primes += slot[item].count;
    snprintf(text, size, "%" PRIu64 " primes", primes);
}

const struct fb_kernel fb_kernel_primes = {
    .name = "primes",
    .summary = "counts primes by trial division, one range of numbers an item",
    .bound = FB_BOUND_CPU,
    .params = params,
    .result_size = sizeof(struct fb_count_result),
    .setup = setup,
    .items = items,
    .run = run,
    .check = check,
    .digest = digest,
    .answer = answer,
};
