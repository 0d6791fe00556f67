/* Each kernel gives known answers under `single`, and its check notices wrong results. */
#include "tests/support/support.h"

#include "kernels/numbers/numbers.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void open_and_run(struct task *task, const char *kernel, const char *const *assignments)
{
    task_open(task, arena, kernel_named(kernel), assignments);
    task_run_single(task, arena);
}

static void check_answer(const struct task *task, const char *expected)
{
    char text[256];
    struct fb_error error = { 0 };
    if (task_check(task, &error) != 0)
        fail_msg("%s", error.text);
    task->kernel->answer(task->input, task->job.results, text, sizeof text);
    assert_string_equal(text, expected);
}

static void check_counts(const struct task *task, const uint64_t *expected, size_t items)
{
    const struct fb_count_result *slot = task->job.results;
    assert_int_equal(task->job.items, items);
    for (size_t i = 0; i < items; i++) {
        assert_int_equal(slot[i].status, 0);
        assert_int_equal(slot[i].count, expected[i]);
    }
}

/* The tutorials' first workload: divisors of 5,000,000 … 5,000,007. */
static void divisors_of_the_tutorial(void **state)
{
    (void)state;
    static const uint64_t expected[] = { 56, 8, 16, 8, 18, 8, 32, 8 };
    struct task task;
    open_and_run(&task, "divisors", (const char *const[]){ NULL });
    check_counts(&task, expected, 8);
    check_answer(&task, "divisors: 56 8 16 8 18 8 32 8");
    task_close(&task);
}

static void divisors_of_small_and_larger_numbers(void **state)
{
    (void)state;
    static const uint64_t small[] = { 1, 2, 2, 3, 2, 4, 2, 4, 3, 4, 2, 6 };
    static const uint64_t larger[] = { 2 };
    struct task task;
    open_and_run(&task, "divisors", (const char *const[]){ "first=1", "count=12", NULL });
    check_counts(&task, small, 12);
    check_answer(&task, "divisors: 1 2 2 3 2 4 2 4 3 4 2 6");
    task_close(&task);
    open_and_run(&task, "divisors", (const char *const[]){ "first=20000003", "count=1", NULL });
    check_counts(&task, larger, 1); /* a prime */
    task_close(&task);
}

/* Numbers around the stride between safepoints. */
static void divisors_around_a_stride(void **state)
{
    (void)state;
    struct task task;
    open_and_run(&task, "divisors", (const char *const[]){ "first=250", "count=270", NULL });
    struct fb_error error = { 0 };
    if (task_check(&task, &error) != 0)
        fail_msg("%s", error.text);
    task_close(&task);
}

/* The tutorials' second workload: primes below 800,000 in eight ranges of 100,000. */
static void primes_of_the_tutorial(void **state)
{
    (void)state;
    static const uint64_t expected[] = { 9592, 8392, 8013, 7863, 7678, 7560, 7445, 7408 };
    struct task task;
    open_and_run(&task, "primes", (const char *const[]){ NULL });
    check_counts(&task, expected, 8);
    check_answer(&task, "63951 primes");
    task_close(&task);
}

static void check_primes(const char *const *assignments, const char *expected)
{
    struct task task;
    open_and_run(&task, "primes", assignments);
    check_answer(&task, expected);
    task_close(&task);
}

static void known_numbers_of_primes(void **state)
{
    (void)state;
    check_primes((const char *const[]){ "hi=10", "ranges=1", NULL }, "4 primes");
    check_primes((const char *const[]){ "hi=1000", "ranges=3", NULL }, "168 primes");
    check_primes((const char *const[]){ "hi=10000", "ranges=64", NULL }, "1229 primes");
    check_primes((const char *const[]){ "hi=100000", "ranges=1000", NULL }, "9592 primes");
    check_primes((const char *const[]){ "lo=0", "hi=1000000", "ranges=7", NULL }, "78498 primes");
}

/* However the range is divided, each number belongs to one item. */
static void every_division_has_the_same_primes(void **state)
{
    (void)state;
    for (unsigned lo = 0; lo <= 5; lo++)
        for (unsigned ranges = 1; ranges <= 40; ranges++) {
            char from[32], cut[32], expected[32];
            uint64_t primes;
            assert_int_equal(fb_prime_count(lo, 30, &primes), 0);
            snprintf(from, sizeof from, "lo=%u", lo);
            snprintf(cut, sizeof cut, "ranges=%u", ranges);
            snprintf(expected, sizeof expected, "%u primes", (unsigned)primes);
            check_primes((const char *const[]){ from, "hi=30", cut, NULL }, expected);
        }
}

static void primes_among_large_numbers(void **state)
{
    (void)state;
    /* 2⁴⁰ + 15, 27, 55 and 97; 2⁵⁰ + 55. */
    check_primes((const char *const[]){ "lo=1099511627776", "hi=1099511627876", NULL }, "4 primes");
    check_primes((const char *const[]){ "lo=1125899906842624", "hi=1125899906842680", NULL },
                 "1 primes");
    /* The largest number that the parameters allow; a prime there would take 2³⁰ divisions. */
    check_primes((const char *const[]){ "lo=4611686018427387904", "hi=4611686018427387904", NULL },
                 "0 primes");
}

