/* harness/mp/sync/barrier.c, value.c: between processes, also when some die. */
#include "tests/support/support.h"

#include "tests/support/fork_child.h"

#include "harness/mp/sync/barrier.h"
#include "harness/mp/core/heap.h"
#include "harness/mp/sync/value.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#define SOON (30 * FB_MP_MILLISECOND)

/* A timeout must not be reported before its time. */
static void assert_timed_out(int result, int64_t start)
{
    assert_int_equal(result, -ETIMEDOUT);
    assert_true(fb_mp_now() - start >= SOON);
}

/* ---- barrier ---- */

#define PARTIES 5
#define ROUNDS 200

struct shared {
    struct fb_mp_barrier *barrier;
    _Atomic uint32_t count[PARTIES]; /* how often a party got that index */
};

static int meet(void *context)
{
    struct shared *shared = context;
    unsigned index;
    for (int i = 0; i < ROUNDS; i++) {
        int result = fb_mp_barrier_wait(shared->barrier, LIMIT_NS, &index);
        if (result < 0)
            return 100 - result % 100;
        atomic_fetch_add(&shared->count[index], 1);
    }
    return 0;
}

static struct shared *make_shared(unsigned parties)
{
    void *memory;
    assert_int_equal(fb_mp_alloc(sizeof(struct shared), &memory), 0);
    struct shared *shared = memory;
    assert_int_equal(fb_mp_barrier_make(parties, &shared->barrier), 0);
    return shared;
}

static void free_shared(struct shared *shared)
{
    fb_mp_barrier_free(shared->barrier);
    assert_int_equal(fb_mp_free(shared), 0);
    assert_int_equal(fb_mp_heap_used(), 0);
}

static void the_index_may_be_null(void **state)
{
    (void)state;
    struct fb_mp_barrier *barrier;
    assert_int_equal(fb_mp_barrier_make(1, &barrier), 0);
    assert_int_equal(fb_mp_barrier_wait(barrier, LIMIT_NS, NULL), 0);
    fb_mp_barrier_free(barrier);
}

/* Each time, every party gets a different index. */
static void barriers_open_when_all_have_arrived(void **state)
{
    (void)state;
    struct fb_mp_barrier *none;
    struct shared *shared = make_shared(PARTIES);
    unsigned index = 77;
    pid_t pid[PARTIES];
    assert_int_equal(fb_mp_barrier_make(0, &none), -EINVAL);
    for (int i = 0; i < PARTIES; i++)
        pid[i] = forked_run(meet, shared);
    for (int i = 0; i < PARTIES; i++)
        assert_int_equal(forked_end(pid[i]), 0);
    for (int i = 0; i < PARTIES; i++)
        assert_int_equal(shared->count[i], ROUNDS);
    assert_false(fb_mp_barrier_is_broken(shared->barrier));
    assert_int_equal(fb_mp_barrier_waiting(shared->barrier), 0);
    int64_t begin = fb_mp_now();
    fb_mp_barrier_reset(shared->barrier);
    assert_timed_out(fb_mp_barrier_wait(shared->barrier, SOON, &index), begin);
    assert_true(fb_mp_barrier_is_broken(shared->barrier));
    assert_int_equal(fb_mp_barrier_wait(shared->barrier, LIMIT_NS, &index), -ECANCELED);
    assert_int_equal(index, 77);
    free_shared(shared);
}

static int meet_and_die(void *context)
{
    struct shared *shared = context;
    unsigned index;
    if (fb_mp_barrier_wait(shared->barrier, LIMIT_NS, &index) == 0)
        kill(getpid(), SIGKILL);
    return 1;
}

/* A process dies after it has used the barrier; the others wait for it again and get -ECANCELED. */
static void barriers_do_not_wait_for_dead_processes(void **state)
{
    (void)state;
    struct shared *shared = make_shared(3);
    pid_t pid[3];
    pid[0] = forked_run(meet_and_die, shared);
    for (int i = 1; i < 3; i++)
        pid[i] = forked_run(meet, shared);
    assert_int_equal(forked_end(pid[0]), -SIGKILL);
    for (int i = 1; i < 3; i++)
        assert_int_equal(forked_end(pid[i]), 100 + ECANCELED % 100);
    assert_true(fb_mp_barrier_is_broken(shared->barrier));
    free_shared(shared);
}

/* ---- arrays ---- */

static int add_one(void *context)
{
    struct fb_mp_array *array = context;
    for (size_t i = 0; i < array->count; i++) {
        fb_mp_lock_acquire(array->lock, LIMIT_NS);
        FB_MP_ITEM(array, int, i)++;
        fb_mp_lock_release(array->lock);
    }
    return 0;
}

/* W15: four processes increment all items. */
static void arrays_are_shared(void **state)
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
        cmocka_unit_test(barriers_open_when_all_have_arrived),
        cmocka_unit_test(the_index_may_be_null),
        cmocka_unit_test(barriers_do_not_wait_for_dead_processes),
        cmocka_unit_test(arrays_are_shared),
    };
    return RUN_TESTS(tests);
}
