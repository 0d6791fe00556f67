/* Number theory for the kernels' checks: answers by algorithms other than the kernels' own, and
 * cheaper. */
#ifndef FB_NUMBERS_H
#define FB_NUMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The result of one item of a kernel that counts. */
struct fb_count_result {
    int32_t status;
    uint32_t reserved; /* 0 */
    uint64_t count;
};

/* The number of divisors of n >= 1, from its prime factors by trial division up to the cube root of n. */
uint64_t fb_divisor_count(uint64_t n);

/* Whether n is prime: the Miller-Rabin test with the first twelve primes as bases, which is
 * exact below 3.1 · 10^23 (Sorenson and Webster, Math. Comp. 86, 2017). */
bool fb_is_prime(uint64_t n);

/* Counts the primes p with lo <= p < hi. Sieves in segments, or tests each number where that is less
 * work. 0 and *ret_count, or -ENOMEM. */
int fb_prime_count(uint64_t lo, uint64_t hi, uint64_t *ret_count);

#define FB_PRIME_PI_MOST ((uint64_t)1 << 42)

/* Counts the primes p <= n, for n < FB_PRIME_PI_MOST, in O(n^(3/4)) steps: Legendre's formula for all n / i at once
 * (the method of Lucy Hedgehog, Project Euler, problem 10). 0 and *ret_count, -EDOM if n is too large, or -ENOMEM. */
int fb_prime_pi(uint64_t n, uint64_t *ret_count);

/* The digest of `items` counts. */
uint64_t fb_counts_digest(const struct fb_count_result *results, size_t items);

/* The answer "NAME 1 2 3 and 4 more": at most 16 of `items` counts are shown. */
void fb_counts_answer(const char *name, const struct fb_count_result *results, size_t items,
                      char *text, size_t size);

/* The largest r with r · r <= n, for n < 2^63. */
uint64_t fb_square_root(uint64_t n);

#endif
