#include "harness/worker/claim.h"

#include <errno.h>

/* All accesses are relaxed: a claim publishes no other data. The gate publishes a job's input, the
 * count of finished workers its results. */
#define LOAD(object) atomic_load_explicit(object, memory_order_relaxed)
#define STORE(object, value) atomic_store_explicit(object, value, memory_order_relaxed)

/* An owner whose range is empty still adds 1 for each chunk that it steals. With at most this many
 * chunks, the low half never overflows into the high half. */
#define CHUNKS_MOST (((uint64_t)1 << 31) - 1)

static uint64_t span_of(uint64_t first, uint64_t last)
{
    return last << 32 | first;
}

static uint64_t span_first(uint64_t span)
{
    return span & UINT32_MAX;
}

static uint64_t span_last(uint64_t span)
{
    return span >> 32;
}

static void set_busy(struct fb_claims *claims, unsigned worker)
{
    atomic_fetch_or_explicit(&claims->busy[worker / 64], (uint64_t)1 << worker % 64,
                             memory_order_relaxed);
}

static void clear_busy(struct fb_claims *claims, unsigned worker)
{
    uint64_t bit = (uint64_t)1 << worker % 64;
    if (LOAD(&claims->busy[worker / 64]) & bit)
        atomic_fetch_and_explicit(&claims->busy[worker / 64], ~bit, memory_order_relaxed);
}

int fb_claims_reset(struct fb_claims *claims, unsigned workers, const struct fb_job *job)
{
    size_t chunk = job->chunk ? job->chunk : 1;
    claims->items = job->items;
    claims->chunk = chunk;
    claims->chunks = job->items / chunk + (job->items % chunk != 0);
    claims->workers = workers;
    claims->schedule = job->schedule;
    if (job->schedule == FB_STATIC) {
        if (job->chunk == 0) { /* one block per worker */
            claims->chunk = 0;
            claims->chunks = workers;
        }
        return 0;
    }
    if (claims->chunks > CHUNKS_MOST)
        return -EOVERFLOW;
    if (job->schedule == FB_GUIDED) {
        STORE(&claims->next, 0);
        return 0;
    }
    for (unsigned word = 0; word <= (workers - 1) / 64; word++)
        STORE(&claims->busy[word], 0);
    for (unsigned worker = 0; worker < workers; worker++) {
        uint64_t first = claims->chunks * worker / workers;
        uint64_t last = claims->chunks * (worker + 1) / workers;
        STORE(&claims->span[worker].chunks, span_of(first, last));
        if (first < last)
            STORE(&claims->busy[worker / 64],
                  LOAD(&claims->busy[worker / 64]) | (uint64_t)1 << worker % 64);
    }
    return 0;
}

void fb_claimer_begin(struct fb_claimer *claimer, unsigned worker)
{
    claimer->worker = worker;
    claimer->next = worker;
}

static bool return_chunks(const struct fb_claims *claims, uint64_t first, uint64_t last,
                          size_t *begin, size_t *end)
{
    *begin = first * claims->chunk;
    *end = last == claims->chunks ? claims->items : last * claims->chunk;
    return true;
}

static bool claim_static(const struct fb_claims *claims, struct fb_claimer *claimer, size_t *begin,
                         size_t *end)
{
    uint64_t chunk = claimer->next;
    if (chunk >= claims->chunks)
        return false;
    claimer->next += claims->workers;
    if (claims->chunk)
        return return_chunks(claims, chunk, chunk + 1, begin, end);
    /* Split this way, items · workers can't overflow. */
    size_t share = claims->items / claims->workers, rest = claims->items % claims->workers;
    *begin = share * chunk + (chunk < rest ? chunk : rest);
    *end = *begin + share + (chunk < rest);
    return *begin < *end;
}

static bool claim_guided(struct fb_claims *claims, size_t *begin, size_t *end)
{
    uint64_t first = LOAD(&claims->next), count;
    do {
        uint64_t left = claims->chunks - first;
        if (left == 0)
            return false;
        count = left / (2 * (uint64_t)claims->workers);
        count += count == 0;
    } while (!atomic_compare_exchange_weak_explicit(&claims->next, &first, first + count,
                                                    memory_order_relaxed, memory_order_relaxed));
    return return_chunks(claims, first, first + count, begin, end);
}

/* Steals the upper half of the victim's range: *ret_chunk is its first chunk, the rest becomes the
 * thief's range, which other thieves can steal from. */
static bool steal_from(struct fb_claims *claims, unsigned thief, unsigned victim,
                       uint64_t *ret_chunk)
{
    uint64_t span = LOAD(&claims->span[victim].chunks), first, last, middle;
    do {
        first = span_first(span);
        last = span_last(span);
        if (first >= last)
            return false;
        middle = last - (last - first + 1) / 2;
    } while (!atomic_compare_exchange_weak_explicit(&claims->span[victim].chunks, &span,
                                                    span_of(first, middle), memory_order_relaxed,
                                                    memory_order_relaxed));
    if (middle + 1 < last) {
        STORE(&claims->span[thief].chunks, span_of(middle + 1, last));
        set_busy(claims, thief);
    }
    *ret_chunk = middle;
    return true;
}

/* Tries each worker once, starting after the thief so that thieves choose different victims. It
 * misses chunks that another thief is moving to its own range; that thief then does the work. */
static bool steal(struct fb_claims *claims, unsigned thief, uint64_t *ret_chunk)
{
    unsigned words = (claims->workers - 1) / 64 + 1;
    for (unsigned step = 0; step <= words; step++) {
        unsigned word = (thief / 64 + step) % words;
        uint64_t after_thief = ~(uint64_t)0 << thief % 64;
        uint64_t mask = LOAD(&claims->busy[word]);
        if (step == 0)
            mask &= after_thief;
        else if (step == words)
            mask &= ~after_thief;
        for (; mask; mask &= mask - 1)
            if (steal_from(claims, thief, word * 64 + (unsigned)__builtin_ctzll(mask), ret_chunk))
                return true;
    }
    return false;
}

static bool claim_dynamic(struct fb_claims *claims, unsigned worker, size_t *begin, size_t *end)
{
    uint64_t span =
        atomic_fetch_add_explicit(&claims->span[worker].chunks, 1, memory_order_relaxed);
    uint64_t chunk = span_first(span), last = span_last(span);
    if (chunk + 1 >= last) /* its last chunk, or none: nothing left to steal */
        clear_busy(claims, worker);
    if (chunk >= last && !steal(claims, worker, &chunk))
        return false;
    return return_chunks(claims, chunk, chunk + 1, begin, end);
}

bool fb_claim(struct fb_claims *claims, struct fb_claimer *claimer, size_t *begin, size_t *end)
{
    switch (claims->schedule) {
    case FB_STATIC:
        return claim_static(claims, claimer, begin, end);
    case FB_GUIDED:
        return claim_guided(claims, begin, end);
    default:
        return claim_dynamic(claims, claimer->worker, begin, end);
    }
}
