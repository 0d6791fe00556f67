/* What is inside the heap: blocks of cells in a file that all processes map. Whatever a process
 * that dies in here leaves behind, the next one puts in order. */
#ifndef FB_MP_ALLOCATOR_H
#define FB_MP_ALLOCATOR_H

#include "harness/mp/core/heap.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fb_mp_allocator_head;

/* Where its parts are mapped in this process. */
struct fb_mp_allocator {
    int fd;
    struct fb_mp_allocator_head *head;
    uint32_t *map;
    char *cell;
};

/* A view of the file that is mapped at base for its span, in bytes. */
struct fb_mp_allocator fb_mp_allocator_view(int fd, void *base, size_t span);

/* Makes a file of zeroes, mapped so, a heap without blocks. 0 or a negative errno. */
int fb_mp_allocator_init(struct fb_mp_allocator blocks, size_t span);

/* Takes a block of at least size bytes, as it is: 0 and its address at *place, or -ENOMEM, or
 * -ENOSPC. If place itself is in the heap, no death leaves a block behind that it does not name. */
int fb_mp_allocator_take(struct fb_mp_allocator blocks, size_t size, void **place);

/* Gives the block at *place back and makes that NULL; with the same promise. 0, or -EINVAL: no
 * block begins there. */
int fb_mp_allocator_give(struct fb_mp_allocator blocks, void **place);

/* Whether size bytes at memory are in cells of it. */
bool fb_mp_allocator_have(struct fb_mp_allocator blocks, const void *memory, size_t size);

/* Bytes that are given out. */
size_t fb_mp_allocator_used(struct fb_mp_allocator blocks);

#endif
