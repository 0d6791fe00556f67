/* kernels/primes*.c: trial division and libprimesieve count the same primes. */
#include "support.h"

#include "kernels/numbers.h"

#include "base/random.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static struct fb_arena *arena;

static int open_arena(void **state)
{
    (void)state;
    return fb_arena_open(&arena);
}

static int close_arena(void **state)
{
    (void)state;
    fb_arena_close(arena);
    return 0;
}

static bool has_sieve(void)
{
    return fb_kernel_find("primes-sieve") != NULL;
}

/* Its digest under `single`; its own check holds. */
static uint64_t digest_of(const char *kernel, uint64_t lo, uint64_t hi, unsigned ranges,
                          char *ret_answer, size_t size)
{
    struct task task;
    struct fb_error error = { 0 };
    char text[3][40];
    snprintf(text[0], sizeof *text, "lo=%" PRIu64, lo);
    snprintf(text[1], sizeof *text, "hi=%" PRIu64, hi);
    snprintf(text[2], sizeof *text, "ranges=%u", ranges);
    task_open(&task, arena, kernel_named(kernel),
              (const char *const[]){ text[0], text[1], text[2], NULL });
    task_run_single(&task, arena);
    if (task_check(&task, &error) != 0)
        fail_msg("%s: %s", kernel, error.text);
    uint64_t digest = task_digest(&task);
    task.kernel->answer(task.input, task.job.results, ret_answer, size);
    task_close(&task);
    return digest;
}

static void check_same(uint64_t lo, uint64_t hi, unsigned ranges)
{
    char text[64];
    assert_int_equal(digest_of("primes", lo, hi, ranges, text, sizeof text),
                     digest_of("primes-sieve", lo, hi, ranges, text, sizeof text));
}

static void every_small_range(void **state)
{
    (void)state;
    if (!has_sieve())
        skip();
    for (uint64_t lo = 0; lo < 12; lo++)
        for (uint64_t hi = lo; hi < 40; hi++)
            check_same(lo, hi, 1 + (unsigned)(hi % 5));
    check_same(0, 1000, 999); /* hardly a number in each */
    check_same(7, 9, 64);
}

/* Where numbers outgrow their types, and where the sieve's segments end. */
static void boundaries(void **state)
{
    (void)state;
    static const uint64_t about[] = { 1 << 16,           1 << 18,           (uint64_t)1 << 31,
                                      (uint64_t)1 << 32, (uint64_t)1 << 40, (uint64_t)1 << 42 };
    if (!has_sieve())
        skip();
    for (size_t i = 0; i < sizeof about / sizeof *about; i++)
        for (uint64_t end = about[i] - 3; end <= about[i] + 3; end++) {
            check_same(end - 40, end, 3);
            check_same(end, end + 40, 3);
        }
    check_same(((uint64_t)1 << 53) - 30, ((uint64_t)1 << 53) + 30, 2);
}

static void random_ranges(void **state)
{
    (void)state;
    struct fb_random random = { .state = 7 };
    if (!has_sieve())
        skip();
    for (int i = 0; i < AS_MANY_AS(300, 60); i++) {
        uint64_t lo = fb_random_next(&random) >> (24 + fb_random_below(&random, 36));
        check_same(lo, lo + fb_random_below(&random, 3000), 1 + (unsigned)(i % 7));
    }
}

/* From the literature (OEIS A006880). */
static void known_numbers_of_primes(void **state)
{
    (void)state;
    static const uint64_t known[] = { 4, 25, 168, 1229, 9592, 78498, 664579, 5761455, 50847534 };
    uint64_t power = 1, count;
    char text[64];
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        power *= 10;
        assert_int_equal(fb_prime_pi(power, &count), 0);
        assert_int_equal(count, known[i]);
    }
    assert_int_equal(fb_prime_pi((uint64_t)1 << 42, &count), -EDOM);
    if (!has_sieve())
        return;
    digest_of("primes-sieve", 0, 1000000000, 0, text, sizeof text);
    assert_string_equal(text, "50847534 primes");
}

static void prime_pi_as_by_sieving(void **state)
{
    (void)state;
    uint64_t sieved = 0, one, count;
    for (uint64_t n = 0; n < 3000; n++) {
        assert_int_equal(fb_prime_count(n, n + 1, &one), 0);
        sieved += one;
        assert_int_equal(fb_prime_pi(n, &count), 0);
        assert_int_equal(count, sieved);
    }
}

/* A sum over a large range is checked too. */
static void a_wrong_count_is_found(void **state)
{
    (void)state;
    struct task task;
    struct fb_error error = { 0 };
    if (!has_sieve())
        skip();
    task_open(&task, arena, kernel_named("primes-sieve"),
              (const char *const[]){ "hi=400000000", "ranges=3", NULL });
    task_run_single(&task, arena);
    assert_int_equal(task_check(&task, &error), 0);
    ((struct fb_count_result *)task.job.results)[1].count++;
    assert_int_equal(task_check(&task, &error), -EBADMSG);
    assert_non_null(strstr(error.text, "21336326"));
    task_close(&task);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_small_range, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(boundaries, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(random_ranges, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(known_numbers_of_primes, open_arena, close_arena),
        cmocka_unit_test(prime_pi_as_by_sieving),
        cmocka_unit_test_setup_teardown(a_wrong_count_is_found, open_arena, close_arena),
    };
    return RUN_TESTS(tests);
}
