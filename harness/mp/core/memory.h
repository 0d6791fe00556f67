/* A check for enough memory before a large allocation. */
#ifndef FB_MP_MEMORY_H
#define FB_MP_MEMORY_H

#include <stdbool.h>
#include <stdio.h>

/* Bytes; smaller sizes are not checked. */
#define FB_MP_MEMORY_LARGE ((size_t)64 << 20)

/* False if size is large and more than MemAvailable: reserving it would succeed, but then the OOM
 * killer would kill other processes. */
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
