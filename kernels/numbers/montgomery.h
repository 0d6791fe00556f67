/* Multiplication modulo an odd number without division (Montgomery, Math. Comp. 44, 1985). x is represented
 * as x · 2^64 modulo n, which changes neither addition nor the common divisors with n. */
#ifndef FB_MONTGOMERY_H
#define FB_MONTGOMERY_H

#include <stdint.h>

struct fb_montgomery {
    uint64_t n;       /* odd, 3 to 2^63 - 1 */
    uint64_t inverse; /* n · inverse = 1 modulo 2^64 */
    uint64_t one;     /* 2^64 modulo n, which represents 1 */
};

static inline struct fb_montgomery fb_montgomery_of(uint64_t n)
{
    uint64_t inverse = n; /* correct in its low 3 bits; each step doubles their number */
    for (int i = 0; i < 5; i++)
        inverse *= 2 - n * inverse;
    return (struct fb_montgomery){ n, inverse, -n % n };
}

/* a and b below n. */
static inline uint64_t fb_montgomery_multiply(const struct fb_montgomery *field, uint64_t a,
                                              uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    uint64_t low = (uint64_t)product * field->inverse;
    uint64_t high = (uint64_t)(product >> 64);
    uint64_t taken = (uint64_t)((unsigned __int128)low * field->n >> 64);
    return high >= taken ? high - taken : high - taken + field->n;
}

static inline uint64_t fb_montgomery_add(const struct fb_montgomery *field, uint64_t a, uint64_t b)
{
    uint64_t sum = a + b;
    return sum >= field->n ? sum - field->n : sum;
}

#endif
