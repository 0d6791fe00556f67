/* fb_metg: where the efficiency of a ladder of task lengths crosses one half. */
#include "support.h"

#include "near.h"

#include "bench/granularity.h"

#define CLOSE 1e-9

static void first_rung_efficient_already(void **state)
{
    (void)state;
    static const double length[] = { 40, 80, 160 }, above[] = { 0.7, 0.8, 0.9 },
                        exact[] = { 0.5, 0.4, 0.9 };
    assert_near(fb_metg(length, above, 3, 0.5), 40, 0);
    assert_near(fb_metg(length, exact, 3, 0.5), 40, 0);
    assert_near(fb_metg(length, above, 1, 0.5), 40, 0);
}

static void crossing_between_rungs(void **state)
{
    (void)state;
    static const double length[] = { 100, 10000 }, half_way[] = { 0.25, 0.75 },
                        fifth[] = { 0.4, 0.9 };
    /* Linear in the logarithm of the length. */
    assert_near(fb_metg(length, half_way, 2, 0.5), 1000, 1000 * CLOSE);
    assert_near(fb_metg(length, fifth, 2, 0.5), 100 * pow(100, 0.2), 1000 * CLOSE);
}

static void crossing_on_a_rung(void **state)
{
    (void)state;
    static const double length[] = { 1, 2, 4, 8 }, on[] = { 0.1, 0.3, 0.5, 0.9 },
                        last[] = { 0.1, 0.2, 0.3, 0.5 };
    assert_near(fb_metg(length, on, 4, 0.5), 4, CLOSE);
    assert_near(fb_metg(length, last, 4, 0.5), 8, CLOSE);
}

/* Measured efficiencies are noisy: it is the first crossing that counts. */
static void first_of_several_crossings(void **state)
{
    (void)state;
    static const double length[] = { 1, 4, 16, 64 }, noisy[] = { 0.4, 0.6, 0.3, 0.9 },
                        falling[] = { 0.3, 0.2, 0.8, 0.9 };
    assert_near(fb_metg(length, noisy, 4, 0.5), 2, CLOSE);
    assert_near(fb_metg(length, falling, 4, 0.5), 8, CLOSE);
}

static void never(void **state)
{
    (void)state;
    static const double length[] = { 1, 2, 4 }, low[] = { 0.1, 0.3, 0.49999 };
    assert_true(isinf(fb_metg(length, low, 3, 0.5)));
    assert_true(isinf(fb_metg(length, low, 1, 0.5)));
    assert_true(isinf(fb_metg(length, low, 0, 0.5)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_rung_efficient_already),
        cmocka_unit_test(crossing_between_rungs),
        cmocka_unit_test(crossing_on_a_rung),
        cmocka_unit_test(first_of_several_crossings),
        cmocka_unit_test(never),
    };
    return RUN_TESTS(tests);
}
