/* Waits for `count` records as `sleep` does, and counts primes for each as `primes` does: first waiting, then
 * computing. */
#include "kernels/numbers/trial_division.h"
#include "kernels/waiting/waiting.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

static const struct fb_param params[] = {
    FB_WAITING_PARAMS("24"),
    { "from", FB_PARAM_NUMBER, "1000000", 0, (uint64_t)1 << 61, NULL,
      "the first number to test for being prime" },
    { "numbers", FB_PARAM_NUMBER, "30000", 0, 1 << 30, NULL, "numbers to test for each record" },
    { 0 },
};

static int setup(const struct fb_params *given, struct fb_arena *arena, struct fb_input **ret_input,
                 struct fb_error *error)
{
    int result = fb_waiting_setup(given, arena, ret_input, error);
    if (result < 0)
        return result;
    (*ret_input)->first = fb_params_number(given, "from");
    (*ret_input)->numbers = fb_params_number(given, "numbers");
    return 0;
}

/* Where the numbers of record `item` begin. */
static uint64_t first_of(const struct fb_input *input, size_t item)
{
    return input->first + (uint64_t)item * input->numbers;
}

static bool count_primes(const struct fb_input *input, size_t item, struct fb_count_result *slot,
                         struct fb_yield *yield)
{
    uint64_t lo = first_of(input, item);
    return fb_try_primes(lo, lo + input->numbers, yield, &slot[item].count);
}

static void finish(const struct fb_input *input, size_t item, const struct fb_arrival *arrival,
                   void *results, struct fb_yield *yield)
{
    (void)arrival;
    count_primes(input, item, results, yield);
}

static void run(const struct fb_input *input, void *scratch, size_t begin, size_t end,
                void *results, struct fb_yield *yield)
{
    (void)scratch;
    fb_waiting_run(input, begin, end, results, yield, count_primes);
}

static int check(const struct fb_input *input, const void *results, struct fb_error *error)
{
    const struct fb_count_result *slot = results;
    for (size_t item = 0; item < input->count; item++) {
        uint64_t lo = first_of(input, item), hi = lo + input->numbers, expected;
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
    .params = params,
    .setup = setup,
    .computes = true,
    .run = run,
    .finish = finish,
    .check = check,
    .answer = answer,
    FB_WAITING_KERNEL,
};
