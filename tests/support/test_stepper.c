/* tests/support/stepper.c: it kills a victim at each of its instructions, in order, and once asleep.
 */
#include "tests/support/stepper.h"
#include "tests/support/support.h"

#include "harness/mp/core/heap.h"

#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ROUNDS 20u
#define BYTES 100u

struct scene {
    _Atomic uint32_t *count; /* how far a victim has come */
    char *bytes;
    unsigned seen;    /* count after the last death */
    unsigned victims; /* so far */
    unsigned finished;
};

static void clear(struct scene *scene)
{
    atomic_store(scene->count, 0);
    memset(scene->bytes, 0, BYTES);
}

static void count_up(struct scene *scene)
{
    for (unsigned i = 0; i < ROUNDS; i++)
        atomic_fetch_add(scene->count, 1);
}

/* Each victim is killed in the same round as the one before it, or in the next one. */
static const char *check_count(struct scene *scene, bool finished)
{
    unsigned count = atomic_load(scene->count), victim = scene->victims++;
    scene->finished += finished;
    if (finished)
        return count == ROUNDS ? NULL : "it has finished too early";
    if (victim > 0 && count != scene->seen && count != scene->seen + 1)
        return "an instruction is left out";
    scene->seen = count;
    return NULL;
}

static void make(struct scene *scene)
{
    void *memory;
    *scene = (struct scene){ 0 };
    assert_int_equal(fb_mp_alloc(sizeof *scene->count, &memory), 0);
    scene->count = memory;
    assert_int_equal(fb_mp_alloc(BYTES, &memory), 0);
    scene->bytes = memory;
}

static void discard(struct scene *scene)
{
    fb_mp_free((void *)scene->count);
    fb_mp_free(scene->bytes);
}

static void every_round_of_a_loop_is_seen(void **state)
{
    const struct operation operation = {
        .name = "a loop", .begin = clear, .run = count_up, .check = check_count
    };
    struct scene scene;
    (void)state;
    make(&scene);
    stepper_kill_everywhere(&operation, &scene);
    assert_int_equal(scene.seen, ROUNDS);
    assert_true(scene.victims > 2 * ROUNDS);
    discard(&scene);
}

#if defined __x86_64__

/* A single instruction, which stops once for each byte when it is stepped. */
static void fill(struct scene *scene)
{
    char *bytes = scene->bytes;
    size_t left = BYTES;
    __asm__ volatile("rep stosb" : "+D"(bytes), "+c"(left) : "a"(1) : "memory");
}

static const char *check_bytes(struct scene *scene, bool finished)
{
    unsigned filled = 0;
    while (filled < BYTES && scene->bytes[filled])
        filled++;
    if (finished)
        return filled == BYTES ? NULL : "it has finished too early";
    if (scene->victims++ > 0 && filled != scene->seen && filled != scene->seen + 1)
        return "a byte is left out";
    scene->seen = filled;
    return NULL;
}

static void every_byte_of_a_repeated_instruction_is_seen(void **state)
{
    const struct operation operation = {
        .name = "a repeated instruction", .begin = clear, .run = fill, .check = check_bytes
    };
    struct scene scene;
    (void)state;
    make(&scene);
    stepper_kill_everywhere(&operation, &scene);
    assert_int_equal(scene.seen, BYTES);
    discard(&scene);
}

#endif

/* Its path depends on how many victims there have been, so that a trace is of no use. */
static void wander(struct scene *scene)
{
    for (unsigned i = 0; i < 5 - scene->victims % 3; i++)
        atomic_fetch_add(scene->count, 1);
}

static const char *check_wandering(struct scene *scene, bool finished)
{
    unsigned rounds = 5 - scene->victims++ % 3;
    scene->finished += finished;
    return finished && atomic_load(scene->count) != rounds ? "it has finished too early" : NULL;
}

static void a_victim_off_the_trace_is_checked_too(void **state)
{
    const struct operation operation = {
        .name = "a changing loop", .begin = clear, .run = wander, .check = check_wandering
    };
    struct scene scene;
    (void)state;
    make(&scene);
    stepper_kill_everywhere(&operation, &scene);
    assert_true(scene.finished > 0);
    discard(&scene);
}

/* ---- sleeping ---- */

static void sleep_once(struct scene *scene)
{
    while (atomic_load(scene->count) == 0)
        syscall(SYS_futex, scene->count, FUTEX_WAIT, 0, NULL, NULL, 0);
}

static void wake(struct scene *scene)
{
    atomic_store(scene->count, 1);
    syscall(SYS_futex, scene->count, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static const char *check_sleep(struct scene *scene, bool finished)
{
    if (finished && atomic_load(scene->count) == 0)
        return "it has not slept";
    scene->finished += finished;
    scene->seen = atomic_load(scene->count);
    return NULL;
}

static void a_sleeping_victim_is_woken_and_the_last_one_killed_asleep(void **state)
{
    const struct operation operation = {
        .name = "a sleep", .begin = clear, .run = sleep_once, .asleep = wake, .check = check_sleep
    };
    struct scene scene;
    (void)state;
    make(&scene);
    stepper_kill_everywhere(&operation, &scene);
    assert_true(scene.finished > 0);
    assert_int_equal(scene.seen, 0);
    discard(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_round_of_a_loop_is_seen),
#if defined __x86_64__
        cmocka_unit_test(every_byte_of_a_repeated_instruction_is_seen),
#endif
        cmocka_unit_test(a_victim_off_the_trace_is_checked_too),
        cmocka_unit_test(a_sleeping_victim_is_woken_and_the_last_one_killed_asleep),
    };
    if (!stepper_set_up())
        return EXIT_SKIP;
    fb_mp_heap_make(); /* its descriptor stays open as long as the program runs */
    return RUN_TESTS(tests);
}
