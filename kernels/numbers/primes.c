/* Counts the primes in [lo, hi), divided into `ranges` items, by trial division. */
#include "kernels/numbers/primes.h"
#include "kernels/numbers/trial_division.h"

#include "base/random.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define SIEVED_MOST ((uint64_t)1 << 27) /* numbers, in about a fifth of a second */

static const struct fb_param params[] = {
    { "lo", FB_PARAM_NUMBER, "1", 0, (uint64_t)1 << 62, NULL, "the first number" },
    { "hi", FB_PARAM_NUMBER, "800000", 0, (uint64_t)1 << 62, NULL, "one past the last number" },
    { "ranges", FB_PARAM_NUMBER, "8", 1, 1 << 24, NULL,
      "equal ranges, one item each; 64 divide the work evenly" },
    { 0 },
};

int fb_primes_setup(const struct fb_params *given, struct fb_arena *arena,
                    struct fb_input **ret_input, struct fb_error *error)
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

size_t fb_primes_items(const struct fb_input *input)
{
    return input->ranges;
}

/* The tutorial W2 has the ranges [1, 100000), [100000, 200000) …, which for lo = 1 are equal parts of
 * [0, hi): so lo is rounded down to an even number before the division. */
uint64_t fb_primes_boundary(const struct fb_input *input, size_t item)
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
        if (!fb_try_primes(fb_primes_boundary(input, item), fb_primes_boundary(input, item + 1),
                           yield, &count))
            return;
        slot[item].count = count;
    }
}

static int compare(uint64_t lo, uint64_t hi, uint64_t expected, uint64_t count,
                   struct fb_error *error)
{
    return count == expected ? 0
                             : fb_error_set(error, -EBADMSG,
                                            "wrong result: [%" PRIu64 ", %" PRIu64 ") has %" PRIu64
                                            " primes, not %" PRIu64,
                                            lo, hi, expected, count);
}

static int check_range(const struct fb_input *input, const struct fb_count_result *slot,
                       size_t item, struct fb_error *error)
{
    uint64_t lo = fb_primes_boundary(input, item), hi = fb_primes_boundary(input, item + 1);
    uint64_t expected;
    if (fb_prime_count(lo, hi, &expected) < 0)
        return fb_error_set(error, -ENOMEM, "no memory to check the results");
    return compare(lo, hi, expected, slot[item].count, error);
}

/* Compares the sum with the number of primes below hi minus that below lo. */
static int check_sum(const struct fb_input *input, const struct fb_count_result *slot,
                     struct fb_error *error)
{
    uint64_t below = 0, upto = 0, sum = 0;
    for (size_t item = 0; item < input->ranges; item++)
        sum += slot[item].count;
    if ((input->lo > 0 && fb_prime_pi(input->lo - 1, &below) < 0) ||
        fb_prime_pi(input->hi - 1, &upto) < 0)
        return fb_error_set(error, -ENOMEM, "no memory to check the results");
    return compare(input->lo, input->hi, upto - below, sum, error);
}

/* Whether fb_prime_pi, with about hi^(3/4) steps, is less work than sieving: a step takes about as long as
 * sieving one number. */
static bool sum_is_cheap(const struct fb_input *input)
{
    return input->hi <= FB_PRIME_PI_MOST &&
           2 * pow((double)input->hi, 0.75) < (double)(input->hi - input->lo);
}

/* Sieves only some ranges, where sieving all would take seconds. The digest of the results chooses them, so that
 * they can't be predicted but equal results are checked equally. Beginning a range costs as much as sieving
 * about 3 · √hi numbers. */
static int check_some(const struct fb_input *input, const struct fb_count_result *slot,
                      struct fb_error *error)
{
    struct fb_random random = { .state = fb_primes_digest(input, slot) };
    uint64_t range = (input->hi - input->lo) / input->ranges + 3 * fb_square_root(input->hi);
    int result = 0;
    for (uint64_t sieved = 0; sieved < SIEVED_MOST && result == 0; sieved += range)
        result = check_range(input, slot, fb_random_below(&random, input->ranges), error);
    return result;
}

int fb_primes_check(const struct fb_input *input, const void *results, struct fb_error *error)
{
    const struct fb_count_result *slot = results;
    int result = 0;
    if (input->hi - input->lo > SIEVED_MOST) {
        if (sum_is_cheap(input))
            result = check_sum(input, slot, error);
        return result < 0 ? result : check_some(input, slot, error);
    }
    for (size_t item = 0; item < input->ranges && result == 0; item++)
        result = check_range(input, slot, item, error);
    return result;
}

uint64_t fb_primes_digest(const struct fb_input *input, const void *results)
{
    return fb_counts_digest(results, input->ranges);
}

void fb_primes_answer(const struct fb_input *input, const void *results, char *text, size_t size)
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
    .params = params,
    .setup = fb_primes_setup,
    .run = run,
    FB_PRIMES_KERNEL,
};
