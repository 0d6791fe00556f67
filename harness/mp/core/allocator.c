#include "harness/mp/core/allocator.h"

#include "harness/mp/core/memory.h"
#include "harness/mp/core/mutex.h"
#include "harness/mp/core/sleep.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

/* The file is a head; a map with a word a cell; the cells. A block is a run of cells. The map has
 * its length at its first cell and, so that the block behind it can find its begin, at its last
 * one; its other words are 0. Walking from first cell to first cell visits every block at every
 * instant, since a block is split or joined by one store into its first word: all else can always
 * be made anew, and is, when a process died while it held the lock. */

#define GROWTH ((size_t)1 << 20) /* bytes of cells at least */
#define BINS 31                  /* bin b: free blocks of 2^b … 2^(b+1) - 1 cells */
#define USED 0x80000000u
#define LAST 0x40000000u /* the word of a last cell that is no first one */
#define LENGTH 0x3fffffffu
#define NONE 0     /* no cell: the first is never free, so that 0 can mean this */
#define SPINS 200u /* looks at a lock that is held for some tens of ns, before sleeping for it */

struct fb_mp_allocator_head {
    pthread_mutex_t mutex; /* robust */
    size_t span;           /* bytes of address space */
    uint32_t cells;        /* that there are by now, the first included */
    uint32_t used;         /* cells that are given out */
    uint32_t bin[BINS];    /* the first free block of each */
    /* A block that is being taken or given back, and what names it while it is used: this alone
     * decides, should that break off, which of the two it is. NULL: there is none. */
    uint32_t block;
    void **place;
};

/* What a free block's first cell holds. */
struct link {
    uint32_t next, before;
};

/* ---- places ---- */

static size_t page_round(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (size + page - 1) / page * page;
}

