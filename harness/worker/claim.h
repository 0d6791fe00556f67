/* Handing out the items of a job in chunks, without a lock and without a shared counter: each
 * worker has its own range in its own cache line and steals half of another worker's range when its
 * own is empty. (A contended fetch-add costs three times as much.) */
#ifndef FB_CLAIM_H
#define FB_CLAIM_H

#include "harness/harness.h"

#include <stdatomic.h>

/* A worker's unclaimed chunks: the first one in the low 32 bits, the end (one past the last) in the
 * high 32 bits. The owner adds 1 to the low half; a thief lowers the high half. The range is empty
 * if the low half is not below the high half. */
struct fb_span {
    _Alignas(FB_CACHE_LINE) _Atomic uint64_t chunks;
};

struct fb_claims {
    /* Constant during a job. */
    size_t items, chunk;
    uint64_t chunks;
    unsigned workers;
    enum fb_schedule schedule;
    /* guided: the first unclaimed chunk. */
    _Alignas(FB_CACHE_LINE) _Atomic uint64_t next;
    /* dynamic: one bit per worker, set if its range may have chunks to steal. A thief reads only
     * the cache lines of workers whose bit is set. */
    _Alignas(FB_CACHE_LINE) _Atomic uint64_t busy[FB_WORKERS_MOST / 64];
    struct fb_span span[];
};

/* The state of a worker between two claims. */
struct fb_claimer {
    unsigned worker;
    uint64_t next; /* static: its next chunk */
};

/* The size in bytes of a struct fb_claims for `workers` workers. */
static inline size_t fb_claims_size(unsigned workers)
{
    return sizeof(struct fb_claims) + workers * sizeof(struct fb_span);
}

/* Prepares a job. No worker may be claiming. 0, or -EOVERFLOW for 2^31 chunks or more (not with
 * static, where chunks are not claimed from shared ranges). */
int fb_claims_reset(struct fb_claims *claims, unsigned workers, const struct fb_job *job);

/* Prepares a worker's state for a new job. */
void fb_claimer_begin(struct fb_claimer *claimer, unsigned worker);

/* Claims the next chunk, items *begin … *end - 1. False if none is left for this worker. */
bool fb_claim(struct fb_claims *claims, struct fb_claimer *claimer, size_t *begin, size_t *end);

#endif