static void known_fibonacci_numbers(void **state)
{
    (void)state;
    struct task task;
    open_and_run(&task, "fib", (const char *const[]){ "first=0", "count=16", NULL });
    check_answer(&task, "Fibonacci: 0 1 1 2 3 5 8 13 21 34 55 89 144 233 377 610");
    task_close(&task);
    open_and_run(&task, "fib", (const char *const[]){ "first=11", "count=3", NULL });
    check_answer(&task, "Fibonacci: 89 144 233"); /* around the first number with safepoints */
    task_close(&task);
    open_and_run(&task, "fib", (const char *const[]){ "first=30", "count=1", NULL });
    check_answer(&task, "Fibonacci: 832040");
    task_close(&task);
}

/* The largest number is checked but not computed by the kernel, which would take too long. */
static void fibonacci_numbers_end_below_2_64(void **state)
{
    (void)state;
    const struct fb_kernel *fib = kernel_named("fib");
    struct fb_error error = { 0 };
    struct fb_params params;
    struct fb_input *input;
    struct fb_count_result largest[] = { { .count = 7540113804746346429u },
                                         { .count = 12200160415121876738u } };
    assert_int_equal(fb_params_init(&params, fib), 0);
    assert_int_equal(fb_params_set(&params, "first=92", NULL), 0);
    assert_int_equal(fib->setup(&params, arena, &input, &error), 0);
    assert_int_equal(fib->check(input, largest, &error), 0);
    largest[1].count++;
    assert_int_equal(fib->check(input, largest, &error), -EBADMSG);
    assert_int_equal(fb_params_set(&params, "count=3", NULL), 0);
    assert_int_equal(fib->setup(&params, arena, &input, &error), -EINVAL);
    assert_non_null(strstr(error.text, "number 93"));
    fb_params_clear(&params);
}

static void nothing_to_do(void **state)
{
    (void)state;
    struct task task;
    open_and_run(&task, "divisors", (const char *const[]){ "count=0", NULL });
    assert_int_equal(task.job.items, 0);
    check_answer(&task, "divisors:");
    task_close(&task);
    open_and_run(&task, "null", (const char *const[]){ "items=0", NULL });
    assert_int_equal(task.job.items, 0);
    check_answer(&task, "0 nothings");
    task_close(&task);
    check_primes((const char *const[]){ "lo=7", "hi=7", "ranges=5", NULL }, "0 primes");
    check_primes((const char *const[]){ "lo=0", "hi=0", "ranges=1", NULL }, "0 primes");
}

static void one_thing_to_do(void **state)
{
    (void)state;
    struct task task;
    open_and_run(&task, "divisors", (const char *const[]){ "first=6", "count=1", NULL });
    assert_int_equal(task.job.items, 1);
    check_answer(&task, "divisors: 4");
    task_close(&task);
    open_and_run(&task, "null", (const char *const[]){ "items=1", NULL });
    assert_int_equal(task.job.items, 1);
    check_answer(&task, "1 nothings");
    task_close(&task);
    check_primes((const char *const[]){ "lo=7", "hi=8", "ranges=1", NULL }, "1 primes");
}

static void a_backward_range_is_refused(void **state)
{
    (void)state;
    struct fb_params params;
    struct fb_input *input;
    struct fb_error error = { 0 };
    const struct fb_kernel *primes = kernel_named("primes");
    assert_int_equal(fb_params_init(&params, primes), 0);
    assert_int_equal(fb_params_set(&params, "lo=9", NULL), 0);
    assert_int_equal(fb_params_set(&params, "hi=8", NULL), 0);
    assert_int_equal(primes->setup(&params, arena, &input, &error), -EINVAL);
    assert_non_null(strstr(error.text, "lo=9"));
    fb_params_clear(&params);
}

/* One slot at a time, by 1 and by much, and with two slots exchanged. */
static void tampered_results_are_noticed(void **state)
{
    (void)state;
    static const char *const kernels[] = { "divisors", "primes", "fib" };
    for (int k = 0; k < 3; k++) {
        struct task task;
        struct fb_error error = { 0 };
        open_and_run(&task, kernels[k], (const char *const[]){ NULL });
        struct fb_count_result *slot = task.job.results;
        uint64_t digest = task_digest(&task);
        assert_int_equal(task_check(&task, &error), 0);
        for (size_t i = 0; i < task.job.items; i++)
            for (int way = 0; way < 3; way++) {
                uint64_t count = slot[i].count;
                slot[i].count = way == 0 ? count + 1 : way == 1 ? count - 1 : ~count;
                error = (struct fb_error){ 0 };
                assert_int_equal(task_check(&task, &error), -EBADMSG);
                assert_int_equal(error.code, -EBADMSG);
                assert_int_equal(strncmp(error.text, "wrong result", 12), 0);
                assert_int_equal(task_check(&task, NULL), -EBADMSG);
                assert_true(task_digest(&task) != digest);
                slot[i].count = count;
            }
        assert_true(task_digest(&task) == digest);
        struct fb_count_result first = slot[0];
        slot[0] = slot[1];
        slot[1] = first;
        assert_int_equal(task_check(&task, &error), -EBADMSG);
        assert_true(task_digest(&task) != digest);
        task_close(&task);
    }
}

