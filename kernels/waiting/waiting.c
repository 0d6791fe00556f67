#include "kernels/waiting/waiting.h"

#include <errno.h>
#include <time.h>

#define SLICE_US 10000

static void pause_for(uint64_t us)
{
    struct timespec left = { .tv_sec = (time_t)(us / 1000000),
                             .tv_nsec = (long)(us % 1000000 * 1000) };
    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        ;
}

bool fb_wait_us(uint64_t us, struct fb_yield *yield)
{
    while (us > 0) {
        uint64_t slice = us < SLICE_US ? us : SLICE_US;
        if (fb_safepoint(yield))
            return false;
        fb_release(yield, FB_RELEASE_WAITING);
        pause_for(slice);
        fb_acquire(yield, FB_RELEASE_WAITING);
        us -= slice;
    }
    return true;
}
