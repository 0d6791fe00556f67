/* Number theory for the checks of results, by other algorithms than the kernels use. */
#include "kernels/numbers/numbers.h"

#include "kernels/kernel.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_MOST 16 /* counts in an answer */
/* Odd numbers per segment, at least: 128 KiB of flags stay in the L2 cache. */
#define SEGMENT ((uint64_t)1 << 17)
/* Sieving the numbers up to √n takes, per number, about 1 / TEST of the time of testing one n. */
#define TEST 32

uint64_t fb_square_root(uint64_t n)
{
    /* The double may be rounded to the next integer; the loops correct it. */
    uint64_t root = (uint64_t)sqrt((double)n);
    while (root * root > n)
        root--;
    while ((root + 1) * (root + 1) <= n)
        root++;
    return root;
}

static uint64_t multiply_modulo(uint64_t a, uint64_t b, uint64_t modulus)
{
    return (uint64_t)((unsigned __int128)a * b % modulus);
}

/* Whether base proves that n = odd · 2^twos + 1 is composite. */
static bool witness(uint64_t base, uint64_t n, uint64_t odd, int twos)
{
    uint64_t power = 1;
    for (uint64_t square = base % n; odd; odd >>= 1) {
        if (odd & 1)
            power = multiply_modulo(power, square, n);
        square = multiply_modulo(square, square, n);
    }
    if (power == 1 || power == n - 1)
        return false;
    for (int i = 1; i < twos; i++) {
        power = multiply_modulo(power, power, n);
        if (power == n - 1)
            return false;
    }
    return true;
}

bool fb_is_prime(uint64_t n)
{
    static const uint8_t bases[] = { 2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37 };
    for (size_t i = 0; i < sizeof bases; i++)
        if (n % bases[i] == 0)
            return n == bases[i];
    if (n < 2)
        return false;
    int twos = __builtin_ctzll(n - 1);
    for (size_t i = 0; i < sizeof bases; i++)
        if (witness(bases[i], n, (n - 1) >> twos, twos))
            return false;
    return true;
}

uint64_t fb_divisor_count(uint64_t n)
{
    uint64_t divisors = 1;
    for (uint64_t factor = 2; factor <= n / factor / factor; factor += factor == 2 ? 1 : 2) {
        uint64_t power = 1;
        while (n % factor == 0) {
            n /= factor;
            power++;
        }
        divisors *= power;
    }
    /* The rest has no factor up to its cube root: it is 1, p, p² or p · q. */
    if (n == 1)
        return divisors;
    if (fb_is_prime(n))
        return 2 * divisors;
    uint64_t root = (uint64_t)sqrtl((long double)n);
    return root * root == n ? 3 * divisors : 4 * divisors;
}

/* Flags of the odd numbers up to limit: composite[i] is for 2i + 1. NULL if out of memory. */
static uint8_t *sieve_small(uint64_t limit)
{
    uint8_t *composite = calloc(limit / 2 + 1, 1);
    if (!composite)
        return NULL;
    composite[0] = 1;
    for (uint64_t p = 3; p <= limit / p; p += 2)
        if (!composite[p / 2])
            for (uint64_t multiple = p * p; multiple <= limit; multiple += 2 * p)
                composite[multiple / 2] = 1;
    return composite;
}

/* Counts the odd primes in [lo, hi), lo odd; flags has room for each odd number. */
static uint64_t count_segment(uint64_t lo, uint64_t hi, const uint8_t *small, uint8_t *flags)
{
    uint64_t odds = (hi - lo + 1) / 2, primes = 0;
    memset(flags, 0, odds);
    for (uint64_t p = 3; p <= (hi - 1) / p; p += 2) {
        if (small[p / 2])
            continue;
        uint64_t first = (lo + p - 1) / p * p;
        if (first < p * p)
            first = p * p;
        if (first % 2 == 0)
            first += p;
        for (uint64_t i = (first - lo) / 2; i < odds; i += p)
            flags[i] = 1;
    }
    for (uint64_t i = 0; i < odds; i++)
        primes += !flags[i];
    return primes;
}

static int count_by_sieve(uint64_t lo, uint64_t hi, uint64_t *ret_count)
{
    /* Each segment goes through all small primes, so it should be no shorter than their range. */
    uint64_t root = fb_square_root(hi), segment = root > SEGMENT ? root : SEGMENT;
    uint8_t *small = sieve_small(root + 1), *flags = malloc(segment);
    uint64_t count = lo <= 2 && hi > 2;
    if (lo < 3)
        lo = 3;
    lo |= 1;
    for (uint64_t next; small && flags && lo < hi; lo = next) {
        next = hi - lo > 2 * segment ? lo + 2 * segment : hi;
        count += count_segment(lo, next, small, flags);
        next |= 1;
    }
    bool enough = small && flags;
    free(small);
    free(flags);
    if (!enough)
        return -ENOMEM;
    *ret_count = count;
    return 0;
}

int fb_prime_count(uint64_t lo, uint64_t hi, uint64_t *ret_count)
{
    if (lo < hi && hi - lo > (uint64_t)sqrt((double)hi) / TEST && hi <= INT64_MAX)
        return count_by_sieve(lo, hi, ret_count);
    uint64_t count = 0;
    for (uint64_t n = lo; n < hi; n++)
        count += fb_is_prime(n);
    *ret_count = count;
    return 0;
}

int fb_prime_pi(uint64_t n, uint64_t *ret_count)
{
    if (n >= FB_PRIME_PI_MOST)
        return -EDOM;
    /* low[i]: how many of the numbers from 2 to i are prime or have no prime factor so far; high[i]: the same
     * for n / i. */
    uint64_t root = fb_square_root(n);
    uint64_t *low = malloc((root + 1) * sizeof *low), *high = malloc((root + 1) * sizeof *high);
    if (!low || !high) {
        free(low);
        free(high);
        return -ENOMEM;
    }
    for (uint64_t i = 1; i <= root; i++) {
        low[i] = i - 1;
        high[i] = n / i - 1;
    }
    for (uint64_t p = 2; p <= root; p++) {
        if (low[p] == low[p - 1])
            continue;
        uint64_t before = low[p - 1];
        for (uint64_t i = 1; i <= root && i <= n / p / p; i++)
            high[i] -= (i * p <= root ? high[i * p] : low[n / i / p]) - before;
        for (uint64_t i = root; i >= p * p; i--)
            low[i] -= low[i / p] - before;
    }
    *ret_count = n < 2 ? 0 : high[1];
    free(low);
    free(high);
    return 0;
}

uint64_t fb_counts_digest(const struct fb_count_result *results, size_t items)
{
    uint64_t digest = fb_digest(0, items);
    for (size_t i = 0; i < items; i++)
        digest = fb_digest(digest, results[i].count);
    return digest;
}

void fb_counts_answer(const char *name, const struct fb_count_result *results, size_t items,
                      char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "%s", name);
    size_t shown = items < SHOWN_MOST ? items : SHOWN_MOST;
    for (size_t item = 0; item < shown && used < size; item++)
        used += (size_t)snprintf(text + used, size - used, " %" PRIu64, results[item].count);
    if (shown < items && used < size)
        snprintf(text + used, size - used, " and %zu more", items - shown);
}
