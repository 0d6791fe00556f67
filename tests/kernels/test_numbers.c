/* kernels/numbers/numbers.c: the algorithms of the checks, against tables and each other. */
#include "tests/support/support.h"

#include "kernels/numbers/numbers.h"

#include <errno.h>

#define SEGMENT_NUMBERS ((uint64_t)1 << 18) /* numbers per segment of the sieve */

static const struct {
    uint64_t n, divisors;
} known_divisors[] = {
    { 1, 1 },
    { 2, 2 },
    { 4, 3 },
    { 9, 3 },
    { 49, 3 },
    { 5000000, 56 },
    { 5000001, 8 },
    { 1000003, 2 },
    { 1000006000009, 3 },  /* 1000003² */
    { 1000003000000, 98 }, /* 1000003 · 10⁶ */
    { 735134400, 1344 },   /* highly composite */
    { 963761198400, 6720 },
    { 897612484786617600, 103680 },
    { (uint64_t)1 << 63, 64 },
    { 12157665459056928801u, 41 }, /* 3⁴⁰ */
    { UINT64_MAX, 128 },           /* 3 · 5 · 17 · 257 · 641 · 65537 · 6700417 */
};

static void known_numbers_of_divisors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof known_divisors / sizeof *known_divisors; i++)
        assert_int_equal(fb_divisor_count(known_divisors[i].n), known_divisors[i].divisors);
}

static void divisors_equal_those_by_trying_all(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 3000; n++) {
        uint64_t count = 0;
        for (uint64_t i = 1; i <= n; i++)
            count += n % i == 0;
        assert_int_equal(fb_divisor_count(n), count);
    }
}

static void known_primes(void **state)
{
    (void)state;
    static const uint64_t primes[] = {
        2,
        3,
        5,
        7,
        11,
        13,
        17,
        19,
        23,
        29,
        31,
        37,
        41,
        43,
        997,
        65537,
        1000003,
        2147483647, /* 2³¹ - 1 */
        4294967279,
        4294967291,
        4294967311, /* around 2³² */
        1000000000039,
        1099511627689,
        1099511627791,         /* around 2⁴⁰ */
        2305843009213693951,   /* 2⁶¹ - 1 */
        9223372036854775783,   /* below 2⁶³ */
        9223372036854775837u,  /* above 2⁶³ */
        18446744073709551557u, /* the largest with 64 bits */
    };
    for (size_t i = 0; i < sizeof primes / sizeof *primes; i++)
        if (!fb_is_prime(primes[i]))
            fail_msg("%llu is prime", (unsigned long long)primes[i]);
}

static void known_composites(void **state)
{
    (void)state;
    static const uint64_t composites[] = {
        0,
        1,
        4,
        9,
        25,
        1369,
        1681,
        1763,
        1849, /* squares and products around the largest base */
        /* the smallest strong pseudoprimes to the first 1, 2, … 9 primes, and to the first 12
         * but for the last */
        2047,
        1373653,
        25326001,
        3215031751,
        2152302898747,
        3474749660383,
        341550071728321,
        3825123056546413051,
        /* Carmichael numbers */
        561,
        1105,
        1729,
        2465,
        2821,
        6601,
        8911,
        10585,
        41041,
        825265,
        321197185,
        5394826801,
        232250619601,
        9746347772161,
        1436697831295441,
        60977817398996785,
        7156857700403137441,
        /* other strong pseudoprimes to base 2 */
        3277,
        4033,
        4681,
        8321,
        15841,
        29341,
        4294967297,
        4611686014132420609u,  /* (2³¹ - 1)² */
        18446744030759878681u, /* (2³² - 5)² */
        18446744073709551615u,
        18446744073709551556u,
        18446744073709551559u,
    };
    for (size_t i = 0; i < sizeof composites / sizeof *composites; i++)
        if (fb_is_prime(composites[i]))
            fail_msg("%llu is composite", (unsigned long long)composites[i]);
}

static void primality_equals_trial_division(void **state)
{
    (void)state;
    for (uint64_t n = 0; n < 20000; n++) {
        bool prime = n >= 2;
        for (uint64_t i = 2; i * i <= n && prime; i++)
            prime = n % i != 0;
        assert_int_equal(fb_is_prime(n), prime);
    }
}

static uint64_t count(uint64_t lo, uint64_t hi)
{
    uint64_t primes = UINT64_MAX;
    assert_int_equal(fb_prime_count(lo, hi, &primes), 0);
    return primes;
}

static uint64_t count_one_by_one(uint64_t lo, uint64_t hi)
{
    uint64_t primes = 0;
    for (uint64_t n = lo; n < hi; n++)
        primes += fb_is_prime(n);
    return primes;
}

static void known_numbers_of_primes(void **state)
{
    (void)state;
    assert_int_equal(count(0, 10), 4);
    assert_int_equal(count(0, 100), 25);
    assert_int_equal(count(0, 1000), 168);
    assert_int_equal(count(0, 10000), 1229);
    assert_int_equal(count(0, 100000), 9592);
    assert_int_equal(count(0, 1000000), 78498);
    assert_int_equal(count(0, 10000000), 664579);
    assert_int_equal(count(1, 800000), 63951);
    assert_int_equal(count(100000, 200000), 17984 - 9592);
}

