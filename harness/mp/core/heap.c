#include "harness/mp/core/heap.h"

#include "harness/mp/core/allocator.h"
#include "harness/mp/core/fork_safe.h"

#include "base/address_map.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SPAN_MOST ((size_t)FB_HEAP_SPAN)
#define SPAN_LEAST ((size_t)1 << 26)

static struct {
    struct fb_mp_heap_place place;
    struct fb_mp_allocator allocator;
    bool exists;
} heap = { .place = { .fd = -1 } };
static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;
FB_MP_FORK_SAFE(making);

/* A thread that sees exists set sees the rest, too. */
static void set_heap(const struct fb_mp_heap_place *place, struct fb_mp_allocator allocator)
{
    heap.place = *place;
    heap.allocator = allocator;
    __atomic_store_n(&heap.exists, true, __ATOMIC_RELEASE);
}

static bool exists(void)
{
    return __atomic_load_n(&heap.exists, __ATOMIC_ACQUIRE);
}

/* ---- */

int fb_mp_alloc_at(size_t size, void **pointer)
{
    if (size == 0)
        return -EINVAL;
    if (size > SPAN_MOST)
        return -ENOMEM;
    int result = fb_mp_heap_make();
    return result < 0 ? result : fb_mp_allocator_alloc(heap.allocator, size, pointer);
}

int fb_mp_alloc(size_t size, void **ret_memory)
{
    void *memory;
    int result = fb_mp_alloc_at(size, &memory);
    if (result < 0)
        return result;
    *ret_memory = memset(memory, 0, (size + FB_MP_CELL - 1) / FB_MP_CELL * FB_MP_CELL);
    return 0;
}

int fb_mp_free_at(void **pointer)
{
    if (!*pointer)
        return 0;
    return exists() ? fb_mp_allocator_free(heap.allocator, pointer) : -EINVAL;
}

int fb_mp_free(void *memory)
{
    return fb_mp_free_at(&memory);
}

bool fb_mp_is_shared(const void *memory, size_t size)
{
    return exists() && fb_mp_allocator_contains(heap.allocator, memory, size);
}

size_t fb_mp_heap_used(void)
{
    return exists() ? fb_mp_allocator_used(heap.allocator) : 0;
}

/* ---- making and adopting ---- */

/* Maps the file at an address that is likely to be free in spawned processes too, or else anywhere. */
static void *map_file(int fd, size_t span)
{
    int flags = MAP_SHARED | MAP_NORESERVE, access = PROT_READ | PROT_WRITE;
    void *base = mmap((void *)FB_HEAP_ADDRESS, span, access, flags | MAP_FIXED_NOREPLACE, fd, 0);
    if (base == MAP_FAILED || base != (void *)FB_HEAP_ADDRESS) {
        if (base != MAP_FAILED)
            munmap(base, span);
        base = mmap(NULL, span, access, flags, fd, 0);
    }
    return base;
}

/* valgrind searches all readable memory for leaks, which would take it hours with the full span. */
static size_t span_most(void)
{
    const char *preload = getenv("LD_PRELOAD");
    return preload && strstr(preload, "vgpreload") ? SPAN_LEAST : SPAN_MOST;
}

static int make(void)
{
    struct fb_mp_heap_place place = { .fd = memfd_create("fb-mp-heap", MFD_CLOEXEC),
                                      .address = MAP_FAILED,
                                      .span = span_most() };
    if (place.fd < 0)
        return -errno;
    for (; place.span >= SPAN_LEAST; place.span /= 2)
        if ((place.address = map_file(place.fd, place.span)) != MAP_FAILED)
            break;
    if (place.address == MAP_FAILED) {
        close(place.fd);
        return -ENOMEM;
    }
    struct fb_mp_allocator allocator = fb_mp_allocator_view(place.fd, place.address, place.span);
    int result = fb_mp_allocator_init(allocator, place.span);
    if (result == 0) {
        set_heap(&place, allocator);
        return 0;
    }
    munmap(place.address, place.span);
    close(place.fd);
    return result;
}

int fb_mp_heap_make(void)
{
    if (exists())
        return 0;
    pthread_mutex_lock(&making);
    int result = heap.exists ? 0 : make();
    pthread_mutex_unlock(&making);
    return result;
}

struct fb_mp_heap_place fb_mp_heap_place(void)
{
    return heap.place;
}

int fb_mp_heap_adopt(const struct fb_mp_heap_place *place)
{
    if (heap.exists)
        return -EBUSY;
    void *base = mmap(place->address, place->span, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_NORESERVE | MAP_FIXED_NOREPLACE, place->fd, 0);
    if (base == MAP_FAILED)
        return -errno;
    if (base != place->address) {
        munmap(base, place->span);
        return -EEXIST;
    }
    set_heap(place, fb_mp_allocator_view(place->fd, base, place->span));
    return 0;
}
