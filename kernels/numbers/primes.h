/* What the kernels that count primes in ranges have in common: everything but the algorithm. */
#ifndef FB_PRIMES_H
#define FB_PRIMES_H

#include "kernels/kernel.h"
#include "kernels/numbers/numbers.h"

struct fb_input {
    uint64_t lo, hi;
    size_t ranges;
};

/* The members of a kernel that has the parameters lo, hi and ranges. */
#define FB_PRIMES_KERNEL                                                                           \
    .bound = FB_BOUND_CPU, .result_size = sizeof(struct fb_count_result),                          \
    .items = fb_primes_items, .check = fb_primes_check, .digest = fb_primes_digest,                \
    .answer = fb_primes_answer

int fb_primes_setup(const struct fb_params *given, struct fb_arena *arena,
                    struct fb_input **ret_input, struct fb_error *error);

/* The first number of range `item`, at which the range before ends. */
uint64_t fb_primes_boundary(const struct fb_input *input, size_t item);

size_t fb_primes_items(const struct fb_input *input);

/* Sieves each range. If there are too many numbers, sieves only some ranges, and compares the sum with
 * fb_prime_pi if that is less work. */
int fb_primes_check(const struct fb_input *input, const void *results, struct fb_error *error);
uint64_t fb_primes_digest(const struct fb_input *input, const void *results);
void fb_primes_answer(const struct fb_input *input, const void *results, char *text, size_t size);

#endif
