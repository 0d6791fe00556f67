/* Squares the values of `count` records, each of which takes `wait_us` to come: the tutorial's stand-in
 * for work that waits. Waiting is done without the GIL, as Python's own time.sleep does it. */
#include "kernel.h"
#include "numbers.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define SLICE_US 10000 /* between two safepoints, where waiting takes longer */

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

static void wait_for(uint64_t us)
{
    struct timespec left = { .tv_sec = (time_t)(us / 1000000),
                             .tv_nsec = (long)(us % 1000000 * 1000) };
    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        ;
}

/* True when the job was given up. */
static bool come(uint64_t us, struct fb_yield *yield)
{
    while (us > 0) {
        uint64_t slice = us < SLICE_US ? us : SLICE_US;
        if (fb_safepoint(yield))
            return true;
        fb_release(yield, FB_RELEASE_WAITING);
        wait_for(slice);
        fb_acquire(yield, FB_RELEASE_WAITING);
        us -= slice;
    }
    return false;
}

static void run(const struct fb_input *input, void *scratch, size_t begin, size_t end,
                void *results, struct fb_yield *yield)
{
    (void)scratch;
    struct fb_count_result *slot = results;
    for (size_t item = begin; item < end; item++) {
        if (come(input->wait_us, yield))
            return;
        slot[item].count = (uint64_t)item * item;
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
    .run = run,
    .check = check,
    .digest = digest,
    .answer = answer,
};
