/* The tables of kernels, from list.h, to which Meson writes a line for each: FB_KERNEL(primes) or
 * FB_MISSING(resize, "why"). */
#include "kernels/kernel.h"

#include <string.h>

#define FB_KERNEL(name) extern const struct fb_kernel fb_kernel_##name;
#define FB_MISSING(name, reason)
#include "kernels/list.h"
#undef FB_KERNEL
#undef FB_MISSING

#define FB_KERNEL(name) &fb_kernel_##name,
#define FB_MISSING(name, reason)
const struct fb_kernel *const fb_kernels[] = {
#include "kernels/list.h"
    NULL,
};
#undef FB_KERNEL
#undef FB_MISSING

#define FB_KERNEL(name)
#define FB_MISSING(name, reason) { #name, reason },
const struct fb_missing fb_kernels_missing[] = {
#include "kernels/list.h"
    { NULL, NULL },
};

const struct fb_kernel *fb_kernel_find(const char *name)
{
    for (const struct fb_kernel *const *kernel = fb_kernels; *kernel; kernel++)
        if (strcmp((*kernel)->name, name) == 0)
            return *kernel;
    return NULL;
}

size_t fb_results_failed(const struct fb_kernel *kernel, const void *results, size_t items)
{
    size_t failed = 0;
    for (size_t item = 0; item < items; item++)
        failed += fb_result_status(kernel, results, item) != 0;
    return failed;
}
