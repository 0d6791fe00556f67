/* harness/mp/sync/barrier.c, value.c: between processes, also when they die. */
#include "tests/support/support.h"

#include "tests/support/fork_child.h"

#include "harness/mp/sync/barrier.h"
#include "harness/mp/core/heap.h"
#include "harness/mp/sync/value.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#define LIMIT (LIMIT_MS * FB_MP_MILLISECOND)
#define SOON (30 * FB_MP_MILLISECOND)

/* A wait that has to last as long as it was asked for. */
static void check_waits(int result, int64_t start)
{
    assert_int_equal(result, -ETIMEDOUT);
    assert_true(fb_mp_now() - start >= SOON);
}

/* ---- barrier ---- */

#define PARTIES 5
#define MEETINGS 200

struct hall {
    struct fb_mp_barrier *barrier;
    _Atomic uint32_t came[PARTIES]; /* how often somebody got that index */
};

static int meet(void *context)
{
    struct hall *hall = context;
    unsigned index;
    for (int i = 0; i < MEETINGS; i++) {
        int result = fb_mp_barrier_wait(hall->barrier, LIMIT, &index);
        if (result < 0)
            return 100 - result % 100;
        atomic_fetch_add(&hall->came[index], 1);
    }
    return 0;
}

static struct hall *open_hall(unsigned parties)
{
    void *memory;
    assert_int_equal(fb_mp_alloc(sizeof(struct hall), &memory), 0);
    struct hall *hall = memory;
    assert_int_equal(fb_mp_barrier_make(parties, &hall->barrier), 0);
    return hall;
}

static void close_hall(struct hall *hall)
{
    fb_mp_barrier_free(hall->barrier);
    assert_int_equal(fb_mp_free(hall), 0);
    assert_int_equal(fb_mp_heap_used(), 0);
}

/* Who does not ask for an index gets none. */
static void an_index_need_not_be_asked_for(void **state)
{
    (void)state;
    struct fb_mp_barrier *barrier;
    assert_int_equal(fb_mp_barrier_make(1, &barrier), 0);
    assert_int_equal(fb_mp_barrier_wait(barrier, LIMIT, NULL), 0);
    fb_mp_barrier_free(barrier);
}

/* Each time every party gets an index of its own. */
static void barriers_open_when_all_came(void **state)
{
    (void)state;
    struct fb_mp_barrier *none;
    struct hall *hall = open_hall(PARTIES);
    unsigned index = 77;
    pid_t pid[PARTIES];
    assert_int_equal(fb_mp_barrier_make(0, &none), -EINVAL);
    for (int i = 0; i < PARTIES; i++)
        pid[i] = forked_run(meet, hall);
    for (int i = 0; i < PARTIES; i++)
        assert_int_equal(forked_end(pid[i]), 0);
    for (int i = 0; i < PARTIES; i++)
        assert_int_equal(hall->came[i], MEETINGS);
    assert_false(fb_mp_barrier_is_broken(hall->barrier));
    assert_int_equal(fb_mp_barrier_waiting(hall->barrier), 0);
    int64_t begin = fb_mp_now();
    fb_mp_barrier_reset(hall->barrier);
    check_waits(fb_mp_barrier_wait(hall->barrier, SOON, &index), begin);
    assert_true(fb_mp_barrier_is_broken(hall->barrier));
    assert_int_equal(fb_mp_barrier_wait(hall->barrier, LIMIT, &index), -ECANCELED);
    assert_int_equal(index, 77);
    close_hall(hall);
}

static int meet_and_die(void *context)
{
    struct hall *hall = context;
    unsigned index;
    if (fb_mp_barrier_wait(hall->barrier, LIMIT, &index) == 0)
        kill(getpid(), SIGKILL);
    return 1;
}

/* One that came once dies; the others, who wait for it again, are told. */
static void barriers_do_not_wait_for_the_dead(void **state)
{
    (void)state;
    struct hall *hall = open_hall(3);
    pid_t pid[3];
    pid[0] = forked_run(meet_and_die, hall);
    for (int i = 1; i < 3; i++)
        pid[i] = forked_run(meet, hall);
    assert_int_equal(forked_end(pid[0]), -SIGKILL);
    for (int i = 1; i < 3; i++)
        assert_int_equal(forked_end(pid[i]), 100 + ECANCELED % 100);
    assert_true(fb_mp_barrier_is_broken(hall->barrier));
    close_hall(hall);
}

/* ---- arrays ---- */

static int add_one(void *context)
{
    struct fb_mp_array *array = context;
    for (size_t i = 0; i < array->count; i++) {
        fb_mp_lock_acquire(array->lock, LIMIT);
        FB_MP_ITEM(array, int, i)++;
        fb_mp_lock_release(array->lock);
    }
    return 0;
}

/* W15's array. */
static void arrays(void **state)
{
    (void)state;
    struct fb_mp_array *array, *text;
    pid_t pid[4];
    assert_int_equal(FB_MP_ARRAY(int, 4, true, &array), 0);
    for (int i = 0; i < 4; i++)
        FB_MP_ITEM(array, int, i) = i;
    for (int i = 0; i < 4; i++)
        pid[i] = forked_run(add_one, array);
    for (int i = 0; i < 4; i++)
        assert_int_equal(forked_end(pid[i]), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(FB_MP_ITEM(array, int, i), i + 4);
    assert_int_equal(fb_mp_array_set_text(array, "no"), -EINVAL);
    assert_int_equal(FB_MP_ARRAY(char, 6, false, &text), 0);
    assert_int_equal(fb_mp_array_set_text(text, "a long text"), 0);
    assert_string_equal(text->items, "a lon");
    assert_int_equal(fb_mp_array_set_text(text, "b"), 0);
    assert_memory_equal(text->items, "b\0\0\0\0", 6);
    assert_int_equal(fb_mp_array_make(0, 4, true, &array), -EINVAL);
    assert_int_equal(fb_mp_array_make(4, 0, true, &array), -EINVAL);
    assert_int_equal(fb_mp_array_make(SIZE_MAX / 2, 4, true, &array), -EOVERFLOW);
    fb_mp_array_free(array);
    fb_mp_array_free(text);
    assert_int_equal(fb_mp_heap_used(), 0);
}

int main(void)
{
    fb_mp_heap_make(); /* its descriptor stays open as long as the program runs */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(barriers_open_when_all_came),
        cmocka_unit_test(an_index_need_not_be_asked_for),
        cmocka_unit_test(barriers_do_not_wait_for_the_dead),
        cmocka_unit_test(arrays),
    };
    return RUN_TESTS(tests);
}
