/* Whether there is memory for something large. */
#ifndef FB_MP_MEMORY_H
#define FB_MP_MEMORY_H

#include <stdbool.h>
#include <stdio.h>

/* Below this nobody asks: bytes. */
#define FB_MP_MEMORY_LARGE ((size_t)64 << 20)

/* False if size is large, and more than the kernel says is available: reserving that would succeed,
 * and have other processes killed for it. */
static inline bool fb_mp_has_memory(size_t size)
{
    char line[128];
    size_t kib = (size_t)-1;
    if (size < FB_MP_MEMORY_LARGE)
        return true;
    FILE *file = fopen("/proc/meminfo", "re");
    while (file && fgets(line, sizeof line, file) && sscanf(line, "MemAvailable: %zu", &kib) != 1)
        ;
    if (file)
        fclose(file);
    return size / 1024 < kib;
}

#endif
