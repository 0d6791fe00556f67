/* kernels/numbers/divisors*.c: all algorithms count the same divisors. */
#include "tests/support/support.h"

#include "kernels/numbers/divisors_lanes.h"
#include "kernels/numbers/numbers.h"

#include "base/random.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- trying candidates ---- */

static uint64_t try_plainly(uint64_t n, uint64_t lo, uint64_t hi)
{
    uint64_t count = 0;
    for (uint64_t i = lo; i < hi; i++)
        count += n % i == 0;
    return count;
}

/* Compares all vector instructions of this CPU with the loop above. */
static void check_range(uint64_t n, uint64_t lo, uint64_t hi)
{
    lo = lo < 1 ? 1 : lo;
    hi = hi > n + 1 ? n + 1 : hi;
    if (lo >= hi)
        return;
    uint64_t expected = try_plainly(n, lo, hi);
    for (int simd = FB_SIMD_PORTABLE; simd < FB_SIMDS; simd++) {
        enum fb_simd here;
        if (fb_simd_choose((enum fb_simd)simd, &here, NULL) < 0)
            continue;
        uint64_t found = fb_try_divisors(here, n, lo, hi);
        if (found != expected)
            fail_msg("%s: of [%" PRIu64 ", %" PRIu64 ") %" PRIu64 " divide %" PRIu64
                     ", not %" PRIu64,
                     fb_simd_names[simd], lo, hi, expected, n, found);
    }
}

static void small_numbers_whole(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 700; n++)
        check_range(n, 1, n + 1);
}

/* Both ends of the range at every position in a vector. */
static void tails_of_lanes(void **state)
{
    (void)state;
    static const uint64_t numbers[] = { 720720, 963761198400 };
    for (size_t i = 0; i < 2; i++)
        for (uint64_t lo = 1; lo < 60; lo++)
            for (uint64_t size = 0; size < 70; size++)
                check_range(numbers[i], lo, lo + size);
}

/* Around the precision of float, integer and double, and around 1/1024 and 1/4096 of n, where estimates replace
 * division. */
static void boundaries(void **state)
{
    (void)state;
    static const uint64_t about[] = { 5000000,           (uint64_t)1 << 24, (uint64_t)1 << 31,
                                      (uint64_t)1 << 32, (uint64_t)1 << 53, (uint64_t)1 << 62 };
    for (size_t k = 0; k < sizeof about / sizeof *about; k++)
        for (uint64_t n = about[k] - 8; n <= about[k] + 8; n++) {
            uint64_t root = fb_square_root(n);
            check_range(n, 1, 300);
            check_range(n, root - 100, root + 100);
            check_range(n, n / 1024 - 60, n / 1024 + 60);
            check_range(n, n / 4096 - 60, n / 4096 + 60);
            check_range(n, n / 2 - 40, n / 2 + 40);
            check_range(n, n - 100, n + 1);
        }
}

/* Products have divisors, and next to them numbers that just fail to divide. */
static void random_products(void **state)
{
    (void)state;
    struct fb_random random = { .state = 20 };
    for (int i = 0; i < AS_MANY_AS(200000, 20000); i++) {
        unsigned bits = 2 + (unsigned)(fb_random_next(&random) % 60);
        uint64_t a = 1 + (fb_random_next(&random) >> (64 - bits / 2));
        uint64_t b = 1 + (fb_random_next(&random) >> (64 - (bits + 1) / 2));
        check_range(a * b, a - a % 64, a + 64);
        check_range(a * b, b > 20 ? b - 20 : 1, b + 20);
        check_range(a * b + 1, a, a + 40);
        check_range(a * b - 1, a, a + 40);
    }
}

static void missing_instructions_are_refused(void **state)
{
    (void)state;
    struct fb_error error = { 0 };
    enum fb_simd simd = FB_SIMD_AUTO;
    int refused = 0;
    assert_int_equal(fb_simd_choose(FB_SIMD_AUTO, &simd, &error), 0);
    assert_int_not_equal(simd, FB_SIMD_AUTO);
    for (int wanted = FB_SIMD_PORTABLE; wanted < FB_SIMDS; wanted++)
        if (fb_simd_choose((enum fb_simd)wanted, &simd, &error) < 0) {
            assert_non_null(strstr(error.text, fb_simd_names[wanted]));
            refused++;
        }
    assert_true(refused >= 1); /* no CPU has AVX2 and NEON */
}

