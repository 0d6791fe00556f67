/* kernels/numbers/primes*.c: trial division and libprimesieve count the same primes. */
#include "tests/support/support.h"

#include "kernels/numbers/numbers.h"

#include "base/random.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool has_sieve(void)
{
    return fb_kernel_find("primes-sieve") != NULL;
}

/* The digest under `single`, after the check of the kernel. */
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
    check_same(0, 1000, 999); /* about one number in each range */
    check_same(7, 9, 64);
}

/* Around the limits of integer types and the ends of the segments of the sieve. */
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

static void prime_pi_equals_sieving(void **state)
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

/* ---- the check of ranges that are too large to sieve all again ---- */

/* The correct counts of these ranges. */
static struct fb_count_result *count_ranges(struct task *task, const char *const *options)
{
    if (!has_sieve())
        skip();
    task_open(task, arena, kernel_named("primes-sieve"), options);
    task_run_single(task, arena);
    assert_int_equal(task_check(task, NULL), 0);
    return task->job.results;
}
#define COUNT_RANGES(task, ...) count_ranges(task, (const char *const[]){ __VA_ARGS__, NULL })

static void a_wrong_count_is_found(void **state)
{
    (void)state;
    struct task task;
    struct fb_error error = { 0 };
    COUNT_RANGES(&task, "hi=400000000", "ranges=3")[1].count++;
    assert_int_equal(task_check(&task, &error), -EBADMSG);
    assert_non_null(strstr(error.text, "21336326")); /* found by the sum */
    task_close(&task);
}

static void two_exchanged_counts_are_found(void **state)
{
    (void)state;
    struct task task;
    struct fb_count_result *slot = COUNT_RANGES(&task, "hi=400000000", "ranges=2"), first = slot[0];
    slot[0] = slot[1];
    slot[1] = first;
    assert_int_equal(task_check(&task, NULL), -EBADMSG);
    task_close(&task);
}

/* All ranges are checked if they have few numbers, even if they are many ranges. */
static void each_of_many_small_ranges_is_checked(void **state)
{
    (void)state;
    struct task task;
    struct fb_count_result *slot = COUNT_RANGES(&task, "hi=50000000", "ranges=20000");
    for (size_t i = 1; i < 20000; i += 6000) {
        slot[i].count++;
        slot[i + 1].count--;
        assert_int_equal(task_check(&task, NULL), -EBADMSG);
        slot[i].count--;
        slot[i + 1].count++;
    }
    task_close(&task);
}

/* If the sum takes too much work or the numbers are too large for its formula, a range is sieved. */
static void wrong_counts_of_large_numbers_are_found(void **state)
{
    (void)state;
    static const char *const ranges[][2] = {
        { "lo=4000000000000", "hi=4000140000000" },
        { "lo=5000000000000", "hi=5000140000000" },
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        struct task task;
        struct fb_count_result *slot = COUNT_RANGES(&task, ranges[i][0], ranges[i][1], "ranges=2");
        slot[0].count++;
        slot[1].count--;
        assert_int_equal(task_check(&task, NULL), -EBADMSG);
        task_close(&task);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ARENA(every_small_range),
        WITH_ARENA(boundaries),
        WITH_ARENA(random_ranges),
        WITH_ARENA(known_numbers_of_primes),
        cmocka_unit_test(prime_pi_equals_sieving),
        WITH_ARENA(a_wrong_count_is_found),
        WITH_ARENA(two_exchanged_counts_are_found),
        WITH_ARENA(each_of_many_small_ranges_is_checked),
        WITH_ARENA(wrong_counts_of_large_numbers_are_found),
    };
    return RUN_TESTS(tests);
}
