/* harness/mp/pool/map.h: the memory that a hundred million items take. Runs for seconds. */
#include "tests/support/support.h"

#include "tests/mp/pool/pool_fixture.h"
#include "tests/mp/process_fixture.h"

#include "harness/mp/core/heap.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KIB ((size_t)1024)
#define MIB (KIB * KIB)
#define WORKERS 2u
#define MANY 100000000u
#define FEWER 10000000u
#define SOME 1000000u /* after this many, all memory that stays is allocated */

/* ---- tasks ---- */

/* The counters of each worker, on a cache line of their own. */
struct tally {
    _Atomic uint32_t counters;
    struct {
        _Alignas(64) uint64_t items, calls;
        pid_t pid;
    } of[WORKERS];
};

static int count_items(struct fb_mp_call *call)
{
    static struct tally *tally;
    static uint32_t own;
    struct tally *given;
    memcpy(&given, call->bound, sizeof given);
    if (given != tally) { /* the first call in this process */
        tally = given;
        own = atomic_fetch_add(&tally->counters, 1);
        tally->of[own].pid = getpid();
    }
    tally->of[own].items += call->count;
    tally->of[own].calls++;
    return 0;
}

static const struct fb_mp_task tasks[] = { POOL_PAGE_TASKS, FB_MP_FUNCTION(count_items), { 0 } };

/* ---- */

/* The peak of the resident memory, so that temporary growth counts too. */
static size_t peak(pid_t pid)
{
    char path[40], text[200];
    size_t kib = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (!kib && fgets(text, sizeof text, file))
        if (strncmp(text, "VmHWM:", 6) == 0)
            kib = strtoull(text + 6, NULL, 10);
    fclose(file);
    assert_true(kib > 0);
    return kib * KIB;
}

struct way {
    size_t chunk;
    bool whole;
};

/* Returns how much of the heap the map takes while it runs. */
static size_t map_all(struct fb_mp_pool *pool, struct tally *tally, size_t count, struct way way)
{
    const struct fb_mp_map_options options = {
        .bound = &tally, .bound_size = sizeof tally, .chunk = way.chunk, .whole = way.whole
    };
    uint64_t items = 0, calls = 0;
    struct fb_mp_map *map;
    size_t used = fb_mp_heap_used();
    assert_int_equal(fb_mp_map_async(pool, count_items, NULL, count, 0, NULL, 0, &options, &map),
                     0);
    size_t taken = fb_mp_heap_used() - used;
    assert_int_equal(fb_mp_map_result(map, 10 * LIMIT_NS, NULL), 0);
    fb_mp_map_free(map);
    assert_int_equal(fb_mp_heap_used(), used);
    for (size_t i = 0; i < WORKERS; i++) {
        items += tally->of[i].items;
        calls += tally->of[i].calls;
        tally->of[i].items = tally->of[i].calls = 0;
    }
    assert_int_equal(items, count); /* each once */
    assert_int_equal(calls, way.whole ? (count + way.chunk - 1) / way.chunk : count);
    return taken;
}

/* A pool all of whose workers have counted. */
static struct fb_mp_pool *warm_pool(enum fb_mp_method method, struct tally *tally, struct way way)
{
    uint64_t limit = clock_ms() + LIMIT_MS;
    struct fb_mp_pool *pool =
        pool_opened((struct fb_mp_pool_options){ .method = method, .workers = WORKERS });
    do {
        assert_true(clock_ms() < limit);
        map_all(pool, tally, SOME, way);
    } while (atomic_load(&tally->counters) < WORKERS);
    return pool;
}

static void map_without_growth(enum fb_mp_method method, struct way way)
{
    size_t before[WORKERS], grown[WORKERS];
    void *memory;
    assert_int_equal(fb_mp_alloc(sizeof(struct tally), &memory), 0);
    const struct tally *tally = memory;
    struct fb_mp_pool *pool = warm_pool(method, memory, way);
    for (size_t i = 0; i < WORKERS; i++)
        before[i] = peak(tally->of[i].pid);
    size_t owner = peak(getpid());
    uint64_t begin = clock_ms();
    size_t taken = map_all(pool, memory, MANY, way);
    uint64_t took = clock_ms() - begin;
    size_t owner_grown = peak(getpid()) - owner;
    for (size_t i = 0; i < WORKERS; i++)
        grown[i] = peak(tally->of[i].pid) - before[i];
    print_message("%s%s: %u items in %u ms; owner %zu KiB + %zu; workers %zu KiB + %zu, %zu KiB + "
                  "%zu; %zu bytes of the heap\n",
                  method == FB_MP_FORK ? "fork" : "spawn", way.whole ? ", whole chunks" : "", MANY,
                  (unsigned)took, owner / KIB, owner_grown / KIB, before[0] / KIB, grown[0] / KIB,
                  before[1] / KIB, grown[1] / KIB, taken);
    assert_true(owner_grown < MIB);
    assert_true(grown[0] < MIB && grown[1] < MIB);
    assert_true(taken < 64 * KIB);
    fb_mp_pool_close(pool);
    assert_int_equal(fb_mp_free(memory), 0);
}

static void a_hundred_million_items_take_no_memory(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++) {
        map_without_growth(methods[m], (struct way){ 0, false });
        map_without_growth(methods[m], (struct way){ 100000, true });
    }
}

/* With chunks of one item there is a task for each 64 items; all of them are freed. */
static void tasks_of_a_map_are_freed(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++) {
        void *memory;
        assert_int_equal(fb_mp_alloc(sizeof(struct tally), &memory), 0);
        struct fb_mp_pool *pool = warm_pool(methods[m], memory, (struct way){ 1, false });
        size_t owner = peak(getpid()), allocated = mallinfo2().uordblks;
        size_t taken = map_all(pool, memory, FEWER, (struct way){ 1, false });
        size_t now = mallinfo2().uordblks;
        print_message("chunks of 1: %u items; owner %zu KiB + %zu, %zd bytes of malloc stay\n",
                      FEWER, owner / KIB, (peak(getpid()) - owner) / KIB,
                      (ssize_t)(now - allocated));
        assert_true(taken < 64 * KIB);
        assert_true(now < allocated + 64 * KIB);
        fb_mp_pool_close(pool);
        assert_int_equal(fb_mp_free(memory), 0);
    }
}

int main(int argc, char **argv)
{
    fb_mp_main(argc, argv, tasks);
    fb_mp_heap_make(); /* its descriptor stays open as long as the program runs */
    const struct CMUnitTest tests[] = {
        WITH_POOL_PAGE(a_hundred_million_items_take_no_memory),
        WITH_POOL_PAGE(tasks_of_a_map_are_freed),
    };
    return RUN_TESTS(tests);
}
