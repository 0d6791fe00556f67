/* bench/run/measure.c: what the warm-up and the pilot blocks decide, and that a run that was
 * stopped continues exactly when its samples are returned again. */
#include "tests/support/support.h"

#include "tests/bench/run/fake_measure.h"

#include "bench/run/precision.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ORDER_CELLS 7

static struct fake fake;

static struct fb_samples run(int wanted)
{
    struct fb_samples samples;
    struct fb_error error = { 0 };
    assert_int_equal(fb_measure_run(&fake.measure, &samples, &error), wanted);
    return samples;
}

/* ---- the warm-up ---- */

static void the_warm_up_is_block_0(void **state)
{
    (void)state;
    unsigned seen = 0;
    fake_make(&fake, 6);
    struct fb_samples samples = run(0);
    for (size_t i = 0; i < samples.count; i++) {
        bool warm_up = i < 6;
        assert_int_equal(samples.list[i].block == 0, warm_up);
        assert_int_equal(fake.call[i].repeat == 0, warm_up);
        seen |= warm_up ? 1u << samples.list[i].cell : 0;
    }
    assert_int_equal(seen, 0x3f);
    assert_int_equal(samples.count, 6 * (samples.blocks[FB_FAMILY_C] + 1));
    fb_samples_clear(&samples);
}

/* ---- how many blocks ---- */

static void steady_times_need_only_the_pilot_blocks(void **state)
{
    (void)state;
    fake_make(&fake, 3);
    fake.steady = true;
    fake.measure.budget_s[FB_FAMILY_C] = 1000;
    struct fb_samples samples = run(0);
    assert_int_equal(samples.wanted[FB_FAMILY_C], FB_BLOCKS_LEAST);
    assert_int_equal(samples.blocks[FB_FAMILY_C], FB_BLOCKS_LEAST);
    assert_int_equal(samples.wanted[FB_FAMILY_CPYTHON], 0);
    assert_int_equal(fake.calls, 3 * (FB_BLOCKS_LEAST + 1));
    fb_samples_clear(&samples);
}

static void the_budget_ends_a_scattering_run(void **state)
{
    (void)state;
    fake_make(&fake, 3);
    fake.measure.budget_s[FB_FAMILY_C] = 3 * 21;
    struct fb_samples samples = run(0);
    assert_int_equal(samples.wanted[FB_FAMILY_C], FB_BLOCKS_MOST);
    assert_int_equal(samples.blocks[FB_FAMILY_C], 20);
    fb_samples_clear(&samples);
    /* The pilot blocks do not fit: no number is chosen. */
    fake_make(&fake, 3);
    fake.measure.budget_s[FB_FAMILY_C] = 3 * FB_BLOCKS_LEAST;
    samples = run(0);
    assert_int_equal(samples.wanted[FB_FAMILY_C], 0);
    assert_int_equal(samples.blocks[FB_FAMILY_C], FB_BLOCKS_LEAST - 1);
    fb_samples_clear(&samples);
}

/* Two cells, with a budget for far more blocks than this precision needs. */
static void make_moderate(void)
{
    fake_make(&fake, 2);
    fake.measure.precision = 0.5;
    fake.measure.budget_s[FB_FAMILY_C] = FAKE_CALLS;
}

static size_t moderate_blocks(void)
{
    struct fb_samples samples = run(0);
    size_t wanted = samples.wanted[FB_FAMILY_C];
    assert_int_equal(samples.blocks[FB_FAMILY_C], wanted);
    fb_samples_clear(&samples);
    return wanted;
}

static int (*fake_trial)(void *, const struct fb_turn *, struct fb_outcome *, struct fb_sample *,
                         struct fb_error *);

/* Whether times scatter in the pilot blocks only; false: after them only. */
static bool pilot_scatters;

static int half_steady(void *context, const struct fb_turn *turn, struct fb_outcome *outcome,
                       struct fb_sample *sample, struct fb_error *error)
{
    fake.steady = (turn->block > FB_BLOCKS_LEAST) == pilot_scatters;
    return fake_trial(context, turn, outcome, sample, error);
}

static void the_number_of_blocks_is_chosen_once(void **state)
{
    (void)state;
    make_moderate();
    size_t wanted = moderate_blocks();
    assert_in_range(wanted, FB_BLOCKS_LEAST + 4, FB_BLOCKS_MOST - 1);
    make_moderate();
    fake_trial = fake.measure.trial;
    fake.measure.trial = half_steady;
    pilot_scatters = true;
    assert_int_equal(moderate_blocks(), wanted);
    make_moderate();
    fake.measure.trial = half_steady;
    pilot_scatters = false;
    assert_int_equal(moderate_blocks(), FB_BLOCKS_LEAST);
}

