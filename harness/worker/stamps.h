/* When each worker did what, for a timeline: one entry of 16 bytes a chunk, in shared memory that was
 * touched before, in the CPU's own ticks; converted after the job. */
#ifndef FB_STAMPS_H
#define FB_STAMPS_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#elif !defined(__aarch64__)
#include <time.h>
#endif

enum fb_event {
    FB_EVENT_CHUNK, /* begins the chunk whose first item is `item` */
    FB_EVENT_IDLE,  /* has nothing more to do, or waits for the next chunk */
    FB_EVENT_WANT,  /* waits for the lock */
    FB_EVENT_TAKEN, /* has the lock */
    FB_EVENT_DROPPED,
};

struct fb_stamp {
    uint64_t ticks;
    uint64_t what; /* the event above FB_STAMP_ITEM_BITS bits of item */
};
#define FB_STAMP_ITEM_BITS 56

/* Of one worker; only it writes, others read between two jobs. The last `mask` + 1 of `count`
 * stamps are in entry[], the i-th in entry[i & mask]. */
struct fb_stamps {
    _Alignas(FB_CACHE_LINE) uint64_t count;
    uint64_t mask;
    struct fb_stamp *entry;
};

/* An even clock, the same on all CPUs, of unknown rate: the time-stamp counter (constant on every
 * x86-64 of the last fifteen years) and aarch64's virtual counter. */
static inline uint64_t fb_ticks(void)
{
#if defined(__x86_64__)
    return __rdtsc();
#elif defined(__aarch64__)
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
#else
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
#endif
}

/* stamps may be NULL: then nothing is noted. */
static inline void fb_stamp(struct fb_stamps *stamps, enum fb_event event, uint64_t item)
{
    if (__builtin_expect(stamps != NULL, 0))
        stamps->entry[stamps->count++ & stamps->mask] =
            (struct fb_stamp){ fb_ticks(), (uint64_t)event << FB_STAMP_ITEM_BITS | item };
}

/* For `workers` workers, of `entries` (rounded up to a power of 2) each, in the arena, every page
 * touched. NULL: there is no room. */
struct fb_stamps *fb_stamps_create(struct fb_arena *arena, unsigned workers, size_t entries);

/* Forgets all: before a job. */
void fb_stamps_reset(struct fb_stamps *stamps, unsigned workers);

/* A moment by both clocks. Between two such, ticks are nanoseconds by rule of three. */
struct fb_instant {
    uint64_t ticks, ns;
};
struct fb_instant fb_instant_now(void);
uint64_t fb_instant_ns(const struct fb_instant between[2], uint64_t ticks);

#endif
