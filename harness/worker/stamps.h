/* Time stamps of each worker's events, for a timeline. An entry has 16 bytes and lies in shared
 * memory whose pages exist already. Times are CPU ticks, converted to ns after the job. */
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
    FB_EVENT_CHUNK, /* starts the chunk whose first item is `item` */
    FB_EVENT_IDLE,  /* has finished, or waits for the next chunk */
    FB_EVENT_WANT,  /* waits for the lock */
    FB_EVENT_TAKEN, /* has taken the lock */
    FB_EVENT_DROPPED,
};

struct fb_stamp {
    uint64_t ticks;
    uint64_t what; /* event << FB_STAMP_ITEM_BITS | item */
};
#define FB_STAMP_ITEM_BITS 56

/* One worker's ring of stamps. Only that worker writes; others read between two jobs. entry[] holds
 * the last `mask` + 1 of `count` stamps; stamp i is in entry[i & mask]. */
struct fb_stamps {
    _Alignas(FB_CACHE_LINE) uint64_t count;
    uint64_t mask;
    struct fb_stamp *entry;
};

/* A clock of constant but unknown rate, the same on all CPUs: the time-stamp counter (constant on
 * every x86-64 CPU of the last fifteen years) or aarch64's virtual counter. */
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

/* Records an event now. stamps NULL: does nothing. */
static inline void fb_stamp(struct fb_stamps *stamps, enum fb_event event, uint64_t item)
{
    if (__builtin_expect(stamps != NULL, 0))
        stamps->entry[stamps->count++ & stamps->mask] =
            (struct fb_stamp){ fb_ticks(), (uint64_t)event << FB_STAMP_ITEM_BITS | item };
}

/* Stamps in the arena for `workers` workers, each with `entries` entries (rounded up to a power of
 * 2); every page is touched. NULL: the arena is full. */
struct fb_stamps *fb_stamps_create(struct fb_arena *arena, unsigned workers, size_t entries);

/* Removes all stamps, before a job. stamps may be NULL. */
void fb_stamps_reset(struct fb_stamps *stamps, unsigned workers);

/* One moment on both clocks. Two of them convert ticks to CLOCK_MONOTONIC by linear
 * interpolation. */
struct fb_instant {
    uint64_t ticks, ns;
};
struct fb_instant fb_instant_now(void);
uint64_t fb_instant_ns(const struct fb_instant between[2], uint64_t ticks);

#endif
