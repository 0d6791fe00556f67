/* Trying many divisors at once, in the lanes of vectors. */
#ifndef FB_DIVISORS_LANES_H
#define FB_DIVISORS_LANES_H

#include "kernels/simd.h"

#include <stdint.h>

/* Numbers below have their divisors tried by vectors, others one by one. */
#define FB_LANES_MOST ((uint64_t)1 << 53)

/* How many i with lo <= i < hi divide n; 1 <= lo, hi <= n + 1. simd: one that is here, not
 * FB_SIMD_AUTO. Exact for every n; twice as many lanes below 2^24. */
uint64_t fb_try_divisors(enum fb_simd simd, uint64_t n, uint64_t lo, uint64_t hi);

#endif
