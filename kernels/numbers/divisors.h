/* What the kernels that count divisors have in common: everything but the algorithm. */
#ifndef FB_DIVISORS_H
#define FB_DIVISORS_H

#include "kernels/kernel.h"
#include "kernels/numbers/numbers.h"
#include "kernels/simd.h"

struct fb_input {
    uint64_t first;
    size_t count;
    enum fb_simd simd; /* of divisors-simd */
};

#define FB_DIVISORS_PARAMS                                                                         \
    { "first", FB_PARAM_NUMBER, "5000000", 1, (uint64_t)1 << 62, NULL, "the first number" },       \
    {                                                                                              \
        "count", FB_PARAM_NUMBER, "8", 0, 1 << 24, NULL, "numbers, one item each"                  \
    }

/* The members that these kernels have in common. */
#define FB_DIVISORS_KERNEL                                                                         \
    .bound = FB_BOUND_CPU, .result_size = sizeof(struct fb_count_result),                          \
    .items = fb_divisors_items, .check = fb_divisors_check, .digest = fb_divisors_digest,          \
    .answer = fb_divisors_answer

int fb_divisors_setup(const struct fb_params *given, struct fb_arena *arena,
                      struct fb_input **ret_input, struct fb_error *error);

/* Counts the divisors of n. True when the job was given up; *ret_count is undefined then. */
typedef bool fb_count_divisors(const struct fb_input *input, uint64_t n, uint64_t *ret_count,
                               struct fb_yield *yield);

/* The run of a kernel with this algorithm. */
void fb_divisors_run(const struct fb_input *input, size_t begin, size_t end, void *results,
                     struct fb_yield *yield, fb_count_divisors *count);

/* Counts the numbers from 1 to `last` that divide n, one by one. True when the job was given up. */
bool fb_try_up_to(uint64_t last, uint64_t n, uint64_t *ret_count, struct fb_yield *yield);

size_t fb_divisors_items(const struct fb_input *input);
int fb_divisors_check(const struct fb_input *input, const void *results, struct fb_error *error);
uint64_t fb_divisors_digest(const struct fb_input *input, const void *results);
void fb_divisors_answer(const struct fb_input *input, const void *results, char *text, size_t size);

#endif
