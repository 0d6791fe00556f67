/* bench/run/measure.c: results that were checked once are known by their digest; different ones fail.
 */
#include "tests/support/support.h"

#include "tests/bench/run/fake_measure.h"

#include <string.h>

static struct fake fake;

static struct fb_samples run(void)
{
    struct fb_samples samples;
    struct fb_error error = { 0 };
    assert_int_equal(fb_measure_run(&fake.measure, &samples, &error), 0);
    return samples;
}

static void first_is_checked_others_know(void **state)
{
    (void)state;
    fake_make(&fake, 4);
    fake.digest[0] = fake.digest[1] = fake.digest[2] = fake.digest[3] = 0xabc;
    struct fb_samples samples = run();
    assert_int_equal(samples.count, 60);
    for (size_t i = 0; i < fake.calls; i++) {
        assert_int_equal(fake.call[i].has_known, i > 0);
        assert_int_equal(fake.call[i].known, i > 0 ? 0xabc : 0);
    }
    fb_samples_clear(&samples);
}

/* 0 is a digest as good as any. */
static void digest_zero(void **state)
{
    (void)state;
    fake_make(&fake, 2);
    fake.digest[0] = fake.digest[1] = 0;
    struct fb_samples samples = run();
    assert_true(fake.call[1].has_known);
    assert_int_equal(samples.count, 60);
    fb_samples_clear(&samples);
}

/* Whether call i of cell `index` knew anything. */
static bool knew(size_t index, size_t nth)
{
    for (size_t i = 0; i < fake.calls; i++)
        if (fake.call[i].cell == index && nth-- == 0)
            return fake.call[i].has_known;
    fail_msg("cell %zu was not tried so often", index);
    return false;
}

static void other_work_knows_nothing(void **state)
{
    (void)state;
    fake_make(&fake, 3);
    fake.cell[1].kernel = &fake_inexact;
    strcpy(fake.cell[2].params, "a=2");
    fake.digest[1] = 8;
    fake.digest[2] = 9;
    struct fb_samples samples = run();
    for (size_t i = 0; i < 3; i++) {
        assert_false(samples.outcome[i].failed);
        assert_false(knew(i, 0));
        assert_true(knew(i, 1));
    }
    fb_samples_clear(&samples);
}

/* Other implementations may differ in the last bit, and only them. */
static void inexact_kernels_differ_between_families(void **state)
{
    (void)state;
    fake_make(&fake, 4);
    for (size_t i = 0; i < 4; i++) {
        fake.cell[i].kernel = &fake_inexact;
        fake.cell[i].family = i < 2 ? FB_FAMILY_C : FB_FAMILY_CPYTHON;
        fake.digest[i] = i < 2 ? 1 : 2;
    }
    struct fb_samples samples = run();
    size_t strangers = 0;
    for (size_t i = 0; i < 4; i++) {
        assert_false(samples.outcome[i].failed);
        strangers += !knew(i, 0);
    }
    assert_int_equal(strangers, 2);
    fb_samples_clear(&samples);
    fake_make(&fake, 2);
    fake.cell[1].family = FB_FAMILY_CPYTHON;
    fake.digest[1] = 8;
    samples = run();
    assert_int_equal(samples.outcome[0].failed + samples.outcome[1].failed, 1);
    fb_samples_clear(&samples);
}

static void different_digest_fails(void **state)
{
    (void)state;
    fake_make(&fake, 2);
    fake.raw = true;
    fake.digest[0] = 0x0123456789abcdef;
    fake.digest[1] = 0xfedcba9876543210;
    struct fb_samples samples = run();
    size_t good = fake.call[0].cell, bad = 1 - good;
    assert_false(samples.outcome[good].failed);
    assert_true(samples.outcome[bad].failed);
    assert_non_null(strstr(samples.outcome[bad].failure, "0123456789abcdef"));
    assert_non_null(strstr(samples.outcome[bad].failure, "fedcba9876543210"));
    for (size_t i = 0; i < samples.count; i++)
        assert_int_equal(samples.list[i].cell, good);
    fb_samples_clear(&samples);
}

/* One that was found out must not become the measure of those that are right, whichever place it
 * has in the plan. */
static void one_wrong_cell_does_not_fail_others(void **state)
{
    (void)state;
    fake_make(&fake, 5);
    struct fb_samples samples = run();
    size_t first = fake.call[0].cell; /* whatever it says is right */
    fb_samples_clear(&samples);
    for (size_t wrong = 0; wrong < 5; wrong++) {
        if (wrong == first)
            continue;
        fake_make(&fake, 5);
        fake.raw = true;
        fake.digest[wrong] = 8;
        samples = run();
        for (size_t i = 0; i < 5; i++)
            if (samples.outcome[i].failed != (i == wrong))
                fail_msg("cell %zu is wrong, cell %zu %s: %s", wrong, i,
                         i == wrong ? "passed" : "failed", samples.outcome[i].failure);
        fb_samples_clear(&samples);
    }
}

/* The same from one trial to the next of one cell. */
static void changing_its_mind_fails(void **state)
{
    (void)state;
    fake_make(&fake, 1);
    fake.raw = true;
    fake.changes_at = 2;
    struct fb_samples samples = run();
    assert_int_equal(fake.calls, 3);
    assert_int_equal(fake.call[2].known, 7);
    assert_int_equal(samples.count, 2);
    assert_true(samples.outcome[0].failed);
    fb_samples_clear(&samples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_is_checked_others_know),
        cmocka_unit_test(digest_zero),
        cmocka_unit_test(other_work_knows_nothing),
        cmocka_unit_test(inexact_kernels_differ_between_families),
        cmocka_unit_test(different_digest_fails),
        cmocka_unit_test(one_wrong_cell_does_not_fail_others),
        cmocka_unit_test(changing_its_mind_fails),
    };
    return RUN_TESTS(tests);
}
