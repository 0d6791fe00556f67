#include "kernels/waiting/waiting.h"

#include <errno.h>
#include <time.h>

#define SLICE_US 10000

int fb_waiting_setup(const struct fb_params *given, struct fb_arena *arena,
                     struct fb_input **ret_input, struct fb_error *error)
{
    struct fb_input *input = fb_arena_alloc(arena, sizeof *input);
    if (!input)
        return fb_error_set(error, -ENOMEM, "out of shared memory");
    input->count = fb_params_number(given, "count");
    input->wait_us = fb_params_number(given, "wait_us");
    *ret_input = input;
    return 0;
}

size_t fb_waiting_items(const struct fb_input *input)
{
    return input->count;
}

void fb_waiting_await(const struct fb_input *input, size_t item, struct fb_await *ret_await)
{
    (void)item;
    ret_await->delay_us = input->wait_us;
}

uint64_t fb_waiting_digest(const struct fb_input *input, const void *results)
{
    return fb_counts_digest(results, input->count);
}

static void sleep_us(uint64_t us)
{
    struct timespec left = { .tv_sec = (time_t)(us / 1000000),
                             .tv_nsec = (long)(us % 1000000 * 1000) };
    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        ;
}

/* False when the job was given up. */
static bool wait_us(uint64_t us, struct fb_yield *yield)
{
    while (us > 0) {
        uint64_t slice = us < SLICE_US ? us : SLICE_US;
        if (fb_safepoint(yield))
            return false;
        fb_release(yield, FB_RELEASE_WAITING);
        sleep_us(slice);
        fb_acquire(yield, FB_RELEASE_WAITING);
        us -= slice;
    }
    return true;
}

void fb_waiting_run(const struct fb_input *input, size_t begin, size_t end, void *results,
                    struct fb_yield *yield, fb_record_work *work)
{
    for (size_t item = begin; item < end; item++)
        if (!wait_us(input->wait_us, yield) || !work(input, item, results, yield))
            return;
}
