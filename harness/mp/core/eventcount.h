/* An eventcount (Reed and Kanodia 1979): consumers that find nothing to do sleep on it, producers
 * notify it. Without sleepers a notification costs one load, and the death of a sleeper or notifier
 * leaves nothing miscounted. */
#ifndef FB_MP_EVENTCOUNT_H
#define FB_MP_EVENTCOUNT_H

#include "harness/mp/core/sleep.h"

/* Changes whenever a thread prepares to sleep or notifies; odd: a thread may be asleep. */
typedef _Atomic uint32_t fb_mp_eventcount;

/* Call it before going to sleep. Then check once more for something to do, and if there is nothing
 * sleep (fb_mp_sleep) while the eventcount has the returned value. */
static inline uint32_t fb_mp_eventcount_prepare(fb_mp_eventcount *eventcount)
{
    uint32_t before = atomic_load(eventcount);
    while (!atomic_compare_exchange_weak(eventcount, &before, (before + 2) | 1))
        ;
    return (before + 2) | 1;
}

/* Wakes up to count sleepers. What they wait for must have been stored before by a sequentially
 * consistent operation. */
static inline void fb_mp_eventcount_notify(fb_mp_eventcount *eventcount, int count)
{
    if (atomic_load(eventcount) % 2 == 0)
        return;
    uint32_t now = atomic_fetch_add(eventcount, 2) + 2;
    if (fb_mp_wake(eventcount, count) == 0 && now % 2)
        /* Nothing sleeps here, unless a thread has prepared since. */
        atomic_compare_exchange_strong(eventcount, &now, now - 1);
}

#endif
