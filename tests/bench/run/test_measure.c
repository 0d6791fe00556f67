/* bench/run/measure.c: blocks, budgets, digests and failures, under an invented clock. */
#include "tests/support/support.h"

#include "tests/bench/run/fake_measure.h"

#include <errno.h>
#include <string.h>

static struct fake fake;

static struct fb_samples run(int wanted)
{
    struct fb_samples samples;
    struct fb_error error = { 0 };
    assert_int_equal(fb_measure_run(&fake.measure, &samples, &error), wanted);
    assert_int_equal(error.code < 0, wanted < 0);
    return samples;
}

static size_t count_calls(size_t cell)
{
    size_t count = 0;
    for (size_t i = 0; i < fake.calls; i++)
        count += fake.call[i].cell == cell;
    return count;
}

/* ---- blocks ---- */

static void each_cell_is_measured_once_a_block(void **state)
{
    (void)state;
    fake_make(&fake, 6);
    struct fb_samples samples = run(0);
    assert_int_equal(samples.count, 60);
    assert_int_equal(samples.blocks[FB_FAMILY_C], 9); /* without the warm-up */
    assert_int_equal(samples.blocks[FB_FAMILY_CPYTHON], 0);
    for (size_t block = 0; block < 10; block++) {
        unsigned seen = 0;
        for (size_t position = 0; position < 6; position++) {
            const struct fb_sample *sample = &samples.list[6 * block + position];
            assert_int_equal(sample->block, block);
            assert_int_equal(sample->position, position);
            assert_int_equal(sample->cell, fake.call[6 * block + position].cell);
            seen |= 1u << sample->cell;
        }
        assert_int_equal(seen, 0x3f);
    }
    assert_string_equal(samples.outcome[4].answer, "answer of 4");
    fb_samples_clear(&samples);
    assert_int_equal(samples.count, 0);
    assert_null(samples.list);
}

static void orders(uint64_t seed, size_t *ret_order, size_t count)
{
    fake_make(&fake, 6);
    fake.measure.seed = seed;
    struct fb_samples samples = run(0);
    assert_int_equal(samples.count, count);
    for (size_t i = 0; i < count; i++)
        ret_order[i] = samples.list[i].cell;
    fb_samples_clear(&samples);
}

static void the_order_follows_from_the_seed(void **state)
{
    (void)state;
    size_t one[60], again[60], other[60], next[60];
    orders(1, one, 60);
    orders(1, again, 60);
    orders(2, next, 60);
    orders(12345678901234567u, other, 60);
    assert_memory_equal(one, again, sizeof one);
    assert_memory_not_equal(one, other, sizeof one);
    assert_memory_not_equal(one, next, sizeof one);
    /* There are 720 orders: of 10 blocks two may be equal, but not many. */
    size_t alike = 0;
    for (size_t block = 1; block < 10; block++)
        alike += memcmp(&one[6 * block], &one[6 * (block - 1)], 6 * sizeof *one) == 0;
    assert_true(alike < 3);
}

/* Otherwise drift inside a block would affect one cell more than another. */
static void each_cell_comes_at_each_position(void **state)
{
    (void)state;
    fake_make(&fake, 4);
    fake.measure.budget_s[FB_FAMILY_C] = 4 * 400;
    struct fb_samples samples = run(0);
    unsigned times[4][4] = { 0 };
    assert_int_equal(samples.count, 4 * 400);
    for (size_t i = 0; i < samples.count; i++)
        times[samples.list[i].cell][samples.list[i].position]++;
    for (size_t cell = 0; cell < 4; cell++)
        for (size_t position = 0; position < 4; position++)
            assert_in_range(times[cell][position], 100 - 44, 100 + 44); /* 5 sigma */
    fb_samples_clear(&samples);
}

/* ---- budgets ---- */

static size_t blocks_for(double budget_s)
{
    fake_make(&fake, 4);
    fake.measure.budget_s[FB_FAMILY_C] = budget_s;
    struct fb_samples samples = run(0);
    size_t blocks = samples.blocks[FB_FAMILY_C];
    assert_int_equal(samples.count, 4 * (blocks + 1));
    fb_samples_clear(&samples);
    return blocks;
}

