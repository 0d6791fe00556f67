#include "heap.h"

#include "mutex.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The heap is one memory file: a head; a map with a word a cell; the cells. A block is a run of
 * cells. The map has its length at its first cell and, so that the block behind it can find its
 * begin, at its last one; its other words are 0. Walking from first cell to first cell visits every
 * block at every instant, since a block is split or joined by one store into its first word: all
 * else can always be made anew, and is, when a process died while it held the lock. */

#define SPAN_MOST ((size_t)1 << 36)
#define SPAN_LEAST ((size_t)1 << 26)
#define GROWTH ((size_t)1 << 20) /* bytes of cells at least */
#define BINS 31                  /* bin b: free blocks of 2^b … 2^(b+1) - 1 cells */
#define USED 0x80000000u
#define LAST 0x40000000u /* the word of a last cell that is no first one */
#define LENGTH 0x3fffffffu
#define NONE 0 /* no cell: the first is never free, so that 0 can mean this */

/* Away from where the kernel puts libraries and stacks, and allowed by the sanitizers. */
#define ADDRESS ((void *)0x7e9000000000)

struct head {
    pthread_mutex_t mutex; /* robust */
    size_t span;           /* bytes of address space */
    uint32_t cells;        /* that there are by now, the first included */
    uint32_t used;         /* cells that are given out */
    uint32_t bin[BINS];    /* the first free block of each */
};

/* What a free block's first cell holds. */
struct link {
    uint32_t next, before;
};

static struct {
    struct fb_mp_heap_place place;
    struct head *head;
    uint32_t *map;
    char *cell;
} heap = { .place = { .fd = -1 } };
static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;

/* ---- places ---- */

static size_t page_round(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (size + page - 1) / page * page;
}

static size_t map_offset(void)
{
    return page_round(sizeof(struct head));
}

/* The most cells that fit behind their map. */
static size_t cells_most(size_t span)
{
    size_t most = (span - map_offset()) / (FB_MP_CELL + sizeof(uint32_t));
    return most - page_round(FB_MP_CELL) / FB_MP_CELL - 1;
}

static size_t cell_offset(size_t span)
{
    return map_offset() + page_round(cells_most(span) * sizeof(uint32_t));
}

/* The head comes last: who sees it sees the rest. */
static void take_place(const struct fb_mp_heap_place *place)
{
    char *base = place->address;
    heap.place = *place;
    heap.map = (uint32_t *)(base + map_offset());
    heap.cell = base + cell_offset(place->span);
    __atomic_store_n(&heap.head, place->address, __ATOMIC_RELEASE);
}

static struct link *link_of(uint32_t block)
{
    return (struct link *)(heap.cell + (size_t)block * FB_MP_CELL);
}

static uint32_t length_of(uint32_t block)
{
    return __atomic_load_n(&heap.map[block], __ATOMIC_RELAXED) & LENGTH;
}

static bool is_used(uint32_t block)
{
    return heap.map[block] & USED;
}

/* ---- free blocks ---- */

static unsigned bin_of(uint32_t length)
{
    return 31 - (unsigned)__builtin_clz(length);
}

/* The word at its first cell is what makes it a block; it comes last. */
static void put_word(uint32_t block, uint32_t length, uint32_t used)
{
    __atomic_store_n(&heap.map[block], length | used, __ATOMIC_RELEASE);
    if (length > 1)
        heap.map[block + length - 1] = length | used | LAST;
}

static void put_free(uint32_t block, uint32_t length)
{
    uint32_t *first = &heap.head->bin[bin_of(length)];
    put_word(block, length, 0);
    *link_of(block) = (struct link){ .next = *first, .before = NONE };
    if (*first)
        link_of(*first)->before = block;
    *first = block;
}

static void take_free(uint32_t block)
{
    struct link *link = link_of(block);
    if (link->next)
        link_of(link->next)->before = link->before;
    if (link->before)
        link_of(link->before)->next = link->next;
    else
        heap.head->bin[bin_of(length_of(block))] = link->next;
}

