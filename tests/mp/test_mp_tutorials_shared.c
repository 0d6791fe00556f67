/* harness/mp: the tutorials' examples of shared objects, and of memory that isn't shared (W13 to
 * W15, M13), with their known answers. */
#include "tests/support/support.h"

#include "tests/mp/process_fixture.h"
#include "tests/mp/tutorial_fixture.h"

#include "harness/mp/channel/connection.h"
#include "harness/mp/core/heap.h"
#include "harness/mp/sync/value.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct tutorial_page {
    struct fb_mp_array *number, *array;
    struct fb_mp_lock *lock;
    _Atomic uint32_t inside, broken;
    uint64_t memory[4]; /* KiB: private dirty, and shared, before and after */
    struct fb_mp_connection_packed packed;
};

static size_t used;

static void make_page(void)
{
    void *memory;
    used = fb_mp_heap_used();
    assert_int_equal(fb_mp_alloc(sizeof *tutorial_page, &memory), 0);
    tutorial_page = memory;
}

static void free_page(void)
{
    fb_mp_free(tutorial_page);
    assert_int_equal(fb_mp_heap_used(), used);
}

/* ---- W13; test_mp_connection.c has more for forked processes ---- */

static int echo(const void *argument, size_t size)
{
    struct fb_mp_connection *end;
    char text[64];
    tutorials_begin(argument);
    const int fd[FB_MP_CONNECTION_FDS] = { fb_mp_descriptor(0), fb_mp_descriptor(1) };
    if (fb_mp_connection_unpack(&tutorial_page->packed, fd, &end) < 0)
        return 1;
    while (fb_mp_receive(end, text, sizeof text, LIMIT_NS, &size) == 0) {
        if (size == 4 && memcmp(text, "QUIT", 4) == 0) {
            fb_mp_connection_close(end);
            return 0;
        }
        if (fb_mp_send(end, text, size) < 0)
            break;
    }
    return 2;
}

static void an_echo_answers_in_order(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++) {
        struct fb_mp_connection *left, *right;
        int fd[FB_MP_CONNECTION_FDS];
        make_page();
        assert_int_equal(fb_mp_pipe(true, &left, &right), 0);
        fb_mp_connection_pack(right, &tutorial_page->packed, fd);
        const struct tutorial_argument echo_argument = { .tutorial_page = tutorial_page };
        struct fb_mp_process *process =
            started((struct fb_mp_process_options){ .run = echo,
                                                    .argument = &echo_argument,
                                                    .size = sizeof echo_argument,
                                                    .fd = fd,
                                                    .fds = FB_MP_CONNECTION_FDS,
                                                    .method = methods[m] });
        for (uint32_t i = 0; i < 1000; i++) {
            uint32_t answer = ~i;
            size_t size = 0;
            assert_int_equal(fb_mp_send(left, &i, sizeof i), 0);
            assert_int_equal(fb_mp_receive(left, &answer, sizeof answer, LIMIT_NS, &size), 0);
            assert_true(size == sizeof i && answer == i);
        }
        assert_int_equal(fb_mp_send(left, "QUIT", 4), 0);
        assert_int_equal(ended(process), 0);
        fb_mp_connection_close(left);
        fb_mp_connection_close(right);
        free_page();
    }
}

/* ---- W14 and W15; test_mp_sync.c and test_mp_barrier.c have parts for forked processes ---- */

static void acquire(struct fb_mp_lock *lock)
{
    if (lock && fb_mp_lock_acquire(lock, LIMIT_NS) != 0)
        exit(10);
}

static void release(struct fb_mp_lock *lock)
{
    if (lock && fb_mp_lock_release(lock) != 0)
        exit(11);
}

static int increment(const void *argument, size_t size)
{
    (void)size;
    tutorials_begin(argument);
    volatile int *number = tutorial_page->number->items;
    for (int i = 0; i < 10000; i++) {
        acquire(tutorial_page->number->lock);
        *number = *number + 1;
        release(tutorial_page->number->lock);
    }
    return 0;
}

static int increment_all(const void *argument, size_t size)
{
    (void)size;
    tutorials_begin(argument);
    acquire(tutorial_page->number->lock);
    FB_MP_ITEM(tutorial_page->number, int, 0)++;
    release(tutorial_page->number->lock);
    for (size_t i = 0; i < tutorial_page->array->count; i++) {
        acquire(tutorial_page->array->lock);
        FB_MP_ITEM(tutorial_page->array, int, i)++;
        release(tutorial_page->array->lock);
    }
    for (int i = 0; i < 200; i++) {
        acquire(tutorial_page->lock);
        if (atomic_fetch_add(&tutorial_page->inside, 1) != 0)
            atomic_store(&tutorial_page->broken, 1);
        sched_yield(); /* without the lock, others would enter now */
        atomic_fetch_sub(&tutorial_page->inside, 1);
        release(tutorial_page->lock);
    }
    return 0;
}

