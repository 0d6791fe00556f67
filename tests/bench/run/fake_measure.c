#include "tests/support/support.h"

#include "tests/bench/run/fake_measure.h"

#include <errno.h>
#include <stdio.h>

const struct fb_kernel fake_exact = { .name = "exact" };
const struct fb_kernel fake_inexact = { .name = "inexact", .inexact = true };

/* From 1 to 2, with more scatter than any precision allows. */
static double scatter(size_t number)
{
    return 1 + (double)(number * 7919 % 97) / 97;
}

static int trial(void *context, const struct fb_turn *turn, struct fb_outcome *outcome,
                 struct fb_sample *sample, struct fb_error *error)
{
    struct fake *fake = context;
    size_t index = turn->cell, number = fake->calls;
    assert_true(number < FAKE_CALLS && index < fake->plan.count);
    fake->call[fake->calls++] = (struct fake_call){
        .cell = index,
        .start_ns = fake->clock_ns,
        .repeat = turn->repeat,
        .has_known = turn->known != NULL,
        .known = turn->known ? *turn->known : 0,
        .done = fake->done,
    };
    sample->took_ns = fake->cost_ns[index] + number * fake->slower_ns;
    fake->clock_ns += sample->took_ns;
    if (fake->error[index] && number >= fake->errs_at)
        return fb_error_set(error, fake->error[index], "cell %zu is broken", index);
    sample->run_ns =
        (uint64_t)((double)fake->cost_ns[index] * (fake->steady ? 1 : scatter(number)));
    sample->repeat = turn->repeat ? turn->repeat : fake->repeat[index];
    sample->digest = fake->digest[index] + (number >= fake->changes_at);
    sample->raw = fake->raw ? json_pack("{si}", "call", (int)number) : NULL;
    outcome->checked = true;
    outcome->digest = sample->digest;
    snprintf(outcome->answer, sizeof outcome->answer, "answer of %zu", index);
    return 0;
}

static void progress(void *context, double done, const struct fb_cell *cell)
{
    struct fake *fake = context;
    assert_true(cell >= fake->cell && cell < fake->cell + fake->plan.count);
    assert_true(done >= 0 && done <= 1);
    assert_true(done >= fake->done); /* it never decreases */
    fake->done = done;
}

static bool interrupted(void *context)
{
    struct fake *fake = context;
    return fake->calls >= fake->interrupt_at;
}

void fake_make(struct fake *fake, size_t count)
{
    assert_true(count <= FAKE_CELLS);
    *fake = (struct fake){ .interrupt_at = FAKE_NEVER, .changes_at = FAKE_NEVER };
    for (size_t i = 0; i < count; i++) {
        fake->cost_ns[i] = SECOND;
        fake->digest[i] = 7;
        fake->repeat[i] = 1;
        fake->cell[i] = (struct fb_cell){
            .kernel = &fake_exact, .params = "a=1", .base = FB_NO_CELL, .ceiling = FB_NO_CELL
        };
    }
    fake->plan = (struct fb_plan){ .cell = fake->cell, .count = count, .room = count };
    fake->pair = (struct fb_pair){ .reference = 0, .cell = 1 };
    fake->plan.pair = &fake->pair;
    fake->plan.pairs = count > 1;
    fake->measure = (struct fb_measure){
        .plan = &fake->plan,
        .budget_s = { 60, 60 },
        .precision = 0.02,
        .seed = 1,
        .trial = trial,
        .progress = progress,
        .interrupted = interrupted,
        .context = fake,
    };
}
