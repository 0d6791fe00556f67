/* base/random.h: the published numbers, and uniform distributions. */
#include "tests/support/support.h"

#include "base/random.h"

static void numbers_are_those_of_splitmix64(void **state)
{
    (void)state;
    static const uint64_t published[] = { 6457827717110365317u, 3203168211198807973u,
                                          9817491932198370423u, 4593380528125082431u,
                                          16408922859458223821u };
    struct fb_random random = { 1234567 };
    for (size_t i = 0; i < sizeof published / sizeof *published; i++)
        assert_true(fb_random_next(&random) == published[i]);
}

static void equal_seeds_give_equal_numbers(void **state)
{
    (void)state;
    struct fb_random one = { 7 }, same = { 7 }, other = { 8 };
    for (int i = 0; i < 100; i++) {
        uint64_t number = fb_random_next(&one);
        assert_true(number == fb_random_next(&same));
        assert_true(number != fb_random_next(&other));
    }
}

/* ---- below ---- */

#define MOST 100
#define DRAWS_EACH 10000

/* (chi^2 - degrees) / sqrt(2 degrees): about standard normal. */
static double unevenness(size_t count, uint64_t seed)
{
    struct fb_random random = { seed };
    size_t drawn[MOST] = { 0 };
    for (size_t i = 0; i < count * DRAWS_EACH; i++) {
        size_t number = fb_random_below(&random, count);
        assert_true(number < count);
        drawn[number]++;
    }
    double chi = 0, degrees = (double)(count - 1);
    for (size_t i = 0; i < count; i++) {
        double distance = (double)drawn[i] - DRAWS_EACH;
        chi += distance * distance / DRAWS_EACH;
    }
    return (chi - degrees) / __builtin_sqrt(2 * degrees);
}

static void numbers_below_are_uniform(void **state)
{
    (void)state;
    static const size_t count[] = { 2, 3, 7, 16, MOST };
    for (size_t i = 0; i < sizeof count / sizeof *count; i++) {
        double uneven = unevenness(count[i], i + 1);
        assert_true(uneven < 4);
        assert_true(uneven > -3);
    }
}

static void numbers_below_stay_in_range(void **state)
{
    (void)state;
    struct fb_random random = { 1 };
    size_t all = (size_t)1 << 32, high = 0;
    for (int i = 0; i < 1000; i++) {
        size_t number = fb_random_below(&random, all);
        assert_true(number < all);
        high += number >= all / 2;
        assert_int_equal(fb_random_below(&random, 1), 0);
    }
    assert_in_range(high, 400, 600);
}

/* ---- real ---- */

static void reals_are_uniform(void **state)
{
    (void)state;
    enum { BINS = 20 };
    struct fb_random random = { 2 };
    size_t drawn[BINS] = { 0 };
    for (size_t i = 0; i < BINS * DRAWS_EACH; i++) {
        double number = fb_random_real(&random);
        assert_true(number > 0 && number < 1);
        drawn[(size_t)(number * BINS)]++;
    }
    double chi = 0;
    for (size_t i = 0; i < BINS; i++)
        chi += ((double)drawn[i] - DRAWS_EACH) * ((double)drawn[i] - DRAWS_EACH) / DRAWS_EACH;
    assert_true(chi > 4 && chi < 50); /* 19 degrees of freedom */
}

/* The state from which the next number is computed with z. */
static struct fb_random before(uint64_t z)
{
    return (struct fb_random){ z - 0x9e3779b97f4a7c15u };
}

/* The states whose next numbers are the smallest and the largest of all. */
static void reals_exclude_0_and_1(void **state)
{
    (void)state;
    struct fb_random least = before(0), most = before(0xcf9a04affa6badc0u), again = most;
    assert_true(fb_random_next(&again) == UINT64_MAX);
    double number = fb_random_real(&least);
    assert_true(number > 0 && number < 1e-15);
    number = fb_random_real(&most);
    assert_true(number > 1 - 1e-15 && number < 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_those_of_splitmix64),
        cmocka_unit_test(equal_seeds_give_equal_numbers),
        cmocka_unit_test(numbers_below_are_uniform),
        cmocka_unit_test(numbers_below_stay_in_range),
        cmocka_unit_test(reals_are_uniform),
        cmocka_unit_test(reals_exclude_0_and_1),
    };
    return RUN_TESTS(tests);
}
