/* Shared memory at the same address in every process: one MAP_SHARED reservation, made before any
 * worker exists. Inputs, results and the control blocks of pools are in it, so that threads and
 * processes use the same memory, and fork copies none of its page tables. */
#ifndef FB_ARENA_H
#define FB_ARENA_H

#include <stddef.h>
#include <sys/types.h>

#define FB_CACHE_LINE 64

struct fb_arena;

/* Only one thread at a time may open or close arenas. */

/* Reserves address space; memory is used only once it is touched. Returns 0 and *ret_arena, which
 * the caller frees with fb_arena_close, or -ENOMEM. */
int fb_arena_open(struct fb_arena **ret_arena);

/* Allocates size zeroed bytes, aligned to a cache line and valid until the arena is closed. NULL if
 * the reservation is used up. Allocations are recorded in the calling process only: after a fork,
 * either the parent or the child may allocate, not both. */
void *fb_arena_alloc(struct fb_arena *arena, size_t size);

/* Maps the first size bytes of an open file into the arena, read-only. Returns 0 and *ret_bytes,
 * valid until the arena is closed, or a negative errno: -ENOMEM, -ENFILE (FB_ARENA_FILES - 1 files
 * are mapped already), or mmap's. */
int fb_arena_map(struct fb_arena *arena, int fd, size_t size, const void **ret_bytes);

/* Unmaps the file that was mapped last. */
void fb_arena_unmap(struct fb_arena *arena);

/* ---- mapping it in a process that did not inherit it by fork ---- */

#define FB_ARENA_FILES 8

/* Where the arena's files are mapped. Has no pointers to follow, so that it can be sent to another
 * process, together with the files' descriptors. */
struct fb_arena_place {
    unsigned files;
    struct {
        void *base;
        size_t size;
        int access; /* mmap's protection: PROT_READ, … */
    } file[FB_ARENA_FILES];
};

/* Describes the arena in *ret_place and returns its files in ret_fd[]; the arena keeps owning them. */
void fb_arena_place(const struct fb_arena *arena, struct fb_arena_place *ret_place,
                    int ret_fd[FB_ARENA_FILES]);

/* Maps the files at the same addresses and unmaps all arenas inherited by fork. The caller keeps
 * owning the descriptors. 0, or a negative errno; -EEXIST: something else is mapped there. */
int fb_arena_adopt(const struct fb_arena_place *place, const int fd[FB_ARENA_FILES]);

/* ---- */

/* Unmaps the arena and frees it. NULL is accepted. */
void fb_arena_close(struct fb_arena *arena);

#endif
