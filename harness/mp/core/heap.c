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
    struct fb_mp_allocator blocks;
    bool there;
} heap = { .place = { .fd = -1 } };
static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;
FB_MP_FORK_SAFE(making);

/* Who sees that it is there sees the rest. */
static void take_place(const struct fb_mp_heap_place *place, struct fb_mp_allocator blocks)
{
    heap.place = *place;
    heap.blocks = blocks;
    __atomic_store_n(&heap.there, true, __ATOMIC_RELEASE);
}

static bool is_there(void)
{
    return __atomic_load_n(&heap.there, __ATOMIC_ACQUIRE);
}

/* ---- */

int fb_mp_alloc_at(size_t size, void **place)
{
    if (size == 0)
        return -EINVAL;
    if (size > SPAN_MOST)
        return -ENOMEM;
    int result = fb_mp_heap_make();
    return result < 0 ? result : fb_mp_allocator_take(heap.blocks, size, place);
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

int fb_mp_free_at(void **place)
{
    if (!*place)
        return 0;
    return is_there() ? fb_mp_allocator_give(heap.blocks, place) : -EINVAL;
}

int fb_mp_free(void *memory)
{
    return fb_mp_free_at(&memory);
}

bool fb_mp_is_shared(const void *memory, size_t size)
{
    return is_there() && fb_mp_allocator_have(heap.blocks, memory, size);
}

size_t fb_mp_heap_used(void)
{
    return is_there() ? fb_mp_allocator_used(heap.blocks) : 0;
}

/* ---- making and adopting ---- */

/* Maps the file where it may be put in a spawned image too, or else anywhere. */
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

/* valgrind looks for leaks wherever the program could read, so that a span of this size would take
 * it hours. */
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
    struct fb_mp_allocator blocks = fb_mp_allocator_view(place.fd, place.address, place.span);
    int result = fb_mp_allocator_init(blocks, place.span);
    if (result == 0) {
        take_place(&place, blocks);
        return 0;
    }
    munmap(place.address, place.span);
    close(place.fd);
    return result;
}

int fb_mp_heap_make(void)
{
    if (is_there())
        return 0;
    pthread_mutex_lock(&making);
    int result = heap.there ? 0 : make();
    pthread_mutex_unlock(&making);
    return result;
}

struct fb_mp_heap_place fb_mp_heap_place(void)
{
    return heap.place;
}

int fb_mp_heap_adopt(const struct fb_mp_heap_place *place)
{
    if (heap.there)
        return -EBUSY;
    void *base = mmap(place->address, place->span, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_NORESERVE | MAP_FIXED_NOREPLACE, place->fd, 0);
    if (base == MAP_FAILED)
        return -errno;
    if (base != place->address) {
        munmap(base, place->span);
        return -EEXIST;
    }
    take_place(place, fb_mp_allocator_view(place->fd, base, place->span));
    return 0;
}
