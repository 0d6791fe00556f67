/* Sleeping on a word in shared memory, so that no death and no lost wake-up makes it for ever. */
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

/* No sleep goes unchecked for longer: whoever should have woken us may have died before it did. */
#define FB_MP_SLICE (50 * FB_MP_MILLISECOND)

/* How long to look before going to sleep, in ns: a few times as long as a sleep and a wake-up take,
 * if all users can run at once; less if somebody else could need the CPU to bring what is waited
 * for; 0 on one CPU. */
static inline int64_t fb_mp_spin_ns(unsigned users, unsigned cpus)
{
    return cpus == 1 ? 0 : users <= cpus ? 50000 : 3000;
}

/* Tells the CPU that this is a spin loop. */
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

/* Sleeps while *word is expected, until it is woken, a signal came, a slice or the time until
 * deadline is over. False when the deadline has passed. */
static inline bool fb_mp_sleep(_Atomic uint32_t *word, uint32_t expected, int64_t deadline)
{
    int64_t left = deadline - fb_mp_now();
    if (left <= 0)
        return false;
    struct timespec limit = fb_mp_timespec(left < FB_MP_SLICE ? left : FB_MP_SLICE);
    fb_mp_futex_wait(word, expected, &limit);
    return true;
}

/* Returns how many it woke. */
static inline long fb_mp_wake(_Atomic uint32_t *word, int count)
{
    return syscall(SYS_futex, word, FUTEX_WAKE, count, NULL, NULL, 0);
}

#endif