static size_t map_offset(void)
{
    return page_round(sizeof(struct fb_mp_allocator_head));
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

struct fb_mp_allocator fb_mp_allocator_view(int fd, void *base, size_t span)
{
    return (struct fb_mp_allocator){ .fd = fd,
                                     .head = base,
                                     .map = (uint32_t *)((char *)base + map_offset()),
                                     .cell = (char *)base + cell_offset(span) };
}

static struct link *link_of(struct fb_mp_allocator blocks, uint32_t block)
{
    return (struct link *)(blocks.cell + (size_t)block * FB_MP_CELL);
}

static uint32_t length_of(struct fb_mp_allocator blocks, uint32_t block)
{
    return __atomic_load_n(&blocks.map[block], __ATOMIC_RELAXED) & LENGTH;
}

static bool is_used(struct fb_mp_allocator blocks, uint32_t block)
{
    return blocks.map[block] & USED;
}

/* ---- free blocks ---- */

static unsigned bin_of(uint32_t length)
{
    return 31 - (unsigned)__builtin_clz(length);
}

/* The word at its first cell is what makes it a block; it comes last. */
static void put_word(struct fb_mp_allocator blocks, uint32_t block, uint32_t length, uint32_t used)
{
    __atomic_store_n(&blocks.map[block], length | used, __ATOMIC_RELEASE);
    if (length > 1)
        blocks.map[block + length - 1] = length | used | LAST;
}

static void put_free(struct fb_mp_allocator blocks, uint32_t block, uint32_t length)
{
    uint32_t *first = &blocks.head->bin[bin_of(length)];
    put_word(blocks, block, length, 0);
    *link_of(blocks, block) = (struct link){ .next = *first, .before = NONE };
    if (*first)
        link_of(blocks, *first)->before = block;
    *first = block;
}

static void take_free(struct fb_mp_allocator blocks, uint32_t block)
{
    struct link *link = link_of(blocks, block);
    if (link->next)
        link_of(blocks, link->next)->before = link->before;
    if (link->before)
        link_of(blocks, link->before)->next = link->next;
    else
        blocks.head->bin[bin_of(length_of(blocks, block))] = link->next;
}

/* Makes one free block of two neighbours, of which neither is on a list. */
static uint32_t join(struct fb_mp_allocator blocks, uint32_t block, uint32_t next)
{
    uint32_t length = next - block + length_of(blocks, next);
    put_word(blocks, block, length, 0);
    if (next - 1 > block)
        blocks.map[next - 1] = 0;
    if (next < block + length - 1)
        blocks.map[next] = 0;
    return block;
}

static void release(struct fb_mp_allocator blocks, uint32_t block)
{
    uint32_t length = length_of(blocks, block), next = block + length;
    uint32_t last = blocks.map[block - 1];
    blocks.head->used -= length;
    put_word(blocks, block, length, 0);
    if (next < blocks.head->cells && !is_used(blocks, next)) {
        take_free(blocks, next);
        join(blocks, block, next);
    }
    if (block > 1 && !(last & USED)) {
        uint32_t before = block - (last & LENGTH);
        take_free(blocks, before);
        block = join(blocks, before, block);
    }
    put_free(blocks, block, length_of(blocks, block));
}

/* ---- repair, and the lock ---- */

/* Of a block that was being taken or given back, what names it tells which of the two it is. */
static void decide_block(struct fb_mp_allocator blocks)
{
    struct fb_mp_allocator_head *head = blocks.head;
    void **place = __atomic_load_n(&head->place, __ATOMIC_ACQUIRE);
    if (place && *place != link_of(blocks, head->block))
        put_word(blocks, head->block, length_of(blocks, head->block), 0);
    __atomic_store_n(&head->place, NULL, __ATOMIC_RELEASE);
}

/* After a process died in here: joins what is free and makes the lists and last words anew. */
static void rebuild(struct fb_mp_allocator blocks)
{
    struct fb_mp_allocator_head *head = blocks.head;
    uint32_t block = 1, length;
    decide_block(blocks);
    memset(head->bin, 0, sizeof head->bin);
    head->used = 0;
    for (; block < head->cells; block += length) {
        length = length_of(blocks, block);
        if (is_used(blocks, block)) {
            put_word(blocks, block, length, USED);
            head->used += length;
            continue;
        }
        while (block + length < head->cells && !is_used(blocks, block + length))
            length += length_of(blocks, block + length);
        put_free(blocks, block, length);
    }
    for (block = 1; block < head->cells; block += length)
        if ((length = length_of(blocks, block)) > 2)
            memset(&blocks.map[block + 1], 0, (length - 2) * sizeof *blocks.map);
}

static int lock(struct fb_mp_allocator blocks)
{
    int result = -ETIMEDOUT;
    for (unsigned i = 0; i < SPINS && result == -ETIMEDOUT; i++)
        if ((result = fb_mp_mutex_take(&blocks.head->mutex, 0)) == -ETIMEDOUT)
            for (int k = 0; k < 8; k++)
                fb_mp_relax();
    if (result == -ETIMEDOUT)
        result = fb_mp_mutex_take(&blocks.head->mutex, FB_MP_FOREVER);
    if (result != -EOWNERDEAD)
        return result;
    rebuild(blocks);
    return 0;
}

static void unlock(struct fb_mp_allocator blocks)
{
    pthread_mutex_unlock(&blocks.head->mutex);
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
static int grow(struct fb_mp_allocator blocks, uint32_t wanted)
{
    struct fb_mp_allocator_head *head = blocks.head;
    size_t more = wanted > GROWTH / FB_MP_CELL ? wanted : GROWTH / FB_MP_CELL;
    size_t cells = head->cells + more, most = cells_most(head->span);
    size_t first = cell_offset(head->span);
    if (cells > most)
        cells = most;
    if (cells < (size_t)head->cells + wanted)
        return -ENOMEM;
    if (!fb_mp_has_memory((cells - head->cells) * FB_MP_CELL))
        return -ENOMEM;
    int result = reserve(blocks.fd, map_offset() + head->cells * sizeof(uint32_t),
                         map_offset() + cells * sizeof(uint32_t));
    if (result == 0)
        result = reserve(blocks.fd, first + (size_t)head->cells * FB_MP_CELL,
                         first + cells * FB_MP_CELL);
    if (result < 0)
        return result;
    uint32_t block = head->cells, length = (uint32_t)(cells - block);
    put_word(blocks, block, length, 0); /* a block before it belongs to the heap */
    __atomic_store_n(&head->cells, (uint32_t)cells, __ATOMIC_RELEASE);
    put_free(blocks, block, length);
    return 0;
}

/* A free block of at least so many cells, taken off its list, or NONE. */
static uint32_t find(struct fb_mp_allocator blocks, uint32_t wanted)
{
    for (unsigned bin = bin_of(wanted); bin < BINS; bin++)
        for (uint32_t block = blocks.head->bin[bin]; block; block = link_of(blocks, block)->next)
            if (length_of(blocks, block) >= wanted) {
                take_free(blocks, block);
                return block;
            }
    return NONE;
}

/* ---- */

int fb_mp_allocator_init(struct fb_mp_allocator blocks, size_t span)
{
    int result = reserve(blocks.fd, 0, map_offset() + sizeof(uint32_t));
    if (result < 0)
        return result;
    blocks.head->span = span;
    blocks.head->cells = 1;
    fb_mp_mutex_init(&blocks.head->mutex, PTHREAD_MUTEX_NORMAL);
    return 0;
}

/* Says what is about to become of a block, of which a death of this process would leave a part. */
static void intend(struct fb_mp_allocator blocks, uint32_t block, void **place)
{
    blocks.head->block = block;
    if (fb_mp_allocator_have(blocks, place, sizeof *place))
        __atomic_store_n(&blocks.head->place, place, __ATOMIC_RELEASE);
}

static void intended(struct fb_mp_allocator blocks)
{
    __atomic_store_n(&blocks.head->place, NULL, __ATOMIC_RELEASE);
    unlock(blocks);
}

int fb_mp_allocator_take(struct fb_mp_allocator blocks, size_t size, void **place)
{
    int result = lock(blocks);
    if (result < 0)
        return result;
    uint32_t wanted = (uint32_t)((size + FB_MP_CELL - 1) / FB_MP_CELL);
    uint32_t block = find(blocks, wanted);
    if (block == NONE && (result = grow(blocks, wanted)) == 0)
        block = find(blocks, wanted);
    if (result < 0) {
        unlock(blocks);
        return result;
    }
    uint32_t rest = length_of(blocks, block) - wanted;
    intend(blocks, block, place);
    if (rest)
        put_free(blocks, block + wanted, rest);
    put_word(blocks, block, wanted, USED);
    blocks.head->used += wanted;
    __atomic_store_n(place, (void *)link_of(blocks, block), __ATOMIC_RELEASE);
    intended(blocks);
    return 0;
}

int fb_mp_allocator_give(struct fb_mp_allocator blocks, void **place)
{
    char *memory = *place;
    if (!fb_mp_allocator_have(blocks, memory, FB_MP_CELL) ||
        (memory - blocks.cell) % FB_MP_CELL != 0)
        return -EINVAL;
    uint32_t block = (uint32_t)((memory - blocks.cell) / FB_MP_CELL);
    int result = lock(blocks);
    if (result < 0)
        return result;
    if (block >= blocks.head->cells || (blocks.map[block] & (USED | LAST)) != USED) {
        unlock(blocks);
        return -EINVAL;
    }
    intend(blocks, block, place);
    __atomic_store_n(place, NULL, __ATOMIC_RELEASE);
    release(blocks, block);
    intended(blocks);
    return 0;
}

bool fb_mp_allocator_have(struct fb_mp_allocator blocks, const void *memory, size_t size)
{
    uintptr_t begin = (uintptr_t)blocks.cell + FB_MP_CELL, at = (uintptr_t)memory;
    uintptr_t end = (uintptr_t)blocks.cell + (size_t)blocks.head->cells * FB_MP_CELL;
    return at >= begin && at < end && size <= end - at;
}

size_t fb_mp_allocator_used(struct fb_mp_allocator blocks)
{
    if (lock(blocks) < 0)
        return 0;
    size_t used = (size_t)blocks.head->used * FB_MP_CELL;
    unlock(blocks);
    return used;
}
