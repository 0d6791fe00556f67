/* The heap: memory that a program shares with all processes it starts, forked or spawned, at the
 * same address in each, so that pointers into it are valid in all of them. All shared objects of
 * the runtime (locks, queues, values, …) are in it. */
#ifndef FB_MP_HEAP_H
#define FB_MP_HEAP_H

#include <stdbool.h>
#include <stddef.h>

#define FB_MP_CELL 64 /* bytes: addresses and sizes of blocks are multiples of it */

/* Allocates size zeroed bytes, aligned to a cache line. Space is reserved at once, so that writing
 * to it later can't fail. Any thread of any of the processes may call it; the first call makes the
 * heap. 0 and *ret_memory, which any of the processes may free with fb_mp_free, or a negative
 * errno: -EINVAL size is 0, -ENOMEM or -ENOSPC there is no more memory or address space. */
int fb_mp_alloc(size_t size, void **ret_memory);

/* Frees memory. 0, or -EINVAL: no allocated block begins there. NULL is accepted. */
int fb_mp_free(void *memory);

/* Whether the size bytes at memory are in the heap, and so the same in every process. */
bool fb_mp_is_shared(const void *memory, size_t size);

/* Allocated bytes, in whole cells. */
size_t fb_mp_heap_used(void);

/* Like fb_mp_alloc, but not zeroed, and with the address in *pointer. If pointer is itself in the
 * heap and this process dies in the call, no memory stays allocated that *pointer does not refer
 * to. */
int fb_mp_alloc_at(size_t size, void **pointer);
/* Like fb_mp_free(*pointer), then sets *pointer to NULL; with the same guarantee. */
int fb_mp_free_at(void **pointer);

/* ---- for the runtime itself ---- */

/* What a spawned process needs to map the heap at the same address. */
struct fb_mp_heap_place {
    int fd; /* -1: there is no heap yet */
    void *address;
    size_t span;
};

/* Makes the heap unless it exists. 0 or a negative errno. */
int fb_mp_heap_make(void);
struct fb_mp_heap_place fb_mp_heap_place(void);

/* Maps the heap of another process and keeps place->fd open. Must come before any other use of a
 * heap. 0, -EEXIST: something else is mapped at that address (executing the program again may help,
 * as its libraries get other addresses), or another negative errno. */
int fb_mp_heap_adopt(const struct fb_mp_heap_place *place);

#endif
