/* Computes `count` Fibonacci numbers from the `first`th on, one item each, as the tutorials do: by plain
 * recursion, whose number of calls grows with the number itself. */
#include "kernels/kernel.h"
#include "kernels/numbers/numbers.h"

#include <errno.h>
#include <inttypes.h>

#define NEAR 12 /* no safepoints below: at most 465 calls, about 1 µs */
#define LAST 93 /* the last one below 2^64 */

struct fb_input {
    unsigned first;
    size_t count;
};

static const struct fb_param params[] = {
    { "first", FB_PARAM_NUMBER, "32", 0, LAST, NULL,
      "index of the first number; each next number takes 1.6 times as long" },
    { "count", FB_PARAM_NUMBER, "2", 0, LAST + 1, NULL, "numbers, one item each" },
    { 0 },
};

static int setup(const struct fb_params *given, struct fb_arena *arena, struct fb_input **ret_input,
                 struct fb_error *error)
{
    uint64_t first = fb_params_number(given, "first"), count = fb_params_number(given, "count");
    if (first + count > LAST + 1)
        return fb_error_set(error, -EINVAL,
                            "first=%" PRIu64 " and count=%" PRIu64
                            " go beyond number %d, the last below 2^64: give less",
                            first, count, LAST);
    struct fb_input *input = fb_arena_alloc(arena, sizeof *input);
    if (!input)
        return fb_error_set(error, -ENOMEM, "out of shared memory");
    input->first = (unsigned)first;
    input->count = count;
    *ret_input = input;
    return 0;
}

static size_t items(const struct fb_input *input)
{
    return input->count;
}

static uint64_t fib(unsigned n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

/* The same, with safepoints. The sum is undefined when the job was given up. */
static uint64_t fib_far(unsigned n, struct fb_yield *yield, bool *ret_stop)
{
    if (n < NEAR)
        return fib(n);
    if (*ret_stop || (*ret_stop = fb_safepoint(yield)))
        return 0;
    return fib_far(n - 1, yield, ret_stop) + fib_far(n - 2, yield, ret_stop);
}

static void run(const struct fb_input *input, void *scratch, size_t begin, size_t end,
                void *results, struct fb_yield *yield)
{
    (void)scratch;
    struct fb_count_result *slot = results;
    bool stop = false;
    for (size_t item = begin; item < end && !stop; item++)
        slot[item].count = fib_far(input->first + (unsigned)item, yield, &stop);
}

/* Iteratively, by addition. */
static uint64_t fib_by_sums(unsigned n)
{
    uint64_t value = 0, next = 1;
    for (unsigned i = 0; i < n; i++) {
        uint64_t sum = value + next;
        value = next;
        next = sum;
    }
    return value;
}

static int check(const struct fb_input *input, const void *results, struct fb_error *error)
{
    const struct fb_count_result *slot = results;
    for (size_t item = 0; item < input->count; item++) {
        unsigned n = input->first + (unsigned)item;
        uint64_t expected = fib_by_sums(n);
        if (slot[item].count != expected)
            return fb_error_set(error, -EBADMSG,
                                "wrong result: Fibonacci number %u is %" PRIu64 ", not %" PRIu64, n,
                                expected, slot[item].count);
    }
    return 0;
}

static uint64_t digest(const struct fb_input *input, const void *results)
{
    return fb_counts_digest(results, input->count);
}

static void answer(const struct fb_input *input, const void *results, char *text, size_t size)
{
    fb_counts_answer("Fibonacci:", results, input->count, text, size);
}

const struct fb_kernel fb_kernel_fib = {
    .name = "fib",
    .summary = "computes Fibonacci numbers by plain recursion",
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
