/* Shared memory that has one address in every process: a single MAP_SHARED reservation, made
 * before any worker exists. Inputs, results and the control blocks of pools live here, so that
 * threads and processes use the very same memory and forking copies none of its page tables. */
#ifndef FB_ARENA_H
#define FB_ARENA_H

#include <stddef.h>

#define FB_CACHE_LINE 64

struct fb_arena;

/* Reserves address space (no memory is used until it is touched). Returns 0 and *ret_arena, which
 * the caller ends with fb_arena_close, or -ENOMEM. */
int fb_arena_open(struct fb_arena **ret_arena);

/* size zeroed bytes, aligned to a cache line, that live until the arena is closed.
 * Which bytes are taken is known to the calling process only: after a fork, one side allocates.
 * NULL when the reservation is used up. */
void *fb_arena_alloc(struct fb_arena *arena, size_t size);

/* Maps the first size bytes of an open file into the arena, read-only, at an address that
 * workers made afterwards share (those made before do not see it). Returns 0 and *ret_bytes, which
 * live as long as the arena, or a negative errno (-ENOMEM, or mmap's). */
int fb_arena_map(struct fb_arena *arena, int fd, size_t size, const void **ret_bytes);

/* Unmaps everything. NULL is accepted. */
void fb_arena_close(struct fb_arena *arena);

#endif