static void every_short_range_near_zero(void **state)
{
    (void)state;
    for (uint64_t lo = 0; lo <= 40; lo++)
        for (uint64_t hi = 0; hi <= 60; hi++)
            assert_int_equal(count(lo, hi), lo < hi ? count_one_by_one(lo, hi) : 0);
}

static void ranges_that_end_at_a_segments_edge(void **state)
{
    (void)state;
    for (uint64_t lo = 0; lo <= 4; lo++)
        for (uint64_t more = 0; more <= 4; more++) {
            uint64_t hi = lo + SEGMENT_NUMBERS - 2 + more, middle = lo + 100001;
            assert_int_equal(count(lo, hi), count(lo, middle) + count(middle, hi));
            assert_int_equal(count(hi - 50, hi + 50), count_one_by_one(hi - 50, hi + 50));
        }
    /* Several segments, and the numbers on both sides of each edge. */
    uint64_t last = 5 * SEGMENT_NUMBERS + 3, sum = 0;
    for (uint64_t lo = 3; lo < last; lo += SEGMENT_NUMBERS)
        sum += count(lo, lo + SEGMENT_NUMBERS < last ? lo + SEGMENT_NUMBERS : last);
    assert_int_equal(count(3, last), sum);
}

static void squares_of_primes_are_sieved_out(void **state)
{
    (void)state;
    static const uint64_t primes[] = { 3, 5, 7, 509, 521, 1021, 65521, 1048573 };
    for (size_t i = 0; i < sizeof primes / sizeof *primes; i++) {
        uint64_t square = primes[i] * primes[i];
        assert_int_equal(count(square, square + 1), 0);
        assert_int_equal(count(square - 1, square + 2), count_one_by_one(square - 1, square + 2));
    }
}

/* Ranges shorter than √n / 32 are tested number by number. */
static void sieve_and_test_agree_where_they_meet(void **state)
{
    (void)state;
    static const uint64_t from[] = { (uint64_t)1 << 20, (uint64_t)1 << 40, (uint64_t)1 << 44 };
    for (size_t i = 0; i < sizeof from / sizeof *from; i++) {
        uint64_t length = fb_square_root(from[i]) / 32;
        for (uint64_t hi = from[i] + length - 2; hi <= from[i] + length + 2; hi++)
            assert_int_equal(count(from[i], hi), count_one_by_one(from[i], hi));
        assert_int_equal(count(from[i], from[i]), 0);
        assert_int_equal(count(from[i] + 1, from[i]), 0);
    }
    /* √n is longer than the usual segment, so the segments are longer. */
    uint64_t lo = ((uint64_t)1 << 36) - 1000, hi = lo + 2 * SEGMENT_NUMBERS + 5000;
    assert_int_equal(count(lo, hi), count_one_by_one(lo, hi));
    assert_int_equal(count(UINT64_MAX - 100, UINT64_MAX), 3); /* 2⁶⁴ - 95, - 83 and - 59 */
}

static void square_roots_around_squares(void **state)
{
    (void)state;
    assert_int_equal(fb_square_root(0), 0);
    for (uint64_t r = 1; r < 2000; r++) {
        assert_int_equal(fb_square_root(r * r - 1), r - 1);
        assert_int_equal(fb_square_root(r * r), r);
        assert_int_equal(fb_square_root(r * r + 1), r);
    }
    /* 3037000499² is the largest square below 2⁶³. */
    for (uint64_t back = 0; back < 2000; back++)
        for (uint64_t r = 3037000499u - back; r > 1; r /= 2) {
            assert_int_equal(fb_square_root(r * r - 1), r - 1);
            assert_int_equal(fb_square_root(r * r), r);
            assert_int_equal(fb_square_root(r * r + 1), r);
        }
    assert_int_equal(fb_square_root(((uint64_t)1 << 63) - 1), 3037000499u);
}

static void a_digest_depends_on_counts_and_their_order(void **state)
{
    (void)state;
    struct fb_count_result counts[4] = { { 0, 0, 1 }, { 0, 0, 2 }, { 0, 0, 2 }, { 0, 0, 0 } };
    uint64_t digest = fb_counts_digest(counts, 4);
    assert_true(fb_counts_digest(counts, 4) == digest);
    assert_true(fb_counts_digest(counts, 3) != digest);
    assert_true(fb_counts_digest(counts, 0) != fb_counts_digest(counts + 3, 1));
    counts[0].count = 2;
    counts[1].count = 1;
    assert_true(fb_counts_digest(counts, 4) != digest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_numbers_of_divisors),
        cmocka_unit_test(divisors_equal_those_by_trying_all),
        cmocka_unit_test(known_primes),
        cmocka_unit_test(known_composites),
        cmocka_unit_test(primality_equals_trial_division),
        cmocka_unit_test(known_numbers_of_primes),
        cmocka_unit_test(every_short_range_near_zero),
        cmocka_unit_test(ranges_that_end_at_a_segments_edge),
        cmocka_unit_test(squares_of_primes_are_sieved_out),
        cmocka_unit_test(sieve_and_test_agree_where_they_meet),
        cmocka_unit_test(square_roots_around_squares),
        cmocka_unit_test(a_digest_depends_on_counts_and_their_order),
    };
    return RUN_TESTS(tests);
}
