/* Squares the numbers of `count` records, each of which arrives after `wait_us`: the tutorials' stand-in for
 * work that waits. */
#include "kernels/waiting/waiting.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

static const struct fb_param params[] = { FB_WAITING_PARAMS("100"), { 0 } };

static bool square(const struct fb_input *input, size_t item, struct fb_count_result *slot,
                   struct fb_yield *yield)
{
    (void)input, (void)yield;
    slot[item].count = (uint64_t)item * item;
    return true;
}

static void finish(const struct fb_input *input, size_t item, const struct fb_arrival *arrival,
                   void *results, struct fb_yield *yield)
{
    (void)arrival;
    square(input, item, results, yield);
}

static void run(const struct fb_input *input, void *scratch, size_t begin, size_t end,
                void *results, struct fb_yield *yield)
{
    (void)scratch;
    fb_waiting_run(input, begin, end, results, yield, square);
}

/* The differences of consecutive squares are the odd numbers. */
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

static void answer(const struct fb_input *input, const void *results, char *text, size_t size)
{
    const struct fb_count_result *slot = results;
    uint64_t last = input->count ? slot[input->count - 1].count : 0;
    snprintf(text, size, "%zu squares up to %" PRIu64, input->count, last);
}

const struct fb_kernel fb_kernel_sleep = {
    .name = "sleep",
    .summary = "squares of records that take a while to come: waiting, no computing",
    .params = params,
    .setup = fb_waiting_setup,
    .run = run,
    .finish = finish,
    .check = check,
    .answer = answer,
    FB_WAITING_KERNEL,
};
