/* Handing out the items of a job in chunks, without a lock and without a counter that all workers
 * fight for: each worker has a range of its own in a cache line of its own, and takes half of
 * another's when it has used that up. (A contended fetch-add costs three times as much.) */
#ifndef FB_CLAIM_H
#define FB_CLAIM_H

#include "harness/harness.h"

#include <stdatomic.h>

/* A worker's unclaimed chunks: the first in the low half, one past the last in the high half. The
 * owner adds 1 to the low half; a thief lowers the high half. A low half that has run past the high
 * one is an empty range. */
struct fb_span {
    _Alignas(FB_CACHE_LINE) _Atomic uint64_t chunks;
};

struct fb_claims {
    /* The same for a whole job. */
    size_t items, chunk;
    uint64_t chunks;
    unsigned workers;
    enum fb_schedule schedule;
    /* guided: the first unclaimed chunk. */
    _Alignas(FB_CACHE_LINE) _Atomic uint64_t next;
    /* dynamic: a hint, one bit a worker, of whose range is not empty, so that a thief need not look
     * at every worker's cache line. */
    _Alignas(FB_CACHE_LINE) _Atomic uint64_t busy[FB_WORKERS_MOST / 64];
    struct fb_span span[];
};

/* What a worker remembers between two claims. */
struct fb_claimer {
    unsigned worker;
    uint64_t next; /* static: its next chunk */
};

/* Bytes of claims for so many workers. */
static inline size_t fb_claims_size(unsigned workers)
{
    return sizeof(struct fb_claims) + workers * sizeof(struct fb_span);
}

/* Prepares a job; only while no worker claims. 0, or -EOVERFLOW when 2^31 chunks or more are to
 * be claimed (static ones are not). */
int fb_claims_reset(struct fb_claims *claims, unsigned workers, const struct fb_job *job);

void fb_claimer_begin(struct fb_claimer *claimer, unsigned worker);

/* Claims the next chunk: items *begin … *end - 1. False when there is none left for this worker. */
bool fb_claim(struct fb_claims *claims, struct fb_claimer *claimer, size_t *begin, size_t *end);

#endif
