/* The loop of the tutorials' first workload as a user would write it, for the compiler to optimise: counts the divisors
 * of 5,000,000 … 5,000,007 and prints how many ns that took. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define FIRST 5000000u
#define COUNT 8u

static uint64_t count_32(uint32_t n)
{
    uint32_t count = 0;
    for (uint32_t i = 1; i <= n; i++)
        count += n % i == 0;
    return count;
}

static uint64_t count_64(uint64_t n)
{
    uint64_t count = 0;
    for (uint64_t i = 1; i <= n; i++)
        count += n % i == 0;
    return count;
}

static uint64_t count_float(uint32_t n)
{
    uint32_t count = 0;
    for (int32_t i = 1; i <= (int32_t)n; i++) {
        float quotient = (float)n / (float)i;
        count += quotient == (float)(int32_t)quotient;
    }
    return count;
}

int main(int argc, char **argv)
{
    const char *way = argc > 1 ? argv[1] : "32";
    struct timespec begin, end;
    uint64_t sum = 0;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (uint32_t n = FIRST; n < FIRST + COUNT; n++)
        sum += strcmp(way, "64") == 0      ? count_64(n)
               : strcmp(way, "float") == 0 ? count_float(n)
                                           : count_32(n);
    clock_gettime(CLOCK_MONOTONIC, &end);
    if (sum != 56 + 8 + 16 + 8 + 18 + 8 + 32 + 8)
        return 1;
    printf("%lld\n", (end.tv_sec - begin.tv_sec) * 1000000000LL + end.tv_nsec - begin.tv_nsec);
    return 0;
}
