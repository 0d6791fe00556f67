/* Which vector instructions a kernel uses: the best of this CPU, or those that the user chose. */
#ifndef FB_SIMD_H
#define FB_SIMD_H

#include "base/error.h"

enum fb_simd {
    FB_SIMD_AUTO,     /* the best of this CPU */
    FB_SIMD_PORTABLE, /* generic vectors of the compiler: the reference for tests of the others */
    FB_SIMD_AVX2,     /* with FMA */
    FB_SIMD_AVX512,   /* F, BW, DQ and VL */
    FB_SIMD_NEON,
    FB_SIMDS
};

/* The choices of a parameter `simd`; ends with NULL. */
extern const char *const fb_simd_names[];

/* Checks `wanted`, and replaces FB_SIMD_AUTO by the best of this CPU. 0 and *ret_simd, or -ENODEV with
 * *error if this CPU does not have these instructions. */
int fb_simd_choose(enum fb_simd wanted, enum fb_simd *ret_simd, struct fb_error *error);

#endif
