#include "harness/mp/core/allocator.h"

#include "harness/mp/core/memory.h"
#include "harness/mp/core/mutex.h"
#include "harness/mp/core/sleep.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

/* The file consists of a head, a map with one word per cell, and the cells. A block is a run of
 * cells. The map holds the block's length in the word of its first cell and, so that the next block
 * can find where this one begins, in that of its last cell; the words between are 0. Walking from
 * first cell to first cell visits every block at any moment, because a block is split or joined by
 * one store to its first word. Everything else can be rebuilt from that, and is rebuilt when a
 * process died while it held the lock. */

#define GROWTH ((size_t)1 << 20) /* the least number of bytes by which it grows */
#define BINS 31                  /* bin b lists free blocks of 2^b … 2^(b+1) - 1 cells */
#define USED 0x80000000u
#define LAST 0x40000000u /* in the word of a last cell that isn't also the first */
#define LENGTH 0x3fffffffu
#define NONE 0     /* no block: cell 0 is never free */
#define SPINS 200u /* attempts at the lock, held for some tens of ns, before sleeping */

struct fb_mp_allocator_head {
    pthread_mutex_t mutex; /* robust */
    size_t span;           /* bytes of address space */
    uint32_t cells;        /* so far, cell 0 included */
    uint32_t used;         /* allocated cells */
    uint32_t bin[BINS];    /* the first free block of each bin */
    /* The block that is being allocated or freed, and the shared pointer that refers to it while it
     * is in use. If the process dies meanwhile, that pointer alone decides whether the block is
     * allocated. NULL: no such operation is under way. */
    uint32_t block;
    void **pointer;
};

/* In the first cell of a free block. */
struct link {
    uint32_t next, before;
};

/* ---- layout ---- */

static size_t page_round(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (size + page - 1) / page * page;
}

static size_t map_offset(void)
{
    return page_round(sizeof(struct fb_mp_allocator_head));
}

/* The number of cells for which the span has room, their map included. */
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

static struct link *link_of(struct fb_mp_allocator allocator, uint32_t block)
{
    return (struct link *)(allocator.cell + (size_t)block * FB_MP_CELL);
}

static uint32_t length_of(struct fb_mp_allocator allocator, uint32_t block)
{
    return __atomic_load_n(&allocator.map[block], __ATOMIC_RELAXED) & LENGTH;
}

static bool is_used(struct fb_mp_allocator allocator, uint32_t block)
{
    return allocator.map[block] & USED;
}

/* ---- free blocks ---- */

static unsigned bin_of(uint32_t length)
{
    return 31 - (unsigned)__builtin_clz(length);
}

/* Writes the words of a block's first and last cell. The store to the first one creates the block. */
static void put_word(struct fb_mp_allocator allocator, uint32_t block, uint32_t length,
                     uint32_t used)
{
    __atomic_store_n(&allocator.map[block], length | used, __ATOMIC_RELEASE);
    if (length > 1)
        allocator.map[block + length - 1] = length | used | LAST;
}

static void put_free(struct fb_mp_allocator allocator, uint32_t block, uint32_t length)
{
    uint32_t *first = &allocator.head->bin[bin_of(length)];
    put_word(allocator, block, length, 0);
    *link_of(allocator, block) = (struct link){ .next = *first, .before = NONE };
    if (*first)
        link_of(allocator, *first)->before = block;
    *first = block;
}

static void take_free(struct fb_mp_allocator allocator, uint32_t block)
{
    struct link *link = link_of(allocator, block);
    if (link->next)
        link_of(allocator, link->next)->before = link->before;
    if (link->before)
        link_of(allocator, link->before)->next = link->next;
    else
        allocator.head->bin[bin_of(length_of(allocator, block))] = link->next;
}

/* Joins two adjacent free blocks that are on no list; returns the joined block. */
static uint32_t join(struct fb_mp_allocator allocator, uint32_t block, uint32_t next)
{
    uint32_t length = next - block + length_of(allocator, next);
    put_word(allocator, block, length, 0);
    if (next - 1 > block)
        allocator.map[next - 1] = 0;
    if (next < block + length - 1)
        allocator.map[next] = 0;
    return block;
}

