/* harness/mp/core/heap.c: allocating, freeing, joining blocks, and repair after a death. */
#include "tests/support/support.h"

#include "base/random.h"
#include "harness/mp/core/heap.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCKS 500

static bool is_zero(const unsigned char *memory, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (memory[i])
            return false;
    return true;
}

static void *allocate(size_t size)
{
    void *memory = NULL;
    assert_int_equal(fb_mp_alloc(size, &memory), 0);
    assert_int_equal((uintptr_t)memory % FB_MP_CELL, 0);
    assert_true(fb_mp_is_shared(memory, size));
    assert_true(is_zero(memory, size));
    return memory;
}

static void freed_memory_is_allocated_again(void **state)
{
    (void)state;
    void *first = allocate(1000), *second = allocate(1000);
    assert_true(first != second);
    memset(first, 0xff, 1000);
    assert_int_equal(fb_mp_free(first), 0);
    assert_ptr_equal(allocate(1000), first); /* allocate checks that it is zeroed again */
    assert_int_equal(fb_mp_free(first), 0);
    assert_int_equal(fb_mp_free(second), 0);
    assert_int_equal(fb_mp_heap_used(), 0);
}

static void freeing_other_addresses_is_refused(void **state)
{
    (void)state;
    char private[128];
    char *memory = allocate(10 * FB_MP_CELL);
    assert_int_equal(fb_mp_free(private), -EINVAL);
    assert_int_equal(fb_mp_free(memory + 1), -EINVAL);
    for (int i = 1; i < 12; i++)
        assert_int_equal(fb_mp_free(memory + i * FB_MP_CELL), -EINVAL);
    assert_int_equal(fb_mp_free(memory - FB_MP_CELL), -EINVAL);
    assert_int_equal(fb_mp_free(memory), 0);
    assert_int_equal(fb_mp_free(memory), -EINVAL);
    assert_int_equal(fb_mp_free(NULL), 0);
    void *untouched = private;
    assert_int_equal(fb_mp_alloc(0, &untouched), -EINVAL);
    assert_int_equal(fb_mp_alloc(SIZE_MAX, &untouched), -ENOMEM);
    assert_int_equal(fb_mp_alloc((size_t)1 << 40, &untouched), -ENOMEM);
    assert_ptr_equal(untouched, private);
    assert_false(fb_mp_is_shared(private, 1));
}

/* ---- pointers ---- */

static void a_pointer_refers_to_its_block(void **state)
{
    (void)state;
    void **pointer = allocate(sizeof *pointer), *private = NULL;
    size_t used = fb_mp_heap_used();
    assert_int_equal(fb_mp_alloc_at(1000, pointer), 0);
    assert_int_equal((uintptr_t)*pointer % FB_MP_CELL, 0);
    assert_true(fb_mp_is_shared(*pointer, 1000));
    memset(*pointer, 0xff, 1000);
    assert_int_equal(fb_mp_heap_used(), used + 16 * FB_MP_CELL);
    assert_int_equal(fb_mp_alloc_at(1, &private), 0); /* a pointer outside the heap */
    assert_true(private != *pointer);
    assert_int_equal(fb_mp_free_at(&private), 0);
    assert_null(private);
    assert_int_equal(fb_mp_free_at(pointer), 0);
    assert_null(*pointer);
    assert_int_equal(fb_mp_free_at(pointer), 0); /* like free(NULL) */
    assert_int_equal(fb_mp_heap_used(), used);
    assert_int_equal(fb_mp_free(pointer), 0);
}

/* A block may contain the pointer to itself, like the first one of a list. */
static void a_pointer_may_be_inside_its_block(void **state)
{
    (void)state;
    for (size_t at = 0; at < 128 / sizeof(void *); at++) {
        void *memory;
        assert_int_equal(fb_mp_alloc_at(128, &memory), 0);
        void **pointer = (void **)memory + at;
        *pointer = memory;
        assert_int_equal(fb_mp_free_at(pointer), 0);
        assert_int_equal(fb_mp_heap_used(), 0);
        assert_int_equal(fb_mp_free(allocate(100000)), 0);
    }
}

static void a_refusal_leaves_the_pointer_unchanged(void **state)
{
    (void)state;
    char private[128];
    void **pointer = allocate(sizeof *pointer);
    char *memory = allocate(10 * FB_MP_CELL);
    *pointer = private;
    assert_int_equal(fb_mp_alloc_at(0, pointer), -EINVAL);
    assert_int_equal(fb_mp_alloc_at(SIZE_MAX, pointer), -ENOMEM);
    assert_int_equal(fb_mp_alloc_at((size_t)1 << 36, pointer), -ENOMEM);
    assert_int_equal(fb_mp_free_at(pointer), -EINVAL);
    assert_ptr_equal(*pointer, private);
    for (int i = 1; i < 10; i++) {
        *pointer = memory + i * FB_MP_CELL;
        assert_int_equal(fb_mp_free_at(pointer), -EINVAL);
        assert_ptr_equal(*pointer, memory + i * FB_MP_CELL);
    }
    *pointer = memory;
    assert_int_equal(fb_mp_free_at(pointer), 0);
    *pointer = memory;
    assert_int_equal(fb_mp_free_at(pointer), -EINVAL);
    assert_int_equal(fb_mp_free(pointer), 0);
    assert_int_equal(fb_mp_heap_used(), 0);
}

