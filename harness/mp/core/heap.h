/* Memory that a program shares with all the processes it starts, forked or spawned, at one address:
 * what is put here may be pointed at from every one of them. All objects of the runtime that
 * processes share (locks, queues, values, …) live here. */
#ifndef FB_MP_HEAP_H
#define FB_MP_HEAP_H

#include <stdbool.h>
#include <stddef.h>

#define FB_MP_CELL 64 /* bytes: what is given out begins at a multiple, and is one */

/* Takes size zeroed bytes, aligned to a cache line; the memory is there (space is reserved now, so
 * that writing to it later can't fail). From any thread of any of the processes. The first call
 * makes the heap. 0 and *ret_memory, to be given back with fb_mp_free by any of them, or a negative
 * errno: -EINVAL size is 0, -ENOMEM or -ENOSPC there is no more memory or address space. */
int fb_mp_alloc(size_t size, void **ret_memory);

/* Gives memory back. 0, or -EINVAL: nothing that is taken begins there. NULL is accepted. */
int fb_mp_free(void *memory);

/* Whether size bytes at memory are in the heap, and so the same bytes in every process. */
bool fb_mp_is_shared(const void *memory, size_t size);

/* Bytes that are given out, in whole cells. */
size_t fb_mp_heap_used(void);

/* As fb_mp_alloc, but as it is, not zeroed; its address is put at *place. If that is in the heap
 * too, then whoever dies in here leaves no memory behind that *place does not name. */
int fb_mp_alloc_at(size_t size, void **place);
/* As fb_mp_free of what *place names, which becomes NULL; with the same promise. */
int fb_mp_free_at(void **place);

/* ---- for the runtime itself ---- */

/* What a spawned image needs to map it at the same place. */
struct fb_mp_heap_place {
    int fd; /* -1: there is no heap yet */
    void *address;
    size_t span;
};

/* Makes the heap unless it is there. 0 or a negative errno. */
int fb_mp_heap_make(void);
struct fb_mp_heap_place fb_mp_heap_place(void);

/* Maps another process's heap, whose descriptor is kept; before anything else uses one. 0,
 * -EEXIST something else is at that place already (another attempt of the same image may have
 * better luck), or another negative errno. */
int fb_mp_heap_adopt(const struct fb_mp_heap_place *place);

#endif
