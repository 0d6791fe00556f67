/* Finds primes as the tutorials do: trial division of every number by odd numbers up to its square root. In a
 * header, so that each kernel is compiled with code of its own. */
#ifndef FB_TRIAL_DIVISION_H
#define FB_TRIAL_DIVISION_H

#include "kernels/kernel.h"
#include "kernels/numbers/numbers.h"

/* Divisions between two safepoints inside one large number: at most 3 µs at 10 ns each. */
#define FB_TRIAL_STRIDE 256
/* Numbers between two safepoints: most take little time, 0.1 µs each below a million. */
#define FB_TRIAL_NUMBERS 16

/* 1 if n is prime, 0 if not, -1 if the job was given up. */
static inline int fb_try_prime(uint64_t n, struct fb_yield *yield)
{
    if (n < 4)
        return n >= 2;
    if (n % 2 == 0)
        return 0;
    uint64_t root = fb_square_root(n);
    for (uint64_t divisor = 3; divisor <= root;) {
        uint64_t stop = divisor + 2 * FB_TRIAL_STRIDE;
        if (stop > root + 1)
            stop = root + 1;
        for (; divisor < stop; divisor += 2)
            if (n % divisor == 0)
                return 0;
        if (fb_safepoint(yield))
            return -1;
    }
    return 1;
}

/* Counts the primes p with lo <= p < hi. False when the job was given up. */
static inline bool fb_try_primes(uint64_t lo, uint64_t hi, struct fb_yield *yield,
                                 uint64_t *ret_count)
{
    uint64_t count = 0;
    for (uint64_t n = lo; n < hi; n++) {
        int prime = fb_try_prime(n, yield);
        if (prime < 0 || (n % FB_TRIAL_NUMBERS == 0 && fb_safepoint(yield)))
            return false;
        count += (uint64_t)prime;
    }
    *ret_count = count;
    return true;
}

#endif