static void the_budget_is_kept(void **state)
{
    (void)state;
    assert_int_equal(blocks_for(40), 9);
    assert_int_equal(blocks_for(43.9), 9);
    assert_int_equal(blocks_for(44), 10);
    assert_int_equal(blocks_for(8), 1);
    assert_int_equal(blocks_for(7.9), 1);
    assert_int_equal(blocks_for(4), 1);
    assert_int_equal(blocks_for(0.001), 1);
}

/* A block is started only if one as long as the last one fits into the budget. */
static void the_budget_is_kept_when_trials_get_slower(void **state)
{
    (void)state;
    fake_make(&fake, 2);
    fake.slower_ns = SECOND; /* blocks of 3, 7, 11, 15, 19, … s */
    fake.measure.budget_s[FB_FAMILY_C] = 21 + 11;
    struct fb_samples samples = run(0);
    /* After the warm-up and two blocks 11 s are left, after three blocks none. */
    assert_int_equal(samples.blocks[FB_FAMILY_C], 3);
    assert_int_equal(fake.clock_ns, (uint64_t)36 * SECOND);
    fb_samples_clear(&samples);
    fake_make(&fake, 2);
    fake.slower_ns = SECOND;
    fake.measure.budget_s[FB_FAMILY_C] = 21 + 10.9;
    samples = run(0);
    assert_int_equal(samples.blocks[FB_FAMILY_C], 2);
    fb_samples_clear(&samples);
}

static void make_families(double budget_c, double budget_cpython)
{
    fake_make(&fake, 5);
    for (size_t i = 3; i < 5; i++) {
        fake.cell[i].family = FB_FAMILY_CPYTHON;
        fake.cost_ns[i] = 20ull * SECOND;
    }
    fake.measure.budget_s[FB_FAMILY_C] = budget_c;
    fake.measure.budget_s[FB_FAMILY_CPYTHON] = budget_cpython;
}

static void families_have_their_own_budgets(void **state)
{
    (void)state;
    make_families(30, 100);
    struct fb_samples samples = run(0);
    assert_int_equal(samples.blocks[FB_FAMILY_C], 9);
    assert_int_equal(samples.blocks[FB_FAMILY_CPYTHON], 1);
    assert_int_equal(count_calls(0), 10);
    assert_int_equal(count_calls(3), 2);
    /* The first blocks have cells of both families, mixed. */
    for (size_t i = 0; i < samples.count; i++)
        assert_int_equal(samples.list[i].block, i < 10 ? i / 5 : 2 + (i - 10) / 3);
    fb_samples_clear(&samples);
    make_families(3, 200);
    samples = run(0);
    assert_int_equal(samples.blocks[FB_FAMILY_C], 1);
    assert_int_equal(samples.blocks[FB_FAMILY_CPYTHON], 4);
    fb_samples_clear(&samples);
    make_families(0.1, 0.1);
    samples = run(0);
    assert_int_equal(samples.blocks[FB_FAMILY_C], 1);
    assert_int_equal(samples.blocks[FB_FAMILY_CPYTHON], 1);
    assert_int_equal(samples.count, 10);
    fb_samples_clear(&samples);
}

static void progress_counts_both_budgets(void **state)
{
    (void)state;
    make_families(30, 100);
    struct fb_samples samples = run(0);
    assert_true(fake.call[0].done == 0);
    /* 40 s of 100 and 3 s of 30 after the first block. */
    assert_true(fake.call[5].done > 0.330 && fake.call[5].done < 0.331);
    /* CPython is complete, although it used only 80 s; all but one trial of one second is done. */
    assert_true(fake.done > 0.99);
    fb_samples_clear(&samples);
}

/* ---- failures ---- */

static void a_failed_cell_is_not_tried_again(void **state)
{
    (void)state;
    fake_make(&fake, 4);
    fake.raw = true;
    fake.error[2] = -EBADMSG;
    struct fb_samples samples = run(0);
    assert_int_equal(count_calls(2), 1);
    assert_true(samples.outcome[2].failed);
    assert_string_equal(samples.outcome[2].failure, "cell 2 is broken");
    for (size_t i = 0; i < 4; i++)
        if (i != 2) {
            assert_false(samples.outcome[i].failed);
            assert_int_equal(count_calls(i), samples.blocks[FB_FAMILY_C] + 1);
        }
    for (size_t i = 0; i < samples.count; i++)
        assert_int_not_equal(samples.list[i].cell, 2);
    assert_true(samples.blocks[FB_FAMILY_C] >= 14);
    fb_samples_clear(&samples);
}