/* One process allocates, another one frees. */
static void a_pointer_can_be_freed_by_another_process(void **state)
{
    (void)state;
    void **pointer = allocate(sizeof *pointer);
    size_t used = fb_mp_heap_used();
    for (int i = 0; i < 2; i++) {
        int status;
        pid_t pid = fork();
        if (pid == 0)
            _exit(i == 0 ? fb_mp_alloc_at(5000, pointer) != 0 : fb_mp_free_at(pointer) != 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        assert_true(i == 0 ? fb_mp_heap_used() > used : fb_mp_heap_used() == used);
        assert_int_equal(*pointer != NULL, i == 0);
    }
    assert_int_equal(fb_mp_free(pointer), 0);
}

/* ---- */

/* Allocates and frees blocks of all sizes at random, each with its own pattern. */
static void blocks_do_not_overlap(void **state)
{
    (void)state;
    struct fb_random random = { 7 };
    unsigned char *block[BLOCKS] = { NULL };
    size_t size[BLOCKS] = { 0 };
    for (int step = 0; step < 40000; step++) {
        size_t i = fb_random_below(&random, BLOCKS);
        if (!block[i]) {
            size[i] = 1 + fb_random_below(&random, fb_random_below(&random, 20) ? 500 : 100000);
            block[i] = allocate(size[i]);
            memset(block[i], (int)(i % 255 + 1), size[i]);
            continue;
        }
        for (size_t at = 0; at < size[i]; at++)
            assert_int_equal(block[i][at], i % 255 + 1);
        assert_int_equal(fb_mp_free(block[i]), 0);
        block[i] = NULL;
    }
    for (size_t i = 0; i < BLOCKS; i++)
        assert_int_equal(fb_mp_free(block[i]), 0);
    assert_int_equal(fb_mp_heap_used(), 0);
    /* All free blocks have been joined, so that one block can have their size. */
    assert_int_equal(fb_mp_free(allocate(BLOCKS * 1000)), 0);
}

/* Allocates and frees until it is killed. */
static void churn(uint64_t seed)
{
    struct fb_random random = { seed };
    void *block[16] = { NULL };
    for (;;) {
        size_t i = fb_random_below(&random, 16);
        if (block[i]) {
            fb_mp_free(block[i]);
            block[i] = NULL;
        } else if (fb_mp_alloc(1 + fb_random_below(&random, 3000), &block[i]) == 0) {
            memset(block[i], 0xee, 64);
        }
    }
}

/* Processes are killed at random moments while they allocate or free; the others can use the heap. */
static void the_heap_survives_killed_processes(void **state)
{
    (void)state;
    struct fb_random random = { 11 };
    char *kept = allocate(5000);
    memset(kept, 'm', 5000);
    for (int death = 0; death < 200; death++) {
        pid_t pid = fork();
        if (pid == 0)
            churn((uint64_t)death);
        assert_true(pid > 0);
        for (size_t spin = fb_random_below(&random, 300); spin > 0; spin--) {
            void *memory = allocate(1 + fb_random_below(&random, 2000));
            assert_int_equal(fb_mp_free(memory), 0);
        }
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        void *memory = allocate(3000);
        assert_int_equal(fb_mp_free(memory), 0);
    }
    for (int i = 0; i < 5000; i++)
        assert_int_equal(kept[i], 'm');
    assert_int_equal(fb_mp_free(kept), 0);
}

/* The kernel would reserve it, and then kill other processes. */
static void more_than_the_available_memory_is_refused(void **state)
{
    (void)state;
    void *memory = NULL;
    size_t used = fb_mp_heap_used(), bytes = 0;
    char line[128];
    FILE *file = fopen("/proc/meminfo", "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) && sscanf(line, "MemTotal: %zu", &bytes) != 1)
        ;
    fclose(file);
    assert_int_equal(fb_mp_alloc(bytes * 1024, &memory), -ENOMEM);
    assert_null(memory);
    assert_int_equal(fb_mp_heap_used(), used);
}

int main(void)
{
    fb_mp_heap_make(); /* its descriptor stays open as long as the program runs */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_than_the_available_memory_is_refused),
        cmocka_unit_test(freed_memory_is_allocated_again),
        cmocka_unit_test(freeing_other_addresses_is_refused),
        cmocka_unit_test(a_pointer_refers_to_its_block),
        cmocka_unit_test(a_pointer_may_be_inside_its_block),
        cmocka_unit_test(a_refusal_leaves_the_pointer_unchanged),
        cmocka_unit_test(a_pointer_can_be_freed_by_another_process),
        cmocka_unit_test(blocks_do_not_overlap),
        cmocka_unit_test(the_heap_survives_killed_processes),
    };
    return RUN_TESTS(tests);
}
