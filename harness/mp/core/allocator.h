/* The allocator of the heap: blocks of cells in a file that all processes map. If a process dies
 * while it holds the lock, the next one that takes it repairs the heap. */
#ifndef FB_MP_ALLOCATOR_H
#define FB_MP_ALLOCATOR_H

#include "harness/mp/core/heap.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fb_mp_allocator_head;

/* Where the parts of the file are mapped in this process. */
struct fb_mp_allocator {
    int fd;
    struct fb_mp_allocator_head *head;
    uint32_t *map;
    char *cell;
};

/* For a file that is mapped at base; span: the bytes mapped. */
struct fb_mp_allocator fb_mp_allocator_view(int fd, void *base, size_t span);

/* Initialises a file of zeroes as a heap without blocks. 0 or a negative errno. */
int fb_mp_allocator_init(struct fb_mp_allocator allocator, size_t span);

/* Allocates a block of at least size bytes, not zeroed. 0 and its address in *pointer, -ENOMEM or
 * -ENOSPC. If pointer is itself in the heap and this process dies at any moment, then the block is
 * allocated exactly if *pointer refers to it. */
int fb_mp_allocator_alloc(struct fb_mp_allocator allocator, size_t size, void **pointer);

/* Frees the block at *pointer and sets *pointer to NULL, with the same guarantee. 0, or -EINVAL: no
 * block begins there. */
int fb_mp_allocator_free(struct fb_mp_allocator allocator, void **pointer);

/* Whether the size bytes at memory are in the heap's cells. */
bool fb_mp_allocator_contains(struct fb_mp_allocator allocator, const void *memory, size_t size);

/* Allocated bytes. */
size_t fb_mp_allocator_used(struct fb_mp_allocator allocator);

#endif