static void a_later_failure_keeps_earlier_samples(void **state)
{
    (void)state;
    fake_make(&fake, 3);
    fake.error[1] = -EOWNERDEAD;
    fake.errs_at = 9;
    struct fb_samples samples = run(0);
    assert_true(samples.outcome[1].failed);
    assert_int_equal(count_calls(1), 4); /* three succeeded */
    size_t kept = 0;
    for (size_t i = 0; i < samples.count; i++)
        kept += samples.list[i].cell == 1;
    assert_int_equal(kept, 3);
    fb_samples_clear(&samples);
}

static void a_run_ends_when_all_cells_have_failed(void **state)
{
    (void)state;
    fake_make(&fake, 3);
    for (size_t i = 0; i < 3; i++)
        fake.error[i] = -EBADMSG;
    struct fb_samples samples = run(0);
    assert_int_equal(fake.calls, 3);
    assert_int_equal(samples.count, 0);
    assert_true(samples.outcome[0].failed && samples.outcome[1].failed);
    fb_samples_clear(&samples);
}

/* A family whose cells have all failed counts as done. */
static void progress_counts_a_failed_family_as_done(void **state)
{
    (void)state;
    make_families(30, 100);
    fake.cost_ns[3] = fake.cost_ns[4] = 1;
    fake.error[3] = fake.error[4] = -EBADMSG;
    struct fb_samples samples = run(0);
    assert_true(fake.done > 0.9);
    fb_samples_clear(&samples);
}

/* ---- ending early ---- */

static void an_interrupt_ends_the_run(void **state)
{
    (void)state;
    fake_make(&fake, 4);
    fake.raw = true;
    fake.interrupt_at = 10;
    struct fb_samples samples = run(-EINTR);
    assert_int_equal(fake.calls, 10);
    assert_int_equal(samples.count, 10);
    assert_int_equal(samples.blocks[FB_FAMILY_C], 1);
    fb_samples_clear(&samples);
    fake_make(&fake, 4);
    fake.interrupt_at = 0;
    samples = run(-EINTR);
    assert_int_equal(fake.calls, 0);
    assert_int_equal(samples.count, 0);
    fb_samples_clear(&samples);
}

/* A signal goes to the whole group: it may end the trial before the run notices. */
static void an_interrupt_inside_a_trial_ends_the_run(void **state)
{
    (void)state;
    fake_make(&fake, 4);
    fake.error[0] = fake.error[1] = fake.error[2] = fake.error[3] = -EINTR;
    fake.errs_at = 6;
    struct fb_samples samples = run(-EINTR);
    assert_int_equal(fake.calls, 7);
    assert_int_equal(samples.count, 6);
    for (size_t i = 0; i < 4; i++)
        assert_false(samples.outcome[i].failed);
    fb_samples_clear(&samples);
}

/* A trial that can't be stored ends the run. */
static void a_cancelled_trial_ends_the_run(void **state)
{
    (void)state;
    fake_make(&fake, 4);
    fake.error[0] = fake.error[1] = fake.error[2] = fake.error[3] = -ECANCELED;
    fake.errs_at = 6;
    struct fb_samples samples = run(-ECANCELED);
    assert_int_equal(fake.calls, 7);
    assert_int_equal(samples.count, 6);
    for (size_t i = 0; i < 4; i++)
        assert_false(samples.outcome[i].failed);
    fb_samples_clear(&samples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_cell_is_measured_once_a_block),
        cmocka_unit_test(the_order_follows_from_the_seed),
        cmocka_unit_test(each_cell_comes_at_each_position),
        cmocka_unit_test(the_budget_is_kept),
        cmocka_unit_test(the_budget_is_kept_when_trials_get_slower),
        cmocka_unit_test(families_have_their_own_budgets),
        cmocka_unit_test(progress_counts_both_budgets),
        cmocka_unit_test(a_failed_cell_is_not_tried_again),
        cmocka_unit_test(a_later_failure_keeps_earlier_samples),
        cmocka_unit_test(a_run_ends_when_all_cells_have_failed),
        cmocka_unit_test(progress_counts_a_failed_family_as_done),
        cmocka_unit_test(an_interrupt_ends_the_run),
        cmocka_unit_test(an_interrupt_inside_a_trial_ends_the_run),
        cmocka_unit_test(a_cancelled_trial_ends_the_run),
    };
    return RUN_TESTS(tests);
}