static void digests_tell_inputs_apart(void **state)
{
    (void)state;
    struct task a, b;
    open_and_run(&a, "null", (const char *const[]){ "items=3", NULL });
    open_and_run(&b, "null", (const char *const[]){ "items=4", NULL });
    assert_true(task_digest(&a) != task_digest(&b));
    task_close(&a);
    task_close(&b);
}

static void failed_items_are_counted(void **state)
{
    (void)state;
    struct task task;
    open_and_run(&task, "divisors", (const char *const[]){ "first=1", "count=10", NULL });
    struct fb_count_result *slot = task.job.results;
    assert_int_equal(fb_results_failed(task.kernel, slot, 10), 0);
    slot[0].status = -EIO;
    slot[9].status = -1;
    assert_int_equal(fb_results_failed(task.kernel, slot, 10), 2);
    assert_int_equal(fb_results_failed(task.kernel, slot, 9), 1);
    assert_int_equal(fb_results_failed(task.kernel, slot, 0), 0);
    assert_int_equal(fb_result_status(task.kernel, slot, 0), -EIO);
    task_close(&task);
}

static void a_long_answer_is_abbreviated(void **state)
{
    (void)state;
    struct task task;
    open_and_run(&task, "divisors", (const char *const[]){ "first=1", "count=16", NULL });
    check_answer(&task, "divisors: 1 2 2 3 2 4 2 4 3 4 2 6 2 4 4 5");
    task_close(&task);
    open_and_run(&task, "divisors", (const char *const[]){ "first=1", "count=17", NULL });
    check_answer(&task, "divisors: 1 2 2 3 2 4 2 4 3 4 2 6 2 4 4 5 and 1 more");
    task_close(&task);
    open_and_run(&task, "divisors", (const char *const[]){ "first=1", "count=3000", NULL });
    check_answer(&task, "divisors: 1 2 2 3 2 4 2 4 3 4 2 6 2 4 4 5 and 2984 more");
    task_close(&task);
}

static void answers_are_truncated_to_their_buffer(void **state)
{
    (void)state;
    for (const struct fb_kernel *const *kernel = fb_kernels; *kernel; kernel++) {
        struct task task;
        if (strcmp((*kernel)->name, "resize") == 0)
            continue; /* it has a test of its own */
        open_and_run(&task, (*kernel)->name, (const char *const[]){ NULL });
        for (size_t size = 1; size <= 40; size++) {
            char text[64];
            memset(text, '#', sizeof text);
            (*kernel)->answer(task.input, task.job.results, text, size);
            assert_non_null(memchr(text, '\0', size));
            for (size_t i = size; i < sizeof text; i++)
                assert_int_equal(text[i], '#');
        }
        task_close(&task);
    }
}

static void kernels_are_found_by_their_names(void **state)
{
    (void)state;
    size_t count = 0;
    for (const struct fb_kernel *const *kernel = fb_kernels; *kernel; kernel++, count++) {
        assert_ptr_equal(fb_kernel_find((*kernel)->name), *kernel);
        assert_true((*kernel)->summary && *(*kernel)->summary);
        assert_true((*kernel)->result_size >= sizeof(int32_t));
        assert_int_equal((*kernel)->result_size % _Alignof(int32_t), 0);
    }
    assert_true(count >= 3);
    assert_null(fb_kernel_find(""));
    assert_null(fb_kernel_find("prime"));
    assert_null(fb_kernel_find("primes "));
    assert_null(fb_kernel_find("primesx"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ARENA(divisors_of_the_tutorial),
        WITH_ARENA(divisors_of_small_and_larger_numbers),
        WITH_ARENA(divisors_around_a_stride),
        WITH_ARENA(primes_of_the_tutorial),
        WITH_ARENA(known_numbers_of_primes),
        WITH_ARENA(every_division_has_the_same_primes),
        WITH_ARENA(primes_among_large_numbers),
        WITH_ARENA(known_fibonacci_numbers),
        WITH_ARENA(fibonacci_numbers_end_below_2_64),
        WITH_ARENA(nothing_to_do),
        WITH_ARENA(one_thing_to_do),
        WITH_ARENA(a_backward_range_is_refused),
        WITH_ARENA(tampered_results_are_noticed),
        WITH_ARENA(digests_tell_inputs_apart),
        WITH_ARENA(failed_items_are_counted),
        WITH_ARENA(a_long_answer_is_abbreviated),
        WITH_ARENA(answers_are_truncated_to_their_buffer),
        cmocka_unit_test(kernels_are_found_by_their_names),
    };
    return RUN_TESTS(tests);
}