/* After a process died in here: joins what is free and makes the lists and last words anew. */
static void rebuild(void)
{
    struct head *head = heap.head;
    uint32_t block = 1, length;
    memset(head->bin, 0, sizeof head->bin);
    head->used = 0;
    for (; block < head->cells; block += length) {
        length = length_of(block);
        if (is_used(block)) {
            put_word(block, length, USED);
            head->used += length;
            continue;
        }
        while (block + length < head->cells && !is_used(block + length))
            length += length_of(block + length);
        put_free(block, length);
    }
    for (block = 1; block < head->cells; block += length)
        if ((length = length_of(block)) > 2)
            memset(&heap.map[block + 1], 0, (length - 2) * sizeof *heap.map);
}

static int lock(void)
{
    int result = fb_mp_mutex_take(&heap.head->mutex, FB_MP_FOREVER);
    if (result != -EOWNERDEAD)
        return result;
    rebuild();
    return 0;
}

static void unlock(void)
{
    pthread_mutex_unlock(&heap.head->mutex);
}

/* ---- growing ---- */

static int reserve(int fd, size_t from, size_t to)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    from = from / page * page;
    int result;
    do
        result = fallocate(fd, 0, (off_t)from, (off_t)(page_round(to) - from));
    while (result < 0 && errno == EINTR);
    return result < 0 ? -errno : 0;
}

/* Adds a free block of at least so many cells at the end. */
static int grow(uint32_t wanted)
{
    struct head *head = heap.head;
    size_t more = wanted > GROWTH / FB_MP_CELL ? wanted : GROWTH / FB_MP_CELL;
    size_t cells = head->cells + more, most = cells_most(head->span);
    if (cells > most)
        cells = most;
    if (cells < (size_t)head->cells + wanted)
        return -ENOMEM;
    int result = reserve(heap.place.fd, map_offset() + head->cells * sizeof(uint32_t),
                         map_offset() + cells * sizeof(uint32_t));
    if (result == 0)
        result = reserve(heap.place.fd, cell_offset(head->span) + (size_t)head->cells * FB_MP_CELL,
                         cell_offset(head->span) + cells * FB_MP_CELL);
    if (result < 0)
        return result;
    uint32_t block = head->cells, length = (uint32_t)(cells - block);
    put_word(block, length, 0); /* a block before it belongs to the heap */
    __atomic_store_n(&head->cells, (uint32_t)cells, __ATOMIC_RELEASE);
    put_free(block, length);
    return 0;
}

/* A free block of at least so many cells, taken off its list, or NONE. */
static uint32_t find(uint32_t wanted)
{
    for (unsigned bin = bin_of(wanted); bin < BINS; bin++)
        for (uint32_t block = heap.head->bin[bin]; block; block = link_of(block)->next)
            if (length_of(block) >= wanted) {
                take_free(block);
                return block;
            }
    return NONE;
}

/* ---- */

int fb_mp_alloc(size_t size, void **ret_memory)
{
    if (size == 0)
        return -EINVAL;
    if (size > SPAN_MOST)
        return -ENOMEM;
    int result = fb_mp_heap_make();
    if (result == 0)
        result = lock();
    if (result < 0)
        return result;
    uint32_t wanted = (uint32_t)((size + FB_MP_CELL - 1) / FB_MP_CELL), block = find(wanted);
    if (block == NONE && (result = grow(wanted)) == 0)
        block = find(wanted);
    if (result == 0) {
        uint32_t rest = length_of(block) - wanted;
        if (rest)
            put_free(block + wanted, rest);
        put_word(block, wanted, USED);
        heap.head->used += wanted;
    }
    unlock();
    if (result < 0)
        return result;
    *ret_memory = link_of(block);
    memset(*ret_memory, 0, (size_t)wanted * FB_MP_CELL);
    return 0;
}

/* Makes one free block of two neighbours, of which neither is on a list. */
static uint32_t join(uint32_t block, uint32_t next)
{
    uint32_t length = next - block + length_of(next);
    put_word(block, length, 0);
    if (next - 1 > block)
        heap.map[next - 1] = 0;
    if (next < block + length - 1)
        heap.map[next] = 0;
    return block;
}

