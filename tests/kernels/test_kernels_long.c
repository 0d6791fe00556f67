/* Known answers that take seconds. */
#include "tests/support/support.h"

static void primes_below_ten_million(void **state)
{
    (void)state;
    struct fb_arena *arena;
    struct task task;
    char text[64];
    struct fb_error error = { 0 };
    assert_int_equal(fb_arena_open(&arena), 0);
    task_open(&task, arena, kernel_named("primes"),
              (const char *const[]){ "hi=10000000", "ranges=64", NULL });
    task_run_single(&task, arena);
    if (task_check(&task, &error) != 0)
        fail_msg("%s", error.text);
    task.kernel->answer(task.input, task.job.results, text, sizeof text);
    assert_string_equal(text, "664579 primes");
    task_close(&task);
    fb_arena_close(arena);
}

/* Large prime factors: each of these numbers is tried up to itself, or to its square root. */
static void divisors_of_a_large_prime(void **state)
{
    (void)state;
    struct fb_arena *arena;
    struct task task;
    char text[64];
    assert_int_equal(fb_arena_open(&arena), 0);
    task_open(&task, arena, kernel_named("divisors"),
              (const char *const[]){ "first=1000000007", "count=1", NULL });
    task_run_single(&task, arena);
    assert_int_equal(task_check(&task, NULL), 0);
    task.kernel->answer(task.input, task.job.results, text, sizeof text);
    assert_string_equal(text, "divisors: 2");
    task_close(&task);
    fb_arena_close(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(primes_below_ten_million),
        cmocka_unit_test(divisors_of_a_large_prime),
    };
    return RUN_TESTS(tests);
}
