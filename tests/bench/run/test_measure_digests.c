/* bench/run/measure.c: results are checked once for each digest; a different digest fails. */
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

static void only_the_first_trial_is_checked(void **state)
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

/* 0 is a valid digest. */
static void zero_is_a_digest(void **state)
{
    (void)state;
    fake_make(&fake, 2);
    fake.digest[0] = fake.digest[1] = 0;
    struct fb_samples samples = run();
    assert_true(fake.call[1].has_known);
    assert_int_equal(samples.count, 60);
    fb_samples_clear(&samples);
}

/* Whether the nth trial of cell `index` had a known digest. */
static bool had_known(size_t index, size_t nth)
{
    for (size_t i = 0; i < fake.calls; i++)
        if (fake.call[i].cell == index && nth-- == 0)
            return fake.call[i].has_known;
    fail_msg("cell %zu was not tried so often", index);
    return false;
}

static void other_workloads_have_other_digests(void **state)
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
        assert_false(had_known(i, 0));
        assert_true(had_known(i, 1));
    }
    fb_samples_clear(&samples);
}

/* Only implementations in another language may differ in the last bit. */
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
    size_t unknown = 0;
    for (size_t i = 0; i < 4; i++) {
        assert_false(samples.outcome[i].failed);
        unknown += !had_known(i, 0);
    }
    assert_int_equal(unknown, 2);
    fb_samples_clear(&samples);
    fake_make(&fake, 2);
    fake.cell[1].family = FB_FAMILY_CPYTHON;
    fake.digest[1] = 8;
    samples = run();
    assert_int_equal(samples.outcome[0].failed + samples.outcome[1].failed, 1);
    fb_samples_clear(&samples);
}

static void a_different_digest_fails(void **state)
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

/* The digest of a failed cell must not be compared with those of others, wherever the cell is in
 * the plan. */
static void one_wrong_cell_does_not_fail_others(void **state)
{
    (void)state;
    fake_make(&fake, 5);
    struct fb_samples samples = run();
    size_t first = fake.call[0].cell; /* its digest counts as right */
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

/* A digest that changes from one trial of a cell to the next. */
static void a_changed_digest_fails(void **state)
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
        cmocka_unit_test(only_the_first_trial_is_checked),
        cmocka_unit_test(zero_is_a_digest),
        cmocka_unit_test(other_workloads_have_other_digests),
        cmocka_unit_test(inexact_kernels_differ_between_families),
        cmocka_unit_test(a_different_digest_fails),
        cmocka_unit_test(one_wrong_cell_does_not_fail_others),
        cmocka_unit_test(a_changed_digest_fails),
    };
    return RUN_TESTS(tests);
}