/* Measuring until a difference is significant would find differences that do not exist. */
static void a_difference_does_not_change_the_number_of_blocks(void **state)
{
    (void)state;
    make_moderate();
    size_t wanted = moderate_blocks();
    make_moderate();
    fake.cost_ns[1] = 2ull * SECOND;
    fake.measure.budget_s[FB_FAMILY_C] = 2 * FAKE_CALLS;
    assert_int_equal(moderate_blocks(), wanted);
    make_moderate();
    fake.steady = true;
    fake.cost_ns[1] = 2ull * SECOND;
    assert_int_equal(moderate_blocks(), FB_BLOCKS_LEAST);
}

/* Without a ratio the precision is not needed. */
static void without_a_ratio_the_minimum_is_enough(void **state)
{
    (void)state;
    make_moderate();
    fake.plan.pairs = 0;
    assert_int_equal(moderate_blocks(), FB_BLOCKS_LEAST);
    make_moderate();
    size_t wanted = moderate_blocks();
    make_moderate();
    fake.plan.pairs = 0;
    fake.cell[1].base = 0;
    assert_int_equal(moderate_blocks(), wanted);
}

/* ---- the order ---- */

static void an_order_is_a_permutation(void **state)
{
    (void)state;
    size_t order[ORDER_CELLS + 1], again[ORDER_CELLS];
    for (uint64_t seed = 0; seed < 20; seed++)
        for (size_t block = 0; block < 20; block++) {
            unsigned seen = 0;
            order[ORDER_CELLS] = 99;
            fb_measure_order(seed, block, ORDER_CELLS, order);
            for (size_t i = 0; i < ORDER_CELLS; i++) {
                assert_true(order[i] < ORDER_CELLS);
                seen |= 1u << order[i];
            }
            assert_int_equal(seen, (1u << ORDER_CELLS) - 1);
            assert_int_equal(order[ORDER_CELLS], 99);
            /* The order does not depend on earlier calls. */
            fb_measure_order(seed + 1, block + 1, ORDER_CELLS, again);
            fb_measure_order(seed, block, ORDER_CELLS, again);
            assert_memory_equal(order, again, sizeof again);
        }
}

/* There are 5040 orders: of 1000 comparisons few are equal, also between a block of one seed and
 * the next block of another seed. */
static void orders_differ(void **state)
{
    (void)state;
    size_t here[ORDER_CELLS], other[ORDER_CELLS];
    unsigned blocks = 0, seeds = 0, shifted = 0;
    for (size_t i = 0; i < 1000; i++) {
        fb_measure_order(i, i, ORDER_CELLS, here);
        fb_measure_order(i, i + 1, ORDER_CELLS, other);
        blocks += memcmp(here, other, sizeof here) == 0;
        fb_measure_order(i + 1, i, ORDER_CELLS, other);
        seeds += memcmp(here, other, sizeof here) == 0;
        fb_measure_order(i + 1, i - 1, ORDER_CELLS, other);
        shifted += memcmp(here, other, sizeof here) == 0;
    }
    assert_true(blocks < 5 && seeds < 5 && shifted < 5);
}

/* ---- stopped and continued ---- */

struct record {
    struct fb_turn turn;
    bool has_known;
    struct fb_sample sample;
    struct fb_outcome outcome;
    struct fb_error error;
    int result;
};

static struct record record[FAKE_CALLS], whole[FAKE_CALLS];
static size_t recorded, replayed; /* trials before this one are returned from the record */

static void check_turn(const struct fb_turn *turn, const struct fb_turn *wanted)
{
    assert_int_equal(turn->block, wanted->block);
    assert_int_equal(turn->position, wanted->position);
    assert_int_equal(turn->cell, wanted->cell);
    assert_int_equal(turn->repeat, wanted->repeat);
}

static int replay(void *context, const struct fb_turn *turn, struct fb_outcome *outcome,
                  struct fb_sample *sample, struct fb_error *error)
{
    struct record *now = &record[fake.calls];
    if (fake.calls >= replayed) {
        *now = (struct record){ .turn = *turn, .has_known = turn->known != NULL };
        now->result = fake_trial(context, turn, outcome, sample, error);
        now->error = *error;
        now->sample = *sample;
        now->outcome = *outcome;
        recorded = fake.calls;
        return now->result;
    }
    check_turn(turn, &now->turn);
    assert_int_equal(turn->known != NULL, now->has_known);
    fake.calls++; /* without time passing */
    *sample = now->sample;
    *error = now->error;
    outcome->checked = now->outcome.checked;
    outcome->digest = now->outcome.digest;
    strcpy(outcome->answer, now->outcome.answer);
    return now->result;
}

