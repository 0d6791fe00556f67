/* bench/run/measure.c: how many jobs a trial has, which the warm-up block finds. */
#include "tests/support/support.h"

#include "tests/bench/run/fake_measure.h"

#include <string.h>

static struct fake fake;

static struct fb_samples run(int wanted)
{
    struct fb_samples samples;
    struct fb_error error = { 0 };
    assert_int_equal(fb_measure_run(&fake.measure, &samples, &error), wanted);
    return samples;
}

static void check_repeats(const unsigned *wanted)
{
    struct fb_samples samples = run(0);
    assert_true(samples.blocks[FB_FAMILY_C] > 1);
    for (size_t i = 0; i < fake.calls; i++)
        assert_int_equal(fake.call[i].repeat, i < fake.plan.count ? 0 : wanted[fake.call[i].cell]);
    for (size_t i = 0; i < fake.plan.count; i++)
        assert_int_equal(samples.outcome[i].repeat, wanted[i]);
    fb_samples_clear(&samples);
}

static void found_repeats_are_kept(void **state)
{
    (void)state;
    const unsigned repeats[] = { 3, 1, 17, 400, 4 };
    fake_make(&fake, 5);
    fake.plan.pairs = 0;
    memcpy(fake.repeat, repeats, sizeof repeats);
    check_repeats(repeats);
}

static void a_pair_takes_the_larger_number(void **state)
{
    (void)state;
    fake_make(&fake, 4);
    for (size_t i = 0; i < 4; i++)
        fake.repeat[i] = (unsigned[]){ 3, 12, 5, 1 }[i];
    check_repeats((const unsigned[]){ 12, 12, 5, 1 });
    fake_make(&fake, 4);
    for (size_t i = 0; i < 4; i++)
        fake.repeat[i] = (unsigned[]){ 9, 2, 5, 1 }[i];
    check_repeats((const unsigned[]){ 9, 9, 5, 1 });
    /* A cell in two pairs. */
    struct fb_pair pairs[] = { { 0, 1, FB_FACTOR_HARNESS }, { 0, 2, FB_FACTOR_HARNESS } };
    fake_make(&fake, 3);
    fake.plan.pair = pairs;
    fake.plan.pairs = 2;
    fake.repeat[2] = 5;
    check_repeats((const unsigned[]){ 5, 5, 5 });
    /* With other parameters a job may have any length; if about equal, the numbers become equal. */
    pairs[1].factor = FB_FACTOR_PARAMETER;
    fake_make(&fake, 3);
    fake.plan.pair = pairs;
    fake.plan.pairs = 2;
    fake.repeat[2] = 5;
    check_repeats((const unsigned[]){ 1, 1, 5 });
    fake_make(&fake, 3);
    fake.plan.pair = pairs;
    fake.plan.pairs = 2;
    fake.repeat[2] = 3;
    check_repeats((const unsigned[]){ 3, 3, 3 });
}

static void a_ceiling_takes_the_number_of_its_base(void **state)
{
    (void)state;
    fake_make(&fake, 5);
    for (size_t i = 0; i < 5; i++)
        fake.repeat[i] = (unsigned[]){ 3, 12, 5, 1, 100 }[i];
    fake.cell[3].copies = fake.cell[4].copies = 2;
    fake.cell[3].base = 2;
    fake.cell[4].base = 0; /* the smaller of a pair */
    check_repeats((const unsigned[]){ 12, 12, 5, 5, 12 });
    /* A base that is in no pair changes nothing. */
    fake_make(&fake, 3);
    fake.repeat[2] = 8;
    fake.cell[2].base = 0;
    check_repeats((const unsigned[]){ 1, 1, 8 });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(found_repeats_are_kept),
        cmocka_unit_test(a_pair_takes_the_larger_number),
        cmocka_unit_test(a_ceiling_takes_the_number_of_its_base),
    };
    return RUN_TESTS(tests);
}
