/* Finds out which vector instructions this CPU has. */
#include "kernels/simd.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

const char *const fb_simd_names[] = { "auto", "portable", "avx2", "avx512", "neon", NULL };

static bool is_here(enum fb_simd simd)
{
    switch (simd) {
    case FB_SIMD_PORTABLE:
        return true;
#if defined __x86_64__
    case FB_SIMD_AVX2:
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case FB_SIMD_AVX512:
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
               is_here(FB_SIMD_AVX2);
#elif defined __aarch64__
    case FB_SIMD_NEON:
        return true; /* every aarch64 has it */
#endif
    default:
        return false;
    }
}

int fb_simd_choose(enum fb_simd wanted, enum fb_simd *ret_simd, struct fb_error *error)
{
    static const enum fb_simd best_first[] = { FB_SIMD_AVX512, FB_SIMD_AVX2, FB_SIMD_NEON,
                                               FB_SIMD_PORTABLE };
    size_t i = 0;
    if (wanted != FB_SIMD_AUTO && !is_here(wanted))
        return fb_error_set(error, -ENODEV, "this CPU has no %s: use simd=auto",
                            fb_simd_names[wanted]);
    while (wanted == FB_SIMD_AUTO && !is_here(best_first[i]))
        i++;
    *ret_simd = wanted == FB_SIMD_AUTO ? best_first[i] : wanted;
    return 0;
}