/* Four cells of two families: one fails in the pilot; times scatter, and trials get longer. */
static void make_eventful(size_t replay_until, size_t interrupt_at)
{
    fake_make(&fake, 4);
    fake_trial = fake.measure.trial;
    fake.measure.trial = replay;
    fake.measure.precision = 0.6;
    fake.measure.budget_s[FB_FAMILY_C] = 200;
    fake.measure.budget_s[FB_FAMILY_CPYTHON] = 30;
    fake.cell[3].family = FB_FAMILY_CPYTHON;
    fake.cell[1].base = 0;
    fake.repeat[1] = 5;
    fake.slower_ns = SECOND / 50;
    fake.error[2] = -EBADMSG;
    fake.errs_at = 18;
    fake.interrupt_at = interrupt_at;
    replayed = replay_until;
}

static void check_alike(const struct fb_samples *samples, const struct fb_samples *wanted)
{
    assert_int_equal(samples->count, wanted->count);
    for (size_t i = 0; i < wanted->count; i++) {
        const struct fb_sample *left = &samples->list[i], *right = &wanted->list[i];
        assert_int_equal(left->block, right->block);
        assert_int_equal(left->position, right->position);
        assert_int_equal(left->cell, right->cell);
        assert_int_equal(left->repeat, right->repeat);
        assert_int_equal(left->run_ns, right->run_ns);
        assert_int_equal(left->took_ns, right->took_ns);
    }
    assert_memory_equal(samples->blocks, wanted->blocks, sizeof wanted->blocks);
    assert_memory_equal(samples->wanted, wanted->wanted, sizeof wanted->wanted);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(samples->outcome[i].failed, wanted->outcome[i].failed);
        assert_string_equal(samples->outcome[i].failure, wanted->outcome[i].failure);
        assert_int_equal(samples->outcome[i].repeat, wanted->outcome[i].repeat);
    }
}

static void a_replayed_run_is_the_same(void **state)
{
    (void)state;
    make_eventful(0, FAKE_NEVER);
    struct fb_samples first = run(0);
    size_t calls = fake.calls;
    assert_true(first.outcome[2].failed);
    assert_in_range(first.wanted[FB_FAMILY_C], FB_BLOCKS_LEAST + 1, FB_BLOCKS_MOST);
    assert_int_equal(recorded, calls);
    make_eventful(calls, FAKE_NEVER);
    fake_trial = NULL; /* no trial is measured */
    struct fb_samples again = run(0);
    assert_int_equal(fake.calls, calls);
    check_alike(&again, &first);
    fb_samples_clear(&first);
    fb_samples_clear(&again);
}

/* Stops the run once at each of its trials. */
static void a_run_stopped_anywhere_continues_exactly(void **state)
{
    (void)state;
    make_eventful(0, FAKE_NEVER);
    struct fb_samples wanted = run(0);
    size_t calls = fake.calls;
    memcpy(whole, record, sizeof whole);
    for (size_t stop_at = 0; stop_at < calls; stop_at++) {
        memset(record, 0, sizeof record);
        make_eventful(0, stop_at);
        struct fb_samples samples = run(-EINTR);
        assert_int_equal(fake.calls, stop_at);
        fb_samples_clear(&samples);
        make_eventful(stop_at, FAKE_NEVER);
        samples = run(0);
        assert_int_equal(fake.calls, calls);
        for (size_t i = 0; i < calls; i++)
            check_turn(&record[i].turn, &whole[i].turn);
        check_alike(&samples, &wanted);
        fb_samples_clear(&samples);
    }
    fb_samples_clear(&wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_warm_up_is_block_0),
        cmocka_unit_test(steady_times_need_only_the_pilot_blocks),
        cmocka_unit_test(the_budget_ends_a_scattering_run),
        cmocka_unit_test(the_number_of_blocks_is_chosen_once),
        cmocka_unit_test(a_difference_does_not_change_the_number_of_blocks),
        cmocka_unit_test(without_a_ratio_the_minimum_is_enough),
        cmocka_unit_test(an_order_is_a_permutation),
        cmocka_unit_test(orders_differ),
        cmocka_unit_test(a_replayed_run_is_the_same),
        cmocka_unit_test(a_run_stopped_anywhere_continues_exactly),
    };
    return RUN_TESTS(tests);
}
