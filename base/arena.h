/* Shared memory that has one address in every process: a single MAP_SHARED reservation, made
 * before any worker exists. Inputs, results and the control blocks of pools live here, so that
 * threads and processes use the very same memory and forking copies none of its page tables. */
#ifndef FB_ARENA_H
#define FB_ARENA_H

#include <stddef.h>
#include <sys/types.h>

#define FB_CACHE_LINE 64

struct fb_arena;

/* Arenas are opened and closed by one thread at a time. */

/* Reserves address space (no memory is used until it is touched). Returns 0 and *ret_arena, which
 * the caller ends with fb_arena_close, or -ENOMEM. */
int fb_arena_open(struct fb_arena **ret_arena);

/* size zeroed bytes, aligned to a cache line, that live until the arena is closed.
 * Which bytes are taken is known to the calling process only: after a fork, one side allocates.
 * NULL when the reservation is used up. */
void *fb_arena_alloc(struct fb_arena *arena, size_t size);

/* Maps the first size bytes of an open file into the arena, read-only. Returns 0 and *ret_bytes,
 * which live as long as the arena, or a negative errno (-ENOMEM, -ENFILE: there are
 * FB_ARENA_FILES - 1 of them, or mmap's). */
int fb_arena_map(struct fb_arena *arena, int fd, size_t size, const void **ret_bytes);

/* Gives back the file that was mapped last. */
void fb_arena_unmap(struct fb_arena *arena);

/* ---- in a process that was not forked since ---- */

#define FB_ARENA_FILES 8

/* Where the files are that the arena consists of: flat, so that it can be told to another process,
 * to which the descriptors are handed beside it. */
struct fb_arena_place {
    unsigned files;
    struct {
        void *base;
        size_t size;
        int access; /* mmap's */
    } file[FB_ARENA_FILES];
};

/* *ret_place, and in ret_fd[] its files, which stay the arena's. */
void fb_arena_place(const struct fb_arena *arena, struct fb_arena_place *ret_place,
                    int ret_fd[FB_ARENA_FILES]);

/* Maps them at the same addresses, in place of all arenas that a fork brought along; the
 * descriptors stay the caller's. 0, or a negative errno: -EEXIST something else is there. */
int fb_arena_adopt(const struct fb_arena_place *place, const int fd[FB_ARENA_FILES]);

/* ---- */

/* Unmaps everything. NULL is accepted. */
void fb_arena_close(struct fb_arena *arena);

#endif