static void release(struct fb_mp_allocator allocator, uint32_t block)
{
    uint32_t length = length_of(allocator, block), next = block + length;
    uint32_t last = allocator.map[block - 1];
    allocator.head->used -= length;
    put_word(allocator, block, length, 0);
    if (next < allocator.head->cells && !is_used(allocator, next)) {
        take_free(allocator, next);
        join(allocator, block, next);
    }
    if (block > 1 && !(last & USED)) {
        uint32_t before = block - (last & LENGTH);
        take_free(allocator, before);
        block = join(allocator, before, block);
    }
    put_free(allocator, block, length_of(allocator, block));
}

/* ---- repair, and the lock ---- */

/* Makes the block that was being allocated or freed used or free, depending on the shared pointer. */
static void decide_changed_block(struct fb_mp_allocator allocator)
{
    struct fb_mp_allocator_head *head = allocator.head;
    void **pointer = __atomic_load_n(&head->pointer, __ATOMIC_ACQUIRE);
    if (pointer && *pointer != link_of(allocator, head->block))
        put_word(allocator, head->block, length_of(allocator, head->block), 0);
    __atomic_store_n(&head->pointer, NULL, __ATOMIC_RELEASE);
}

/* After a process died while it held the lock: joins free blocks, rebuilds the bins and the words
 * of last cells. */
static void rebuild(struct fb_mp_allocator allocator)
{
    struct fb_mp_allocator_head *head = allocator.head;
    uint32_t block = 1, length;
    decide_changed_block(allocator);
    memset(head->bin, 0, sizeof head->bin);
    head->used = 0;
    for (; block < head->cells; block += length) {
        length = length_of(allocator, block);
        if (is_used(allocator, block)) {
            put_word(allocator, block, length, USED);
            head->used += length;
            continue;
        }
        while (block + length < head->cells && !is_used(allocator, block + length))
            length += length_of(allocator, block + length);
        put_free(allocator, block, length);
    }
    for (block = 1; block < head->cells; block += length)
        if ((length = length_of(allocator, block)) > 2)
            memset(&allocator.map[block + 1], 0, (length - 2) * sizeof *allocator.map);
}

static int lock(struct fb_mp_allocator allocator)
{
    int result = -ETIMEDOUT;
    for (unsigned i = 0; i < SPINS && result == -ETIMEDOUT; i++)
        if ((result = fb_mp_mutex_take(&allocator.head->mutex, 0)) == -ETIMEDOUT)
            for (int k = 0; k < 8; k++)
                fb_mp_relax();
    if (result == -ETIMEDOUT)
        result = fb_mp_mutex_take(&allocator.head->mutex, FB_MP_FOREVER);
    if (result != -EOWNERDEAD)
        return result;
    rebuild(allocator);
    return 0;
}