/* ---- the kernels ---- */

static const char *const kernels[] = { "divisors", "divisors-simd", "divisors-sqrt",
                                       "divisors-factor" };

/* The digest under `single`, after the check of the kernel. */
static uint64_t digest_of(const char *kernel, const char *first, const char *count)
{
    struct task task;
    struct fb_error error = { 0 };
    task_open(&task, arena, kernel_named(kernel), (const char *const[]){ first, count, NULL });
    task_run_single(&task, arena);
    if (task_check(&task, &error) != 0)
        fail_msg("%s: %s", kernel, error.text);
    uint64_t digest = task_digest(&task);
    task_close(&task);
    return digest;
}

/* Compares the kernels from the k-th on: those before would take too long. */
static void check_all(size_t from, const char *first, const char *count)
{
    uint64_t expected = digest_of(kernels[from], first, count);
    for (size_t i = from + 1; i < sizeof kernels / sizeof *kernels; i++)
        assert_int_equal(digest_of(kernels[i], first, count), expected);
}

static void all_kernels_give_the_same(void **state)
{
    (void)state;
    check_all(0, "first=1", "count=2000");
    check_all(0, "first=65530", "count=12"); /* around 256², from which on factors are not small */
    check_all(0, "first=1000000", "count=3");
    check_all(1, "first=16777210", "count=12");
    check_all(2, "first=4294967290", "count=12");
    check_all(2, "first=1000000000000", "count=30");
}

static void check_known(const char *first, const char *expected)
{
    struct task task;
    char text[64];
    struct fb_error error = { 0 };
    task_open(&task, arena, kernel_named("divisors-factor"),
              (const char *const[]){ first, "count=1", NULL });
    task_run_single(&task, arena);
    if (task_check(&task, &error) != 0)
        fail_msg("%s: %s", first, error.text);
    task.kernel->answer(task.input, task.job.results, text, sizeof text);
    assert_string_equal(text, expected);
    task_close(&task);
}

/* Primes, their squares, cubes and products, up to the largest numbers. */
static void large_numbers_by_their_factors(void **state)
{
    (void)state;
    check_known("first=4611686018427387904", "divisors: 63");
    check_known("first=2305843009213693951", "divisors: 2");     /* 2^61 - 1 */
    check_known("first=4611686014132420609", "divisors: 3");     /* (2^31 - 1)² */
    check_known("first=4611685975477714963", "divisors: 4");     /* 2147483647 · 2147483629 */
    check_known("first=4611686018418183451", "divisors: 4");     /* 1664501 · 2770611743951 */
    check_known("first=4611686018427374179", "divisors: 4");     /* 293 · 15739542725008103 */
    check_known("first=4095823362539187833", "divisors: 4");     /* 1599977³ */
    check_known("first=1152894016974487297", "divisors: 8");     /* 1048573 · 1048571 · 1048559 */
    check_known("first=1150249817153994001", "divisors: 5");     /* 32749⁴ */
    check_known("first=897612484786617600", "divisors: 103680"); /* highly composite */
}

/* A range of large numbers, each checked by trial division up to its cube root. */
static void large_numbers_one_after_the_other(void **state)
{
    (void)state;
    digest_of("divisors-factor", "first=4000000000000000000", AS_MANY_AS("count=40", "count=4"));
    digest_of("divisors-factor", "first=100000000000000", "count=300");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_numbers_whole),
        cmocka_unit_test(tails_of_lanes),
        cmocka_unit_test(boundaries),
        cmocka_unit_test(random_products),
        cmocka_unit_test(missing_instructions_are_refused),
        WITH_ARENA(all_kernels_give_the_same),
        WITH_ARENA(large_numbers_by_their_factors),
        WITH_ARENA(large_numbers_one_after_the_other),
    };
    return RUN_TESTS(tests);
}
