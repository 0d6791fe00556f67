/* Counts the divisors of `count` numbers from `first` on, one item a number, the tutorial's way: by
 * trying every i from 1 to n. */
#include "kernel.h"
#include "numbers.h"

#include <errno.h>
#include <inttypes.h>

/* Trials between two safepoints: at most 3 µs even where a 64-bit division takes 10 ns. */
#define STRIDE 256

struct fb_input {
    uint64_t first;
    size_t count;
};

static const struct fb_param params[] = {
    { "first", FB_PARAM_NUMBER, "5000000", 1, (uint64_t)1 << 62, NULL, "the first number" },
    { "count", FB_PARAM_NUMBER, "8", 0, 1 << 24, NULL, "how many numbers, one item each" },
    { 0 },
};

static int setup(const struct fb_params *given, struct fb_arena *arena, struct fb_input **ret_input,
                 struct fb_error *error)
{
    struct fb_input *input = fb_arena_alloc(arena, sizeof *input);
    if (!input)
        return fb_error_set(error, -ENOMEM, "out of shared memory");
    input->first = fb_params_number(given, "first");
    input->count = fb_params_number(given, "count");
    *ret_input = input;
    return 0;
}

static size_t items(const struct fb_input *input)
{
    return input->count;
}

/* Returns true when the job was given up. */
static bool count_divisors(uint64_t n, uint64_t *ret_count, struct fb_yield *yield)
{
    uint64_t count = 0;
    for (uint64_t i = 1; i <= n;) {
        uint64_t stop = n - i >= STRIDE ? i + STRIDE : n + 1;
        for (; i < stop; i++)
            count += n % i == 0;
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
    struct fb_count_result *slot = results;
    for (size_t item = begin; item < end; item++)
        if (count_divisors(input->first + item, &slot[item].count, yield))
            return;
}

static int check(const struct fb_input *input, const void *results, struct fb_error *error)
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

static uint64_t digest(const struct fb_input *input, const void *results)
{
    return fb_counts_digest(results, input->count);
}

static void answer(const struct fb_input *input, const void *results, char *text, size_t size)
{
    fb_counts_answer("divisors:", results, input->count, text, size);
}

const struct fb_kernel fb_kernel_divisors = {
    .name = "divisors",
    .summary = "counts the divisors of each number by trying every candidate",
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