static void a_counter_needs_its_lock(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++)
        for (int locked = 0; locked < 2; locked++) {
            make_page();
            assert_int_equal(FB_MP_VALUE(int, locked, &tutorial_page->number), 0);
            tutorials_run(increment, methods[m], 4);
            int number = FB_MP_ITEM(tutorial_page->number, int, 0);
            /* Without the lock, the number of lost increments depends on the machine. */
            assert_true(locked ? number == 40000 : number > 0 && number <= 40000);
            fb_mp_array_free(tutorial_page->number);
            free_page();
        }
}

static void workers_share_a_number_an_array_and_a_lock(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++) {
        make_page();
        assert_int_equal(FB_MP_VALUE(int, true, &tutorial_page->number), 0);
        assert_int_equal(FB_MP_ARRAY(int, 4, true, &tutorial_page->array), 0);
        assert_int_equal(fb_mp_lock_make(false, &tutorial_page->lock), 0);
        for (int i = 0; i < 4; i++)
            FB_MP_ITEM(tutorial_page->array, int, i) = i;
        tutorials_run(increment_all, methods[m], 4);
        assert_int_equal(FB_MP_ITEM(tutorial_page->number, int, 0), 4);
        for (int i = 0; i < 4; i++)
            assert_int_equal(FB_MP_ITEM(tutorial_page->array, int, i), i + 4);
        assert_int_equal(tutorial_page->broken, 0);
        fb_mp_array_free(tutorial_page->number);
        fb_mp_array_free(tutorial_page->array);
        fb_mp_lock_free(tutorial_page->lock);
        free_page();
    }
}

/* ---- M13 ---- */

#define INHERITED ((size_t)16 << 20)
#define MOST_OF_IT (INHERITED / 1024 * 15 / 16) /* KiB */

static int global = 1;
static char *inherited;

static int change_global(const void *argument, size_t size)
{
    (void)argument, (void)size;
    int found = global;
    global = 3;
    return found;
}

/* This process's private dirty and its shared memory, in KiB. False if the kernel doesn't report
 * it. */
static bool read_memory(uint64_t ret_kib[2])
{
    char line[256];
    FILE *file = fopen("/proc/self/smaps_rollup", "re");
    ret_kib[0] = ret_kib[1] = 0;
    while (file && fgets(line, sizeof line, file)) {
        unsigned long long value = 0;
        if (sscanf(line, "Private_Dirty: %llu", &value) == 1)
            ret_kib[0] += value;
        else if (sscanf(line, "Shared_Clean: %llu", &value) == 1 ||
                 sscanf(line, "Shared_Dirty: %llu", &value) == 1)
            ret_kib[1] += value;
    }
    if (file)
        fclose(file);
    return file && ret_kib[0] + ret_kib[1] > 0;
}

static int write_to_inherited(const void *argument, size_t size)
{
    (void)size;
    tutorials_begin(argument);
    if (!read_memory(&tutorial_page->memory[0]))
        return EXIT_SKIP;
    memset(inherited, 2, INHERITED);
    return read_memory(&tutorial_page->memory[2]) ? 0 : EXIT_SKIP;
}

static void each_process_has_its_own_global(void **state)
{
    (void)state;
    global = 2;
    assert_int_equal(ended(started((struct fb_mp_process_options){ .run = change_global })), 2);
    assert_int_equal(global, 2);
    assert_int_equal(ended(started((struct fb_mp_process_options){ .run = change_global,
                                                                   .method = FB_MP_SPAWN })),
                     1);
    assert_int_equal(global, 2);
}

static void inherited_memory_is_copied_on_write(void **state)
{
    (void)state;
    make_page();
    inherited = mmap(NULL, INHERITED, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(inherited, MAP_FAILED);
    memset(inherited, 1, INHERITED);
    int code = ended(tutorials_start(write_to_inherited, FB_MP_FORK, 0));
    const uint64_t *kib = tutorial_page->memory;
    bool kept = inherited[0] == 1 && inherited[INHERITED - 1] == 1;
    print_message("private %llu KiB, shared %llu KiB; after writing %llu and %llu\n",
                  (unsigned long long)kib[0], (unsigned long long)kib[1],
                  (unsigned long long)kib[2], (unsigned long long)kib[3]);
    if (code == 0) {
        assert_true(kib[1] >= MOST_OF_IT);
        assert_true(kib[2] >= kib[0] + MOST_OF_IT && kib[1] >= kib[3] + MOST_OF_IT);
    }
    munmap(inherited, INHERITED);
    free_page();
    assert_true(kept);
    if (code == EXIT_SKIP)
        skip();
    assert_int_equal(code, 0);
}

static const struct fb_mp_task tasks[] = {
    FB_MP_RUN(echo), FB_MP_RUN(increment), FB_MP_RUN(increment_all), FB_MP_RUN(change_global),
    { 0 },
};

int main(int argc, char **argv)
{
    fb_mp_main(argc, argv, tasks);
    fb_mp_heap_make(); /* its descriptor stays open as long as the program runs */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_echo_answers_in_order),
        cmocka_unit_test(a_counter_needs_its_lock),
        cmocka_unit_test(workers_share_a_number_an_array_and_a_lock),
        cmocka_unit_test(each_process_has_its_own_global),
        cmocka_unit_test(inherited_memory_is_copied_on_write),
    };
    return RUN_TESTS(tests);
}
