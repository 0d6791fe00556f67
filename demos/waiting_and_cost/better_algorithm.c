/* Counting divisors by trying every number on all CPUs, and up to the square root on one; and both as an expert
 * would do them. */
#include "demos/lesson/lesson.h"

#include "base/error.h"
#include "harness/mp/pool/map.h"
#include "harness/mp/pool/pool.h"

#include <string.h>

#define COUNT 8
#define FIRST 500000
#define ROUNDS 5
#define SAME_NUMBERS " -p first=500000 -p count=8 -H single"

static int by_trying_all(int n)
{
    int count = 0;
    for (int divisor = 1; divisor <= n; divisor++)
        count += n % divisor == 0;
    return count;
}

static int try_all(struct fb_mp_call *call)
{
    int count = by_trying_all(*(const int *)call->argument);
    return fb_mp_return(call, &count, sizeof count);
}

/* For each divisor below the square root there is one above. */
static int by_pairs(int n)
{
    int count = 0, divisor = 1;
    for (; divisor * divisor < n; divisor++)
        count += n % divisor == 0 ? 2 : 0;
    return count + (divisor * divisor == n);
}

static void run(void)
{
    FB_MP_POOL_SCOPED(pool) = NULL;
    struct fb_error error;
    int number[COUNT], plain[COUNT], better[COUNT];
    double plain_us[ROUNDS], better_us[ROUNDS];
    for (int i = 0; i < COUNT; i++)
        number[i] = FIRST + i;
    lesson_need(fb_mp_pool_open(&(struct fb_mp_pool_options){ 0 }, &pool, &error), "open a pool");
    const struct fb_mp_map_options one_by_one = { .chunk = 1 };
    for (int round = 0; round < ROUNDS; round++) {
        int64_t start = fb_mp_now();
        lesson_need(fb_mp_map(pool, try_all, number, COUNT, sizeof *number, plain, sizeof *plain,
                              &one_by_one, &error),
                    "map");
        plain_us[round] = (double)(fb_mp_now() - start) / 1e3;
        start = fb_mp_now();
        for (int i = 0; i < COUNT; i++)
            better[i] = lesson_is_broken() ? by_trying_all(number[i]) : by_pairs(number[i]);
        better_us[round] = (double)(fb_mp_now() - start) / 1e3;
    }
    lesson_bars(
        "us", 4,
        (const char *const[]){ "every number tried, all CPUs", "every number by vectors, one CPU",
                               "up to the square root, one CPU", "by prime factors, one CPU" },
        (const double[]){
            fb_median(plain_us, ROUNDS), lesson_run_ns("-k divisors-simd" SAME_NUMBERS) / 1e3,
            fb_median(better_us, ROUNDS), lesson_run_ns("-k divisors-factor" SAME_NUMBERS) / 1e3 });
    lesson_fact(memcmp(plain, better, sizeof plain) == 0, "both count the same divisors");
    lesson_measured(fb_median(plain_us, ROUNDS) > 5 * fb_median(better_us, ROUNDS),
                    "the better algorithm on one CPU beats the plain one on all of them");
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "better_algorithm",
        .title = "A better algorithm, or more CPUs?",
        .rows = "W1",
        .question = "Counting the divisors of a number by trying every candidate keeps all "
                    "CPUs busy. Another program uses one CPU and tries only candidates up to "
                    "the square root. Which is faster?",
        .choices = { "all CPUs", "the square root on one CPU", "about the same" },
        .answer = 'b',
        .explains = "Two CPUs are at best twice as fast, 64 are 64 times. Up to the square "
                    "root of half a million there are 707 candidates instead of 500,000, so "
                    "707 times fewer. More CPUs multiply the speed by a constant; a better "
                    "algorithm changes how the time grows. Vectors, which try many numbers at "
                    "a time, are worth several CPUs, and are a constant factor too. Think "
                    "first, then parallelise; then do both.",
        .next = "How many CPUs would the plain algorithm need to be as fast for n = "
                "500,000? And for n = 10^12, for which forkbench exec -k divisors-factor "
                "-H single -p first=1000000000000 takes microseconds?",
        .breaks = "\"up to the square root\" tries every number too.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
