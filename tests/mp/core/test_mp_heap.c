/* harness/mp/core/heap.c: memory that is given out, given back, joined, and whole after a death. */
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

static void *take(size_t size)
{
    void *memory = NULL;
    assert_int_equal(fb_mp_alloc(size, &memory), 0);
    assert_int_equal((uintptr_t)memory % FB_MP_CELL, 0);
    assert_true(fb_mp_is_shared(memory, size));
    assert_true(is_zero(memory, size));
    return memory;
}

static void what_is_given_back_is_given_out_again(void **state)
{
    (void)state;
    void *first = take(1000), *second = take(1000);
    assert_true(first != second);
    memset(first, 0xff, 1000);
    assert_int_equal(fb_mp_free(first), 0);
    assert_ptr_equal(take(1000), first); /* zeroed again, which take looks at */
    assert_int_equal(fb_mp_free(first), 0);
    assert_int_equal(fb_mp_free(second), 0);
    assert_int_equal(fb_mp_heap_used(), 0);
}

static void what_is_not_taken_is_refused(void **state)
{
    (void)state;
    char private[128];
    char *memory = take(10 * FB_MP_CELL);
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

/* ---- places ---- */

static void a_place_names_what_is_taken(void **state)
{
    (void)state;
    void **place = take(sizeof *place), *private = NULL;
    size_t used = fb_mp_heap_used();
    assert_int_equal(fb_mp_alloc_at(1000, place), 0);
    assert_int_equal((uintptr_t)*place % FB_MP_CELL, 0);
    assert_true(fb_mp_is_shared(*place, 1000));
    memset(*place, 0xff, 1000);
    assert_int_equal(fb_mp_heap_used(), used + 16 * FB_MP_CELL);
    assert_int_equal(fb_mp_alloc_at(1, &private), 0); /* a place may be anywhere */
    assert_true(private != *place);
    assert_int_equal(fb_mp_free_at(&private), 0);
    assert_null(private);
    assert_int_equal(fb_mp_free_at(place), 0);
    assert_null(*place);
    assert_int_equal(fb_mp_free_at(place), 0); /* as free(NULL) */
    assert_int_equal(fb_mp_heap_used(), used);
    assert_int_equal(fb_mp_free(place), 0);
}

/* A block may hold the place of its own, as the first of a list does. */
static void a_place_may_be_in_its_block(void **state)
{
    (void)state;
    for (size_t at = 0; at < 128 / sizeof(void *); at++) {
        void *memory;
        assert_int_equal(fb_mp_alloc_at(128, &memory), 0);
        void **place = (void **)memory + at;
        *place = memory;
        assert_int_equal(fb_mp_free_at(place), 0);
        assert_int_equal(fb_mp_heap_used(), 0);
        assert_int_equal(fb_mp_free(take(100000)), 0);
    }
}

static void a_refusal_leaves_the_place_alone(void **state)
{
    (void)state;
    char private[128];
    void **place = take(sizeof *place);
    char *memory = take(10 * FB_MP_CELL);
    *place = private;
    assert_int_equal(fb_mp_alloc_at(0, place), -EINVAL);
    assert_int_equal(fb_mp_alloc_at(SIZE_MAX, place), -ENOMEM);
    assert_int_equal(fb_mp_alloc_at((size_t)1 << 36, place), -ENOMEM);
    assert_int_equal(fb_mp_free_at(place), -EINVAL);
    assert_ptr_equal(*place, private);
    for (int i = 1; i < 10; i++) {
        *place = memory + i * FB_MP_CELL;
        assert_int_equal(fb_mp_free_at(place), -EINVAL);
        assert_ptr_equal(*place, memory + i * FB_MP_CELL);
    }
    *place = memory;
    assert_int_equal(fb_mp_free_at(place), 0);
    *place = memory;
    assert_int_equal(fb_mp_free_at(place), -EINVAL);
    assert_int_equal(fb_mp_free(place), 0);
    assert_int_equal(fb_mp_heap_used(), 0);
}

/* What one process takes at a place another one may give back there. */
static void a_place_is_everybodys(void **state)
{
    (void)state;
    void **place = take(sizeof *place);
    size_t used = fb_mp_heap_used();
    for (int i = 0; i < 2; i++) {
        int status;
        pid_t pid = fork();
        if (pid == 0)
            _exit(i == 0 ? fb_mp_alloc_at(5000, place) != 0 : fb_mp_free_at(place) != 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        assert_true(i == 0 ? fb_mp_heap_used() > used : fb_mp_heap_used() == used);
        assert_int_equal(*place != NULL, i == 0);
    }
    assert_int_equal(fb_mp_free(place), 0);
}

/* ---- */

/* Blocks of all sizes, in and out at random, each with a pattern of its own. */
static void nothing_overlaps(void **state)
{
    (void)state;
    struct fb_random random = { 7 };
    unsigned char *block[BLOCKS] = { NULL };
    size_t size[BLOCKS] = { 0 };
    for (int step = 0; step < 40000; step++) {
        size_t i = fb_random_below(&random, BLOCKS);
        if (!block[i]) {
            size[i] = 1 + fb_random_below(&random, fb_random_below(&random, 20) ? 500 : 100000);
            block[i] = take(size[i]);
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
    /* All of it has been joined: what was given out by now fits into one block. */
    assert_int_equal(fb_mp_free(take(BLOCKS * 1000)), 0);
}

/* Takes and gives back until it is killed. */
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

/* A process dies at any moment of taking or giving back; the others find the heap whole. */
static void deaths_leave_it_whole(void **state)
{
    (void)state;
    struct fb_random random = { 11 };
    char *mine = take(5000);
    memset(mine, 'm', 5000);
    for (int death = 0; death < 200; death++) {
        pid_t pid = fork();
        if (pid == 0)
            churn((uint64_t)death);
        assert_true(pid > 0);
        for (size_t spin = fb_random_below(&random, 300); spin > 0; spin--) {
            void *memory = take(1 + fb_random_below(&random, 2000));
            assert_int_equal(fb_mp_free(memory), 0);
        }
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        void *memory = take(3000);
        assert_int_equal(fb_mp_free(memory), 0);
    }
    for (int i = 0; i < 5000; i++)
        assert_int_equal(mine[i], 'm');
    assert_int_equal(fb_mp_free(mine), 0);
}

/* What the kernel would reserve, and kill others for. */
static void more_than_there_is_is_refused(void **state)
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
        cmocka_unit_test(more_than_there_is_is_refused),
        cmocka_unit_test(what_is_given_back_is_given_out_again),
        cmocka_unit_test(what_is_not_taken_is_refused),
        cmocka_unit_test(a_place_names_what_is_taken),
        cmocka_unit_test(a_place_may_be_in_its_block),
        cmocka_unit_test(a_refusal_leaves_the_place_alone),
        cmocka_unit_test(a_place_is_everybodys),
        cmocka_unit_test(nothing_overlaps),
        cmocka_unit_test(deaths_leave_it_whole),
    };
    return RUN_TESTS(tests);
}
