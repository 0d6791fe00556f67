/* harness/mp/heap.c: memory that is given out, given back, joined, and whole after a death. */
#include "support.h"

#include "bench/random.h"
#include "harness/mp/heap.h"

#include <errno.h>
#include <signal.h>
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

int main(void)
{
    fb_mp_heap_make(); /* its descriptor stays open as long as the program runs */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_given_back_is_given_out_again),
        cmocka_unit_test(what_is_not_taken_is_refused),
        cmocka_unit_test(nothing_overlaps),
        cmocka_unit_test(deaths_leave_it_whole),
    };
    return RUN_TESTS(tests);
}
