/* Waits for `count` records as `sleep` does, and then computes something of each, as `primes` does: first
 * waiting, then work for a CPU. */
#include "kernels/numbers/trial_division.h"
#include "kernels/waiting/waiting.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

struct fb_input {
    size_t count;
    uint64_t wait_us, from, numbers;
};

static const struct fb_param params[] = {
    { "count", FB_PARAM_NUMBER, "24", 0, 1 << 24, NULL, "records, one item each" },
    { "wait_us", FB_PARAM_NUMBER, "10000", 0, 60000000, NULL, "that each takes to come, us" },
    { "from", FB_PARAM_NUMBER, "1000000", 0, (uint64_t)1 << 61, NULL,
      "the first number that is tried" },
    { "numbers", FB_PARAM_NUMBER, "30000", 0, 1 << 30, NULL,
      "of each record, whose primes are counted" },
    { 0 },
};

static int setup(const struct fb_params *given, struct fb_arena *arena, struct fb_input **ret_input,
                 struct fb_error *error)
{
    struct fb_input *input = fb_arena_alloc(arena, sizeof *input);
    if (!input)
        return fb_error_set(error, -ENOMEM, "out of shared memory");
    input->count = fb_params_number(given, "count");
    input->wait_us = fb_params_number(given, "wait_us");
    input->from = fb_params_number(given, "from");
    input->numbers = fb_params_number(given, "numbers");
    *ret_input = input;
    return 0;
}

static size_t items(const struct fb_input *input)
{
    return input->count;
}

static void await(const struct fb_input *input, size_t item, struct fb_await *ret_await)
{
    (void)item;
    ret_await->delay_us = input->wait_us;
}

/* False when the job was given up. */
static bool compute(const struct fb_input *input, size_t item, struct fb_count_result *slot,
                    struct fb_yield *yield)
{
    uint64_t from = input->from + (uint64_t)item * input->numbers;
    return fb_try_primes(from, from + input->numbers, yield, &slot[item].count);
}

static void finish(const struct fb_input *input, size_t item, const struct fb_arrival *arrival,
                   void *results, struct fb_yield *yield)
{
    (void)arrival;
    compute(input, item, results, yield);
}

static void run(const struct fb_input *input, void *scratch, size_t begin, size_t end,
                void *results, struct fb_yield *yield)
{
    (void)scratch;
    for (size_t item = begin; item < end; item++) {
        if (!fb_wait_us(input->wait_us, yield) || !compute(input, item, results, yield))
            return;
    }
}

static int check(const struct fb_input *input, const void *results, struct fb_error *error)
{
    const struct fb_count_result *slot = results;
    for (size_t item = 0; item < input->count; item++) {
        uint64_t from = input->from + (uint64_t)item * input->numbers, expected;
        if (fb_prime_count(from, from + input->numbers, &expected) < 0)
            return fb_error_set(error, -ENOMEM, "no memory to check the results");
        if (slot[item].count != expected)
            return fb_error_set(error, -EBADMSG,
                                "wrong result: [%" PRIu64 ", %" PRIu64 ") has %" PRIu64
                                " primes, not %" PRIu64,
                                from, from + input->numbers, expected, slot[item].count);
    }
    return 0;
}

static uint64_t digest(const struct fb_input *input, const void *results)
{
    return fb_counts_digest(results, input->count);
}

static void answer(const struct fb_input *input, const void *results, char *text, size_t size)
{
    const struct fb_count_result *slot = results;
    uint64_t primes = 0;
    for (size_t item = 0; item < input->count; item++)
        primes += slot[item].count;
    snprintf(text, size, "%zu records, %" PRIu64 " primes", input->count, primes);
}

const struct fb_kernel fb_kernel_mixed = {
    .name = "mixed",
    .summary = "waits for records and counts primes for each: waiting, then computing",
    .bound = FB_BOUND_IO,
    .params = params,
    .result_size = sizeof(struct fb_count_result),
    .setup = setup,
    .items = items,
    .await = await,
    .computes = true,
    .run = run,
    .finish = finish,
    .check = check,
    .digest = digest,
    .answer = answer,
};
