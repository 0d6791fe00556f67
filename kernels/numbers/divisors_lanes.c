/* Tests whether i divides n, for as many i at once as a vector has lanes, in floating point with P = 24 or 53 bits
 * and n < 2^P, so that n and i are exact. Three tests, each with its proof:
 *
 * 1. By the quotient, correctly rounded (portable code). If i divides n, the quotient is an integer below 2^P, so
 * it is exact. If not, the exact quotient differs from every integer m by at least 1/i; rounding moves it by at
 * most 2^-P · n/i < 1/i, so it never becomes m. So i divides n if and only if the quotient is an integer.
 *
 * 2. By the remainder (CPU-specific code, small i). Let q be the quotient, rounded to P bits and then to the nearest
 * integer, and compute n - q · i by one fused operation, which rounds only once. If i divides n, q = n/i is exact and
 * the remainder is 0. If not, the exact remainder is an integer other than 0, whatever q is, and does not round
 * to 0. So i divides n if and only if the remainder is 0.
 *
 * 3. By an estimate r of 1/i (CPU-specific code, large i), with r · i = 1 + e, |e| <= E, where the quotient is at most
 * Q with Q · E < 1/2. Like 2, with q = n · r rounded to the nearest integer. If i divides n, n · r differs from n/i by
 * less than 1/2, so q = n/i; if not, the value of q does not matter.
 *
 * x + M - M with M = 1.5 · 2^(P-1) rounds |x| < 2^(P-2) to the nearest integer, because numbers near M have no
 * fraction bits. */
#include "kernels/numbers/divisors_lanes.h"

#include <stdbool.h>
#include <stddef.h>

#define SINGLE_MOST ((uint64_t)1 << 24)
#define ROUND_SINGLE 12582912.0f       /* 1.5 · 2^23 */
#define ROUND_DOUBLE 6755399441055744. /* 1.5 · 2^52 */
/* From this candidate on, quotients are below 2^(P-2). */
#define LEAST 8

/* Counts which of groups · lanes candidates from `first` on divide n. estimate: use test 3, not 2. */
typedef uint64_t try_single(float n, float first, size_t groups, bool estimate);
typedef uint64_t try_double(double n, double first, size_t groups, bool estimate);

/* ---- portable: generic vectors of 16 bytes, which the compiler emulates where necessary ---- */

typedef float singles __attribute__((vector_size(16)));
typedef double doubles __attribute__((vector_size(16)));
typedef int32_t counts32 __attribute__((vector_size(16)));
typedef int64_t counts64 __attribute__((vector_size(16)));

static uint64_t portable_single(float n, float first, size_t groups, bool estimate)
{
    (void)estimate;
    singles i = { first, first + 1, first + 2, first + 3 };
    counts32 count = { 0 };
    for (size_t k = 0; k < groups; k++, i += 4) {
        singles quotient = n / i;
        count -= quotient + ROUND_SINGLE - ROUND_SINGLE == quotient; /* true is -1 */
    }
    return (uint64_t)count[0] + (uint64_t)count[1] + (uint64_t)count[2] + (uint64_t)count[3];
}

static uint64_t portable_double(double n, double first, size_t groups, bool estimate)
{
    (void)estimate;
    doubles i = { first, first + 1 };
    counts64 count = { 0 };
    for (size_t k = 0; k < groups; k++, i += 2) {
        doubles quotient = n / i;
        count -= quotient + ROUND_DOUBLE - ROUND_DOUBLE == quotient;
    }
    return (uint64_t)count[0] + (uint64_t)count[1];
}

#if defined __x86_64__
#include <immintrin.h>

/* ---- AVX2: estimates of 1/i with an error of at most 1.5 · 2^-12 ---- */

#define AVX2 __attribute__((target("avx2,fma")))

AVX2 static uint64_t avx2_single(float n, float first, size_t groups, bool estimate)
{
    const __m256 ns = _mm256_set1_ps(n), round = _mm256_set1_ps(ROUND_SINGLE);
    __m256 i = _mm256_add_ps(_mm256_set1_ps(first), _mm256_setr_ps(0, 1, 2, 3, 4, 5, 6, 7));
    __m256i count = _mm256_setzero_si256();
    int32_t lanes[8];
    uint64_t sum = 0;
    for (size_t k = 0; k < groups; k++) {
        __m256 quotient = estimate ? _mm256_fmadd_ps(ns, _mm256_rcp_ps(i), round)
                                   : _mm256_add_ps(_mm256_div_ps(ns, i), round);
        quotient = _mm256_sub_ps(quotient, round);
        __m256 rest = _mm256_fnmadd_ps(quotient, i, ns);
        __m256 divides = _mm256_cmp_ps(rest, _mm256_setzero_ps(), _CMP_EQ_OQ);
        count = _mm256_sub_epi32(count, _mm256_castps_si256(divides));
        i = _mm256_add_ps(i, _mm256_set1_ps(8));
    }
    _mm256_storeu_si256((__m256i *)lanes, count);
    for (int k = 0; k < 8; k++)
        sum += (uint64_t)lanes[k];
    return sum;
}

