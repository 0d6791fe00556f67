/* Random numbers: the same sequence for the same seed, on every machine. */
#ifndef FB_RANDOM_H
#define FB_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA'14).
 * Any value is a good seed. */
struct fb_random {
    uint64_t state;
};

static inline uint64_t fb_random_next(struct fb_random *random)
{
    uint64_t z = random->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Uniform on 0 … count - 1, with a bias below count / 2^32. count: at most 2^32. */
static inline size_t fb_random_below(struct fb_random *random, size_t count)
{
    return (size_t)(((fb_random_next(random) >> 32) * (uint64_t)count) >> 32);
}

/* Uniform between 0 and 1, both excluded. */
static inline double fb_random_real(struct fb_random *random)
{
    return ((double)(fb_random_next(random) >> 12) + 0.5) / 4503599627370496.0;
}

#endif
