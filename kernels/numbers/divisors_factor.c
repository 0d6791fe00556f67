/* Counts divisors from the prime factors: p^a · q^b … has (a + 1) · (b + 1) … divisors. Trial division finds
 * the small factors, Pollard's rho in Brent's form (BIT 20, 1980) the large ones, in about n^(1/4) steps
 * where trying every candidate takes n. */
#include "kernels/numbers/divisors.h"
#include "kernels/numbers/montgomery.h"

#define SMALL 256      /* trial division finds the factors below */
#define STRIDE 128     /* steps of rho between two safepoints, and between two gcds: about 1 µs */
#define FACTORS_MOST 8 /* prime factors >= SMALL of a number below 2^63 */

static const struct fb_param params[] = { FB_DIVISORS_PARAMS, { 0 } };

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static uint64_t distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

/* One step of rho: y^2 + c modulo n. */
static uint64_t step(const struct fb_montgomery *field, uint64_t y, uint64_t c)
{
    return fb_montgomery_add(field, fb_montgomery_multiply(field, y, y), c);
}

/* False when the job was given up. */
static bool take_steps(const struct fb_montgomery *field, uint64_t *y, uint64_t c, uint64_t steps,
                       struct fb_yield *yield)
{
    for (uint64_t i = 1; i <= steps; i++) {
        *y = step(field, *y, c);
        if (i % STRIDE == 0 && fb_safepoint(yield))
            return false;
    }
    return true;
}

/* A factor of n, which is odd and composite, from the sequence with constant c. Returns n if that finds
 * none, 0 if the job was given up. */
static uint64_t find_factor(uint64_t n, uint64_t c, struct fb_yield *yield)
{
    const struct fb_montgomery field = fb_montgomery_of(n);
    uint64_t y = 2, x = y, before = y, factor = 1;
    for (uint64_t length = 1; factor == 1; length *= 2) {
        x = y;
        if (!take_steps(&field, &y, c, length, yield))
            return 0;
        for (uint64_t done = 0; done < length && factor == 1; done += STRIDE) {
            uint64_t product = field.one;
            before = y;
            for (uint64_t i = 0; i < STRIDE && i < length - done; i++) {
                y = step(&field, y, c);
                product = fb_montgomery_multiply(&field, product, distance(x, y));
            }
            factor = common_divisor(product, n);
            if (fb_safepoint(yield))
                return 0;
        }
    }
    if (factor != n)
        return factor;
    /* All factors were found in the same stretch: repeat it step by step. */
    do {
        before = step(&field, before, c);
        factor = common_divisor(distance(x, before), n);
        if (fb_safepoint(yield))
            return 0;
    } while (factor == 1);
    return factor;
}

/* Whether base proves that field->n = odd · 2^twos + 1 is composite. */
static bool is_witness(const struct fb_montgomery *field, uint64_t base, uint64_t odd, int twos)
{
    uint64_t minus_one = field->n - field->one, power = field->one;
    uint64_t square = (uint64_t)((unsigned __int128)base * field->one % field->n);
    for (; odd; odd >>= 1) {
        if (odd & 1)
            power = fb_montgomery_multiply(field, power, square);
        square = fb_montgomery_multiply(field, square, square);
    }
    if (power == field->one || power == minus_one)
        return false;
    for (int i = 1; i < twos; i++) {
        power = fb_montgomery_multiply(field, power, power);
        if (power == minus_one)
            return false;
    }
    return true;
}

/* Whether n, odd and without small factors, is prime: the Miller-Rabin test, exact below 3.1 · 10^23 with
 * these bases (Sorenson and Webster, Math. Comp. 86, 2017). Not fb_is_prime: the check uses that one, and must
 * share no code with what it checks; besides, it divides where this function multiplies. */
static bool is_prime(uint64_t n)
{
    static const uint8_t bases[] = { 2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37 };
    const struct fb_montgomery field = fb_montgomery_of(n);
    int twos = __builtin_ctzll(n - 1);
    for (size_t i = 0; i < sizeof bases; i++)
        if (is_witness(&field, bases[i], (n - 1) >> twos, twos))
            return false;
    return true;
}

/* Appends the prime factors of n, odd and without small ones, to list. False when the job was given up. */
static bool split(uint64_t n, uint64_t *list, size_t *count, struct fb_yield *yield)
{
    uint64_t pending[FACTORS_MOST];
    size_t left = 0;
    if (n > 1)
        pending[left++] = n;
    while (left > 0) {
        uint64_t part = pending[--left], factor = part;
        if (part < SMALL * SMALL || is_prime(part)) {
            list[(*count)++] = part;
            continue;
        }
        for (uint64_t c = 1; factor == part; c++)
            factor = find_factor(part, c, yield);
        if (factor == 0)
            return false;
        pending[left++] = factor;
        pending[left++] = part / factor;
    }
    return true;
}

/* Divides *n by p as often as possible. Returns by how much that multiplies the number of divisors. */
static uint64_t take_out(uint64_t *n, uint64_t p)
{
    uint64_t power = 1;
    for (; *n % p == 0; *n /= p)
        power++;
    return power;
}

static bool count_divisors(const struct fb_input *input, uint64_t n, uint64_t *ret_count,
                           struct fb_yield *yield)
{
    (void)input;
    uint64_t large[FACTORS_MOST], count = take_out(&n, 2);
    size_t factors = 0;
    for (uint64_t p = 3; p < SMALL && p * p <= n; p += 2)
        count *= take_out(&n, p);
    if (!split(n, large, &factors, yield))
        return true;
    for (size_t i = 0; i < factors; i++)
        count *= take_out(&n, large[i]); /* 1 for a repeated factor */
    *ret_count = count;
    return fb_safepoint(yield);
}

static void run(const struct fb_input *input, void *scratch, size_t begin, size_t end,
                void *results, struct fb_yield *yield)
{
    (void)scratch;
    fb_divisors_run(input, begin, end, results, yield, count_divisors);
}

const struct fb_kernel fb_kernel_divisors_factor = {
    .name = "divisors-factor",
    .summary = "counts the divisors of each number from its prime factors",
    .params = params,
    .setup = fb_divisors_setup,
    .run = run,
    FB_DIVISORS_KERNEL,
};
