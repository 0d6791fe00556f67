/* Sleeping on a word in shared memory. No sleep lasts for ever because the waker died or a wake-up
 * was lost. */
#ifndef FB_MP_SLEEP_H
#define FB_MP_SLEEP_H

#include "harness/mp/core/deadline.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The longest sleep before the condition is checked again, as the waker may have died. */
#define FB_MP_SLICE (50 * FB_MP_MILLISECOND)

/* How long to spin before going to sleep, in ns: a few times as long as a sleep and a wake-up take
 * if all users can run at once; less if the awaited process may need this CPU; 0 on one CPU. */
static inline int64_t fb_mp_spin_ns(unsigned users, unsigned cpus)
{
    return cpus == 1 ? 0 : users <= cpus ? 50000 : 3000;
}

/* Hints to the CPU that this is a spin loop. */
static inline void fb_mp_relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb");
#endif
}

/* Sleeps while *word is expected, at most for `limit` (NULL: without a limit); may also return
 * early. Works between processes. */
static inline void fb_mp_futex_wait(_Atomic uint32_t *word, uint32_t expected,
                                    const struct timespec *limit)
{
    syscall(SYS_futex, word, FUTEX_WAIT, expected, limit, NULL, 0);
}

/* Sleeps if *word is expected, until it is woken, a signal arrives, or FB_MP_SLICE or the deadline
 * has passed. False, without sleeping, if the deadline had passed already. */
static inline bool fb_mp_sleep(_Atomic uint32_t *word, uint32_t expected, int64_t deadline)
{
    int64_t left = deadline - fb_mp_now();
    if (left <= 0)
        return false;
    struct timespec limit = fb_mp_timespec(left < FB_MP_SLICE ? left : FB_MP_SLICE);
    fb_mp_futex_wait(word, expected, &limit);
    return true;
}

/* Wakes up to count sleepers; returns how many it woke. */
static inline long fb_mp_wake(_Atomic uint32_t *word, int count)
{
    return syscall(SYS_futex, word, FUTEX_WAKE, count, NULL, NULL, 0);
}

#endif
