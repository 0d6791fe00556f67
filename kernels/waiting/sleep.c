/* Squares the values of `count` records, each of which takes `wait_us` to come: the tutorial's stand-in
 * for work that waits. */
#include "kernels/numbers/numbers.h"
#include "kernels/waiting/waiting.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

struct fb_input {
    size_t count;
    uint64_t wait_us;
};

static const struct fb_param params[] = {
    { "count", FB_PARAM_NUMBER, "100", 0, 1 << 24, NULL, "records, one item each" },
    { "wait_us", FB_PARAM_NUMBER, "10000", 0, 60000000, NULL, "that each takes to come, us" },
    { 0 },
};

static int setup(const struct fb_params *given, struct fb_arena *arena, struct fb_input **ret_input,
                 struct fb_error *error)
{
    struct fb_input *input = fb_arena_alloc(arena, sizeof *input);
    if (!input)
        return fb_error_set(error, -ENOMEM, "out of shared memory");
    input->count = fb_params_number(given, "count");
    input->wait_us = fb_params_number(given, "wait_us");
    *ret_input = input;
    return 0;
}

static size_t items(const struct fb_input *input)
{
    return input->count;
}

static void await(const struct fb_input *input, size_t item, struct fb_await *ret_await)
{
    (void)item;
    ret_await->delay_us = input->wait_us;
}

static void finish(const struct fb_input *input, size_t item, const struct fb_arrival *arrival,
                   void *results, struct fb_yield *yield)
{
    (void)input, (void)arrival, (void)yield;
    struct fb_count_result *slot = results;
    slot[item].count = (uint64_t)item * item;
}

static void run(const struct fb_input *input, void *scratch, size_t begin, size_t end,
                void *results, struct fb_yield *yield)
{
    (void)scratch;
    for (size_t item = begin; item < end; item++) {
        if (!fb_wait_us(input->wait_us, yield))
            return;
        finish(input, item, NULL, results, yield);
    }
}

/* The squares' differences are the odd numbers. */
static int check(const struct fb_input *input, const void *results, struct fb_error *error)
{
    const struct fb_count_result *slot = results;
    uint64_t expected = 0;
    for (size_t item = 0; item < input->count; item++) {
        if (slot[item].count != expected)
            return fb_error_set(error, -EBADMSG,
                                "wrong result: the square of %zu is %" PRIu64 ", not %" PRIu64,
                                item, expected, slot[item].count);
        expected += 2 * (uint64_t)item + 1;
    }
    return 0;
}

static uint64_t digest(const struct fb_input *input, const void *results)
{
    return fb_counts_digest(results, input->count);
}

static void answer(const struct fb_input *input, const void *results, char *text, size_t size)
{
    const struct fb_count_result *slot = results;
    uint64_t last = input->count ? slot[input->count - 1].count : 0;
    snprintf(text, size, "%zu squares up to %" PRIu64, input->count, last);
}

const struct fb_kernel fb_kernel_sleep = {
    .name = "sleep",
    .summary = "squares of records that take a while to come: waiting, no computing",
    .bound = FB_BOUND_IO,
    .params = params,
    .result_size = sizeof(struct fb_count_result),
    .setup = setup,
    .items = items,
    .await = await,
    .run = run,
    .finish = finish,
    .check = check,
    .digest = digest,
    .answer = answer,
};
