/* A bell: who finds nothing to do sleeps by it, who brings something rings it. Ringing one by which
 * nobody sleeps costs a load, and no count goes wrong when a sleeper or a ringer dies. */
#ifndef FB_MP_EVENTCOUNT_H
#define FB_MP_EVENTCOUNT_H

#include "harness/mp/core/sleep.h"

/* Changes whenever somebody goes to sleep or rings; odd: somebody may be asleep. */
typedef _Atomic uint32_t fb_mp_eventcount;

/* Before going to sleep: then look once more for what there is to do, and sleep on what this
 * returned. */
static inline uint32_t fb_mp_eventcount_prepare(fb_mp_eventcount *bell)
{
    uint32_t before = atomic_load(bell);
    while (!atomic_compare_exchange_weak(bell, &before, (before + 2) | 1))
        ;
    return (before + 2) | 1;
}

/* What was brought must have been stored before by a sequentially consistent operation. */
static inline void fb_mp_eventcount_notify(fb_mp_eventcount *bell, int count)
{
    if (atomic_load(bell) % 2 == 0)
        return;
    uint32_t now = atomic_fetch_add(bell, 2) + 2;
    if (fb_mp_wake(bell, count) == 0 && now % 2)
        /* Unless somebody has come since, nobody sleeps here. */
        atomic_compare_exchange_strong(bell, &now, now - 1);
}

#endif