static void unlock(struct fb_mp_allocator allocator)
{
    pthread_mutex_unlock(&allocator.head->mutex);
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

/* Adds a free block of at least wanted cells at the end. */
static int grow(struct fb_mp_allocator allocator, uint32_t wanted)
{
    struct fb_mp_allocator_head *head = allocator.head;
    size_t more = wanted > GROWTH / FB_MP_CELL ? wanted : GROWTH / FB_MP_CELL;
    size_t cells = head->cells + more, most = cells_most(head->span);
    size_t first = cell_offset(head->span);
    if (cells > most)
        cells = most;
    if (cells < (size_t)head->cells + wanted)
        return -ENOMEM;
    if (!fb_mp_has_memory((cells - head->cells) * FB_MP_CELL))
        return -ENOMEM;
    int result = reserve(allocator.fd, map_offset() + head->cells * sizeof(uint32_t),
                         map_offset() + cells * sizeof(uint32_t));
    if (result == 0)
        result = reserve(allocator.fd, first + (size_t)head->cells * FB_MP_CELL,
                         first + cells * FB_MP_CELL);
    if (result < 0)
        return result;
    uint32_t block = head->cells, length = (uint32_t)(cells - block);
    put_word(allocator, block, length, 0); /* before the heap includes it */
    __atomic_store_n(&head->cells, (uint32_t)cells, __ATOMIC_RELEASE);
    put_free(allocator, block, length);
    return 0;
}

/* Finds a free block of at least wanted cells and takes it off its list; or NONE. */
static uint32_t find(struct fb_mp_allocator allocator, uint32_t wanted)
{
    for (unsigned bin = bin_of(wanted); bin < BINS; bin++)
        for (uint32_t block = allocator.head->bin[bin]; block;
             block = link_of(allocator, block)->next)
            if (length_of(allocator, block) >= wanted) {
                take_free(allocator, block);
                return block;
            }
    return NONE;
}

/* ---- */

int fb_mp_allocator_init(struct fb_mp_allocator allocator, size_t span)
{
    int result = reserve(allocator.fd, 0, map_offset() + sizeof(uint32_t));
    if (result < 0)
        return result;
    allocator.head->span = span;
    allocator.head->cells = 1;
    fb_mp_mutex_init(&allocator.head->mutex, PTHREAD_MUTEX_NORMAL);
    return 0;
}

/* Records the block that is about to change, for the repair if this process dies meanwhile. A
 * pointer outside the heap can't be read by other processes, so that nothing is recorded for it. */
static void begin_change(struct fb_mp_allocator allocator, uint32_t block, void **pointer)
{
    allocator.head->block = block;
    if (fb_mp_allocator_contains(allocator, pointer, sizeof *pointer))
        __atomic_store_n(&allocator.head->pointer, pointer, __ATOMIC_RELEASE);
}

/* Also releases the lock. */
static void end_change(struct fb_mp_allocator allocator)
{
    __atomic_store_n(&allocator.head->pointer, NULL, __ATOMIC_RELEASE);
    unlock(allocator);
}

int fb_mp_allocator_alloc(struct fb_mp_allocator allocator, size_t size, void **pointer)
{
    int result = lock(allocator);
    if (result < 0)
        return result;
    uint32_t wanted = (uint32_t)((size + FB_MP_CELL - 1) / FB_MP_CELL);
    uint32_t block = find(allocator, wanted);
    if (block == NONE && (result = grow(allocator, wanted)) == 0)
        block = find(allocator, wanted);
    if (result < 0) {
        unlock(allocator);
        return result;
    }
    uint32_t rest = length_of(allocator, block) - wanted;
    begin_change(allocator, block, pointer);
    if (rest)
        put_free(allocator, block + wanted, rest);
    put_word(allocator, block, wanted, USED);
    allocator.head->used += wanted;
    __atomic_store_n(pointer, (void *)link_of(allocator, block), __ATOMIC_RELEASE);
    end_change(allocator);
    return 0;
}

int fb_mp_allocator_free(struct fb_mp_allocator allocator, void **pointer)
{
    char *memory = *pointer;
    if (!fb_mp_allocator_contains(allocator, memory, FB_MP_CELL) ||
        (memory - allocator.cell) % FB_MP_CELL != 0)
        return -EINVAL;
    uint32_t block = (uint32_t)((memory - allocator.cell) / FB_MP_CELL);
    int result = lock(allocator);
    if (result < 0)
        return result;
    if (block >= allocator.head->cells || (allocator.map[block] & (USED | LAST)) != USED) {
        unlock(allocator);
        return -EINVAL;
    }
    begin_change(allocator, block, pointer);
    __atomic_store_n(pointer, NULL, __ATOMIC_RELEASE);
    release(allocator, block);
    end_change(allocator);
    return 0;
}

bool fb_mp_allocator_contains(struct fb_mp_allocator allocator, const void *memory, size_t size)
{
    uintptr_t begin = (uintptr_t)allocator.cell + FB_MP_CELL, at = (uintptr_t)memory;
    uintptr_t end = (uintptr_t)allocator.cell + (size_t)allocator.head->cells * FB_MP_CELL;
    return at >= begin && at < end && size <= end - at;
}

size_t fb_mp_allocator_used(struct fb_mp_allocator allocator)
{
    if (lock(allocator) < 0)
        return 0;
    size_t used = (size_t)allocator.head->used * FB_MP_CELL;
    unlock(allocator);
    return used;
}
