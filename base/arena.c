#include "base/arena.h"

#include "base/address_map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Larger than any input that a machine's memory can hold. Halved until mmap succeeds, as address
 * space may be limited (ulimit -v, strict overcommit, valgrind). */
#define LARGEST_RESERVATION ((size_t)FB_ARENA_SPAN)
#define SMALLEST_RESERVATION ((size_t)1 << 26)
#define PAGE 4096

#if defined __SANITIZE_THREAD__
#define ADDRESSES 1 /* the thread sanitizer allows no others */
#else
#define ADDRESSES 4
#endif

struct fb_arena {
    struct fb_arena *next; /* in open_arenas */
    uint8_t *base;
    size_t size, used;
    struct fb_arena_place place;
    int fd[FB_ARENA_FILES];
};

/* The open arenas; in a forked child, those of its parent at first. */
static struct fb_arena *open_arenas;

static void *address(unsigned number)
{
    return (void *)(number == 0 ? FB_ARENA_PLACE
                                : FB_ARENA_NEXT_PLACE - (number - 1) * FB_ARENA_SPAN);
}

static bool reserve(struct fb_arena *arena, int fd, size_t size)
{
    int access = PROT_READ | PROT_WRITE, flags = MAP_SHARED | MAP_NORESERVE;
    if (ftruncate(fd, (off_t)size) < 0)
        return false;
    void *base = MAP_FAILED;
    for (unsigned i = 0; i < ADDRESSES && base == MAP_FAILED; i++)
        base = mmap(address(i), size, access, flags | MAP_FIXED_NOREPLACE, fd, 0);
    if (base == MAP_FAILED)
        base = mmap(NULL, size, access, flags, fd, 0);
    if (base == MAP_FAILED)
        return false;
    arena->base = base;
    arena->size = size;
    arena->fd[0] = fd;
    arena->place.files = 1;
    arena->place.file[0].base = base;
    arena->place.file[0].size = size;
    arena->place.file[0].access = access;
    return true;
}

int fb_arena_open(struct fb_arena **ret_arena)
{
    struct fb_arena *arena = calloc(1, sizeof *arena);
    int fd = memfd_create("fb-arena", MFD_CLOEXEC);
    for (size_t size = LARGEST_RESERVATION; arena && fd >= 0 && size >= SMALLEST_RESERVATION;
         size /= 2)
        if (reserve(arena, fd, size)) {
            arena->next = open_arenas;
            *ret_arena = open_arenas = arena;
            return 0;
        }
    if (fd >= 0)
        close(fd);
    free(arena);
    return -ENOMEM;
}

static size_t round_up(size_t value, size_t unit)
{
    return (value + unit - 1) / unit * unit;
}

/* Allocates size bytes aligned to unit, or returns NULL if there is no room. */
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
    unsigned number = arena->place.files;
    size_t used = arena->used;
    if (number == FB_ARENA_FILES)
        return -ENFILE;
    void *where = take(arena, round_up(size, PAGE), PAGE);
    if (!where)
        return -ENOMEM;
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (own < 0 || mmap(where, size, PROT_READ, MAP_SHARED | MAP_FIXED, own, 0) == MAP_FAILED) {
        int code = -errno;
        if (own >= 0)
            close(own);
        arena->used = used;
        return code;
    }
    arena->fd[number] = own;
    arena->place.file[number].base = where;
    arena->place.file[number].size = size;
    arena->place.file[number].access = PROT_READ;
    arena->place.files++;
    *ret_bytes = where;
    return 0;
}

void fb_arena_unmap(struct fb_arena *arena)
{
    unsigned number = --arena->place.files;
    uint8_t *where = arena->place.file[number].base;
    /* Puts the arena's own memory back. */
    mmap(where, arena->place.file[number].size, PROT_READ | PROT_WRITE,
         MAP_SHARED | MAP_NORESERVE | MAP_FIXED, arena->fd[0], where - arena->base);
    close(arena->fd[number]);
}

/* ---- mapping it in another process ---- */

void fb_arena_place(const struct fb_arena *arena, struct fb_arena_place *ret_place,
                    int ret_fd[FB_ARENA_FILES])
{
    *ret_place = arena->place;
    for (unsigned i = 0; i < arena->place.files; i++)
        ret_fd[i] = arena->fd[i];
}

int fb_arena_adopt(const struct fb_arena_place *place, const int fd[FB_ARENA_FILES])
{
    for (; open_arenas; open_arenas = open_arenas->next)
        munmap(open_arenas->base, open_arenas->size);
    for (unsigned i = 0; i < place->files; i++) {
        void *where = place->file[i].base;
        /* The first file is the reservation; the others are mapped over parts of it. */
        int fixed = i == 0 ? MAP_FIXED_NOREPLACE | MAP_NORESERVE : MAP_FIXED;
        void *base =
            mmap(where, place->file[i].size, place->file[i].access, MAP_SHARED | fixed, fd[i], 0);
        if (base == MAP_FAILED)
            return -errno;
    }
    return 0;
}

void fb_arena_close(struct fb_arena *arena)
{
    if (!arena)
        return;
    for (struct fb_arena **link = &open_arenas; *link; link = &(*link)->next)
        if (*link == arena) {
            *link = arena->next;
            break;
        }
    munmap(arena->base, arena->size);
    for (unsigned i = 0; i < arena->place.files; i++)
        close(arena->fd[i]);
    free(arena);
}
