#include "support.h"

#include "fake_measure.h"

#include <errno.h>
#include <stdio.h>

const struct fb_kernel fake_exact = { .name = "exact" };
const struct fb_kernel fake_inexact = { .name = "inexact", .inexact = true };

static int trial(void *context, const struct fb_cell *cell, const uint64_t *known,
                 struct fb_outcome *outcome, struct fb_sample *sample, struct fb_error *error)
{
    struct fake *fake = context;
    size_t index = (size_t)(cell - fake->cell), number = fake->calls;
    assert_true(number < FAKE_CALLS && index < fake->plan.count);
    fake->call[fake->calls++] = (struct fake_call){
        .cell = index,
        .start_ns = fake->clock_ns,
        .has_known = known != NULL,
        .known = known ? *known : 0,
        .done = fake->done,
    };
    fake->clock_ns += fake->cost_ns[index] + number * fake->slower_ns;
    if (fake->error[index] && number >= fake->errs_at)
        return fb_error_set(error, fake->error[index], "cell %zu is broken", index);
    sample->run_ns = fake->cost_ns[index];
    sample->digest = fake->digest[index] + (number >= fake->changes_at);
    sample->raw = fake->raw ? json_pack("{si}", "call", (int)number) : NULL;
    outcome->checked = true;
    outcome->digest = sample->digest;
    snprintf(outcome->answer, sizeof outcome->answer, "answer of %zu", index);
    return 0;
}

static uint64_t now_ns(void *context)
{
    return ((struct fake *)context)->clock_ns;
}

static void progress(void *context, double done, const struct fb_cell *cell)
{
    struct fake *fake = context;
    assert_true(cell >= fake->cell && cell < fake->cell + fake->plan.count);
    assert_true(done >= 0 && done <= 1);
    assert_true(done >= fake->done); /* nothing is undone */
    fake->done = done;
}

static int block_done(void *context, const struct fb_samples *samples)
{
    struct fake *fake = context;
    assert_true(samples->count <= fake->calls);
    return ++fake->blocks_done > fake->block_error_after ? -ENOSPC : 0;
}

static bool interrupted(void *context)
{
    struct fake *fake = context;
    return fake->calls >= fake->interrupt_at;
}

void fake_make(struct fake *fake, size_t count)
{
    assert_true(count <= FAKE_CELLS);
    *fake = (struct fake){ .interrupt_at = FAKE_NEVER,
                           .block_error_after = FAKE_NEVER,
                           .changes_at = FAKE_NEVER };
    for (size_t i = 0; i < count; i++) {
        fake->cost_ns[i] = SECOND;
        fake->digest[i] = 7;
        fake->cell[i] = (struct fb_cell){
            .kernel = &fake_exact, .params = "a=1", .base = FB_NO_CELL, .ceiling = FB_NO_CELL
        };
    }
    fake->plan = (struct fb_plan){ .cell = fake->cell, .count = count, .room = count };
    fake->measure = (struct fb_measure){
        .plan = &fake->plan,
        .budget_s = { 60, 60 },
        .seed = 1,
        .trial = trial,
        .now_ns = now_ns,
        .progress = progress,
        .block_done = block_done,
        .interrupted = interrupted,
        .context = fake,
    };
}
