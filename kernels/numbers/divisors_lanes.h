/* Tries many divisors at once, in the lanes of a vector. */
#ifndef FB_DIVISORS_LANES_H
#define FB_DIVISORS_LANES_H

#include "kernels/simd.h"

#include <stdint.h>

/* Vectors are used for numbers below; other numbers are tried one divisor at a time. */
#define FB_LANES_MOST ((uint64_t)1 << 53)

/* Counts the i with lo <= i < hi that divide n; 1 <= lo, hi <= n + 1. simd comes from fb_simd_choose, so is
 * not FB_SIMD_AUTO. Exact for every n; uses twice as many lanes below 2^24. */
uint64_t fb_try_divisors(enum fb_simd simd, uint64_t n, uint64_t lo, uint64_t hi);

#endif