AVX2 static uint64_t avx2_double(double n, double first, size_t groups, bool estimate)
{
    const __m256d ns = _mm256_set1_pd(n), round = _mm256_set1_pd(ROUND_DOUBLE);
    __m256d i = _mm256_add_pd(_mm256_set1_pd(first), _mm256_setr_pd(0, 1, 2, 3));
    __m256i count = _mm256_setzero_si256();
    int64_t lanes[4];
    for (size_t k = 0; k < groups; k++) {
        __m256d quotient;
        if (estimate) /* i fits the exponent range of a float; rounding i to 24 bits adds 2^-24 to the error */
            quotient = _mm256_fmadd_pd(ns, _mm256_cvtps_pd(_mm_rcp_ps(_mm256_cvtpd_ps(i))), round);
        else
            quotient = _mm256_add_pd(_mm256_div_pd(ns, i), round);
        quotient = _mm256_sub_pd(quotient, round);
        __m256d rest = _mm256_fnmadd_pd(quotient, i, ns);
        __m256d divides = _mm256_cmp_pd(rest, _mm256_setzero_pd(), _CMP_EQ_OQ);
        count = _mm256_sub_epi64(count, _mm256_castpd_si256(divides));
        i = _mm256_add_pd(i, _mm256_set1_pd(4));
    }
    _mm256_storeu_si256((__m256i *)lanes, count);
    return (uint64_t)(lanes[0] + lanes[1] + lanes[2] + lanes[3]);
}

/* ---- AVX-512: estimates of 1/i with an error of at most 2^-14 ---- */

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")))

