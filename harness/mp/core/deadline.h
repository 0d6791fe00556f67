/* Times, timeouts and deadlines. */
#ifndef FB_MP_DEADLINE_H
#define FB_MP_DEADLINE_H

#include "base/clock.h"

/* How long a call may wait, in nanoseconds; 0 or less: it checks once and does not wait. */
#define FB_MP_FOREVER INT64_MAX
#define FB_MP_SECOND 1000000000ll
#define FB_MP_MILLISECOND 1000000ll

/* fb_now_ns, signed like all times of the runtime. */
static inline int64_t fb_mp_now(void)
{
    return (int64_t)fb_now_ns();
}

/* The time at which a wait that begins now has to end. */
static inline int64_t fb_mp_deadline(int64_t timeout_ns)
{
    int64_t now = fb_mp_now();
    if (timeout_ns <= 0)
        return now;
    return timeout_ns > INT64_MAX - now ? INT64_MAX : now + timeout_ns;
}

static inline struct timespec fb_mp_timespec(int64_t ns)
{
    return (struct timespec){ .tv_sec = ns / FB_MP_SECOND, .tv_nsec = ns % FB_MP_SECOND };
}

#endif
