#include "arena.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Enough for any input that fits a machine; halved until the system agrees, because some limit
 * address space (ulimit -v, strict overcommit, valgrind). */
#define LARGEST_RESERVATION ((size_t)1 << 38)
#define SMALLEST_RESERVATION ((size_t)1 << 26)
#define PAGE 4096

struct fb_arena {
    uint8_t *base;
    size_t size, used;
};

int fb_arena_open(struct fb_arena **ret_arena)
{
    struct fb_arena *arena = calloc(1, sizeof *arena);
    if (!arena)
        return -ENOMEM;
    for (size_t size = LARGEST_RESERVATION; size >= SMALLEST_RESERVATION; size /= 2) {
        void *base = mmap(NULL, size, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (base == MAP_FAILED)
            continue;
        arena->base = base;
        arena->size = size;
        *ret_arena = arena;
        return 0;
    }
    free(arena);
    return -ENOMEM;
}

static size_t round_up(size_t value, size_t unit)
{
    return (value + unit - 1) / unit * unit;
}

/* Takes size bytes at a multiple of unit; NULL when they are not there. */
static void *take(struct fb_arena *arena, size_t size, size_t unit)
{
    size_t start = round_up(arena->used, unit);
    if (start > arena->size || size > arena->size - start)
        return NULL;
    arena->used = start + size;
    return arena->base + start;
}

void *fb_arena_alloc(struct fb_arena *arena, size_t size)
{
    return take(arena, size, FB_CACHE_LINE);
}

int fb_arena_map(struct fb_arena *arena, int fd, size_t size, const void **ret_bytes)
{
    size_t used = arena->used;
    void *where = take(arena, round_up(size, PAGE), PAGE);
    if (!where)
        return -ENOMEM;
    if (mmap(where, size, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED) {
        int code = -errno;
        arena->used = used;
        return code;
    }
    *ret_bytes = where;
    return 0;
}

void fb_arena_close(struct fb_arena *arena)
{
    if (!arena)
        return;
    munmap(arena->base, arena->size);
    free(arena);
}