static void release(uint32_t block)
{
    uint32_t next = block + length_of(block), last = heap.map[block - 1];
    heap.head->used -= length_of(block);
    put_word(block, length_of(block), 0);
    if (next < heap.head->cells && !is_used(next)) {
        take_free(next);
        join(block, next);
    }
    if (block > 1 && !(last & USED)) {
        uint32_t before = block - (last & LENGTH);
        take_free(before);
        block = join(before, block);
    }
    put_free(block, length_of(block));
}

int fb_mp_free(void *memory)
{
    if (!memory)
        return 0;
    if (!fb_mp_is_shared(memory, FB_MP_CELL) || ((char *)memory - heap.cell) % FB_MP_CELL != 0)
        return -EINVAL;
    uint32_t block = (uint32_t)(((char *)memory - heap.cell) / FB_MP_CELL);
    int result = lock();
    if (result < 0)
        return result;
    bool whole = block < heap.head->cells && (heap.map[block] & (USED | LAST)) == USED;
    if (whole)
        release(block);
    unlock();
    return whole ? 0 : -EINVAL;
}

bool fb_mp_is_shared(const void *memory, size_t size)
{
    if (!heap.head)
        return false;
    uintptr_t begin = (uintptr_t)heap.cell + FB_MP_CELL, at = (uintptr_t)memory;
    uintptr_t end = (uintptr_t)heap.cell + (size_t)heap.head->cells * FB_MP_CELL;
    return at >= begin && at < end && size <= end - at;
}

size_t fb_mp_heap_used(void)
{
    if (!heap.head || lock() < 0)
        return 0;
    size_t used = (size_t)heap.head->used * FB_MP_CELL;
    unlock();
    return used;
}

/* ---- making and adopting ---- */

static int init_head(const struct fb_mp_heap_place *place)
{
    struct head *head = place->address;
    int result = reserve(place->fd, 0, map_offset() + sizeof(uint32_t));
    if (result < 0)
        return result;
    head->span = place->span;
    head->cells = 1;
    fb_mp_mutex_init(&head->mutex, PTHREAD_MUTEX_NORMAL);
    return 0;
}

/* Maps the file where it may be put in a spawned image too, or else anywhere. */
static void *map_file(int fd, size_t span)
{
    int flags = MAP_SHARED | MAP_NORESERVE, access = PROT_READ | PROT_WRITE;
    void *base = mmap(ADDRESS, span, access, flags | MAP_FIXED_NOREPLACE, fd, 0);
    if (base == MAP_FAILED || base != ADDRESS) {
        if (base != MAP_FAILED)
            munmap(base, span);
        base = mmap(NULL, span, access, flags, fd, 0);
    }
    return base;
}

static int make(void)
{
    struct fb_mp_heap_place place = { .fd = memfd_create("fb-mp-heap", MFD_CLOEXEC),
                                      .address = MAP_FAILED,
                                      .span = SPAN_MOST };
    if (place.fd < 0)
        return -errno;
    for (; place.span >= SPAN_LEAST; place.span /= 2)
        if ((place.address = map_file(place.fd, place.span)) != MAP_FAILED)
            break;
    int result = place.address == MAP_FAILED ? -ENOMEM : init_head(&place);
    if (result == 0) {
        take_place(&place);
        return 0;
    }
    if (place.address != MAP_FAILED)
        munmap(place.address, place.span);
    close(place.fd);
    return result;
}

int fb_mp_heap_make(void)
{
    if (__atomic_load_n(&heap.head, __ATOMIC_ACQUIRE))
        return 0;
    pthread_mutex_lock(&making);
    int result = heap.head ? 0 : make();
    pthread_mutex_unlock(&making);
    return result;
}

struct fb_mp_heap_place fb_mp_heap_place(void)
{
    return heap.place;
}

int fb_mp_heap_adopt(const struct fb_mp_heap_place *place)
{
    if (heap.head)
        return -EBUSY;
    void *base = mmap(place->address, place->span, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_NORESERVE | MAP_FIXED_NOREPLACE, place->fd, 0);
    if (base == MAP_FAILED)
        return -errno;
    if (base != place->address) {
        munmap(base, place->span);
        return -EEXIST;
    }
    take_place(place);
    return 0;
}
