/* fb_mp_sleep without its slices of 50 ms, for source files that are included after this header:
 * the next slice does not make up for a missing wake-up. */
#ifndef TEST_UNSLICED_SLEEP_H
#define TEST_UNSLICED_SLEEP_H

#define fb_mp_sleep fb_mp_sleep_sliced
#include "harness/mp/core/sleep.h"
#undef fb_mp_sleep

static inline bool fb_mp_sleep(_Atomic uint32_t *word, uint32_t expected, int64_t deadline)
{
    int64_t left_ns = deadline - fb_mp_now();
    if (left_ns <= 0)
        return false;
    struct timespec limit = fb_mp_timespec(left_ns);
    syscall(SYS_futex, word, FUTEX_WAIT, expected, &limit, NULL, 0);
    return true;
}

#endif
