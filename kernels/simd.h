/* Which vector instructions a kernel uses: those of the CPU that it runs on, or fewer if one asks for that. */
#ifndef FB_SIMD_H
#define FB_SIMD_H

#include "base/error.h"

enum fb_simd {
    FB_SIMD_AUTO,     /* the best that is here */
    FB_SIMD_PORTABLE, /* what every compiler makes: the twin that the others are tested against */
    FB_SIMD_AVX2,     /* with FMA */
    FB_SIMD_AVX512,   /* F, BW, DQ and VL */
    FB_SIMD_NEON,
    FB_SIMDS
};

/* Their names, for a parameter; ends with NULL. */
extern const char *const fb_simd_names[];

/* The one to use: wanted, or the best that is here for FB_SIMD_AUTO. 0 and *ret_simd, or -ENODEV with
 * *error: this CPU has not got it. */
int fb_simd_choose(enum fb_simd wanted, enum fb_simd *ret_simd, struct fb_error *error);

#endif