AVX512 static uint64_t avx512_single(float n, float first, size_t groups, bool estimate)
{
    const __m512 ns = _mm512_set1_ps(n), round = _mm512_set1_ps(ROUND_SINGLE);
    const __m512i one = _mm512_set1_epi32(1);
    __m512 i = _mm512_add_ps(_mm512_set1_ps(first),
                             _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
    __m512i count = _mm512_setzero_si512();
    for (size_t k = 0; k < groups; k++) {
        __m512 quotient = estimate ? _mm512_fmadd_ps(ns, _mm512_rcp14_ps(i), round)
                                   : _mm512_add_ps(_mm512_div_ps(ns, i), round);
        quotient = _mm512_sub_ps(quotient, round);
        __m512 rest = _mm512_fnmadd_ps(quotient, i, ns);
        __mmask16 divides = _mm512_cmp_ps_mask(rest, _mm512_setzero_ps(), _CMP_EQ_OQ);
        count = _mm512_mask_add_epi32(count, divides, count, one);
        i = _mm512_add_ps(i, _mm512_set1_ps(16));
    }
    return (uint64_t)_mm512_reduce_add_epi32(count);
}

AVX512 static uint64_t avx512_double(double n, double first, size_t groups, bool estimate)
{
    const __m512d ns = _mm512_set1_pd(n), round = _mm512_set1_pd(ROUND_DOUBLE);
    const __m512i one = _mm512_set1_epi64(1);
    __m512d i = _mm512_add_pd(_mm512_set1_pd(first), _mm512_setr_pd(0, 1, 2, 3, 4, 5, 6, 7));
    __m512i count = _mm512_setzero_si512();
    for (size_t k = 0; k < groups; k++) {
        __m512d quotient = estimate ? _mm512_fmadd_pd(ns, _mm512_rcp14_pd(i), round)
                                    : _mm512_add_pd(_mm512_div_pd(ns, i), round);
        quotient = _mm512_sub_pd(quotient, round);
        __m512d rest = _mm512_fnmadd_pd(quotient, i, ns);
        __mmask8 divides = _mm512_cmp_pd_mask(rest, _mm512_setzero_pd(), _CMP_EQ_OQ);
        count = _mm512_mask_add_epi64(count, divides, count, one);
        i = _mm512_add_pd(i, _mm512_set1_pd(8));
    }
    return (uint64_t)_mm512_reduce_add_epi64(count);
}

#elif defined __aarch64__
#include <arm_neon.h>

/* ---- NEON: estimates of 1/i to 2^-8, and to better than 2^-14 by one step of Newton's method ---- */

static uint64_t neon_single(float n, float first, size_t groups, bool estimate)
{
    const float32x4_t ns = vdupq_n_f32(n), round = vdupq_n_f32(ROUND_SINGLE);
    float32x4_t i = { first, first + 1, first + 2, first + 3 };
    uint32x4_t count = vdupq_n_u32(0);
    for (size_t k = 0; k < groups; k++) {
        float32x4_t quotient;
        if (estimate) {
            float32x4_t r = vrecpeq_f32(i);
            r = vmulq_f32(r, vrecpsq_f32(i, r));
            quotient = vfmaq_f32(round, ns, r);
        } else {
            quotient = vaddq_f32(vdivq_f32(ns, i), round);
        }
        quotient = vsubq_f32(quotient, round);
        count = vsubq_u32(count, vceqzq_f32(vfmsq_f32(ns, quotient, i)));
        i = vaddq_f32(i, vdupq_n_f32(4));
    }
    return vaddvq_u32(count);
}

static uint64_t neon_double(double n, double first, size_t groups, bool estimate)
{
    const float64x2_t ns = vdupq_n_f64(n), round = vdupq_n_f64(ROUND_DOUBLE);
    float64x2_t i = { first, first + 1 };
    uint64x2_t count = vdupq_n_u64(0);
    for (size_t k = 0; k < groups; k++) {
        float64x2_t quotient;
        if (estimate) {
            float64x2_t r = vrecpeq_f64(i);
            r = vmulq_f64(r, vrecpsq_f64(i, r));
            quotient = vfmaq_f64(round, ns, r);
        } else {
            quotient = vaddq_f64(vdivq_f64(ns, i), round);
        }
        quotient = vsubq_f64(quotient, round);
        count = vsubq_u64(count, vceqzq_f64(vfmsq_f64(ns, quotient, i)));
        i = vaddq_f64(i, vdupq_n_f64(2));
    }
    return vaddvq_u64(count);
}
#endif

/* ---- choosing the code ---- */

static const struct path {
    size_t singles, doubles; /* lanes */
    uint64_t quotient_most;  /* Q */
    try_single *try_single;
    try_double *try_double;
} paths[FB_SIMDS] = {
    [FB_SIMD_PORTABLE] = { 4, 2, 0, portable_single, portable_double },
#if defined __x86_64__
    [FB_SIMD_AVX2] = { 8, 4, 1 << 10, avx2_single, avx2_double },
    [FB_SIMD_AVX512] = { 16, 8, 1 << 12, avx512_single, avx512_double },
#elif defined __aarch64__
    [FB_SIMD_NEON] = { 4, 2, 1 << 12, neon_single, neon_double },
#endif
};

static uint64_t try_plainly(uint64_t n, uint64_t lo, uint64_t hi)
{
    uint64_t count = 0;
    for (uint64_t i = lo; i < hi; i++)
        count += n % i == 0;
    return count;
}

static uint64_t try_groups(const struct path *path, uint64_t n, uint64_t first, size_t groups,
                           bool estimate)
{
    if (groups == 0)
        return 0;
    return n < SINGLE_MOST ? path->try_single((float)n, (float)first, groups, estimate)
                           : path->try_double((double)n, (double)first, groups, estimate);
}

uint64_t fb_try_divisors(enum fb_simd simd, uint64_t n, uint64_t lo, uint64_t hi)
{
    const struct path *path = &paths[simd];
    if (n >= FB_LANES_MOST)
        return try_plainly(n, lo, hi);
    uint64_t lanes = n < SINGLE_MOST ? path->singles : path->doubles, count = 0;
    uint64_t small = hi < LEAST ? hi : LEAST;
    if (lo < small) {
        count = try_plainly(n, lo, small);
        lo = small;
    }
    /* From `near` on, quotients are at most Q, so test 3 is exact. */
    uint64_t near = path->quotient_most ? n / path->quotient_most + 1 : hi;
    uint64_t groups = (hi - lo) / lanes;
    uint64_t exact = near <= lo ? 0 : (near - lo + lanes - 1) / lanes;
    exact = exact < groups ? exact : groups;
    count += try_groups(path, n, lo, exact, false);
    count += try_groups(path, n, lo + exact * lanes, groups - exact, true);
    return count + try_plainly(n, lo + groups * lanes, hi);
}
