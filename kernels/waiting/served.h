/* The documents of forkbench's own server, computed so that a client can check what it fetched:
 * GET URL/BYTES/LATENCY_US/NUMBER waits LATENCY_US and answers with document NUMBER, of BYTES bytes. */
#ifndef FB_SERVED_H
#define FB_SERVED_H

#include "base/random.h"
#include "kernels/kernel.h"

#include <string.h>

#define FB_SERVED_BYTES_MOST ((uint64_t)1 << 30)
#define FB_SERVED_LATENCY_MOST_US ((uint64_t)60000000)

/* Writes document `number`: pseudo-random 64-bit words, little-endian, the last one truncated. */
static inline void fb_served_fill(uint64_t number, size_t size, unsigned char *bytes)
{
    struct fb_random random = { .state = number };
    for (size_t i = 0; i < size; i += 8) {
        uint64_t word = fb_random_next(&random);
        for (size_t k = i; k < size && k < i + 8; k++, word >>= 8)
            bytes[k] = (unsigned char)word;
    }
}

/* A digest of any bytes: of their number, then of their 64-bit words, little-endian, the last one padded
 * with zeroes. */
static inline uint64_t fb_served_digest(const void *bytes, size_t size)
{
    const unsigned char *byte = bytes;
    uint64_t digest = size;
    for (size_t i = 0; i < size; i += 8) {
        uint64_t word = 0;
        for (size_t k = i; k < size && k < i + 8; k++)
            word |= (uint64_t)byte[k] << (8 * (k - i));
        digest = fb_digest(digest, word);
    }
    return digest;
}

#endif
