/* Counts primes by libprimesieve, a range an item; its own threads stay off. */
#include "kernels/numbers/primes.h"

#include "base/library.h"

#include <errno.h>
#include <primesieve.h>
#include <stdlib.h>

/* What is used of it. */
struct sieve {
    FB_SYMBOL_POINTER(primesieve_, count_primes);
    FB_SYMBOL_POINTER(primesieve_, get_num_threads);
    FB_SYMBOL_POINTER(primesieve_, set_num_threads);
};

static const struct fb_param params[] = {
    { "lo", FB_PARAM_NUMBER, "1", 0, (uint64_t)1 << 62, NULL, "the first number" },
    { "hi", FB_PARAM_NUMBER, "10000000000", 0, (uint64_t)1 << 62, NULL,
      "one past the last number" },
    { "ranges", FB_PARAM_NUMBER, "0", 0, 1 << 24, NULL,
      "equal ranges, one item each, which take about √hi steps to begin; 0: so large that "
      "this is under 1 %" },
    { 0 },
};

/* Numbers of a range, so that its beginning costs less than 1 %. What sieves the numbers below n are the primes
 * up to √n: to find them and put them in their places took 20 µs and 0.27 ns for each number up to √n where this
 * was measured, a number 0.1 ns. And below about 1.5 · 10^8 numbers the library sieves another way, which
 * takes a fifth longer. No larger than that needs: few ranges divide badly among workers. */
#define LEAST 200000000
static uint64_t choose_range(uint64_t hi)
{
    uint64_t range = 512 * fb_square_root(hi);
    return range < LEAST ? LEAST : range;
}

static int load(struct sieve *sieve, struct fb_error *error)
{
    const struct fb_symbol symbols[] = {
        FB_SYMBOL(*sieve, primesieve_, count_primes),
        FB_SYMBOL(*sieve, primesieve_, get_num_threads),
        FB_SYMBOL(*sieve, primesieve_, set_num_threads),
    };
    int result = fb_library_load(FB_PRIMESIEVE, symbols, 3, error);
    if (result == 0 &&
        sieve->get_num_threads() != 1) /* set-up did it, but not for a spawned worker */
        sieve->set_num_threads(1);
    return result;
}

static int setup(const struct fb_params *given, struct fb_arena *arena, struct fb_input **ret_input,
                 struct fb_error *error)
{
    struct sieve sieve; /* loaded before there are threads */
    int result = load(&sieve, error);
    if (result == 0)
        result = fb_primes_setup(given, arena, ret_input, error);
    if (result < 0)
        return result;
    struct fb_input *input = *ret_input;
    if (input->ranges == 0)
        input->ranges = 1 + (input->hi - input->lo) / choose_range(input->hi);
    return 0;
}

static int worker_begin(const struct fb_input *input, void **ret_scratch)
{
    (void)input;
    struct fb_error error;
    struct sieve *sieve = malloc(sizeof *sieve);
    int result = sieve ? load(sieve, &error) : -ENOMEM;
    if (result < 0)
        free(sieve);
    else
        *ret_scratch = sieve;
    return result;
}

static void worker_end(void *scratch)
{
    free(scratch);
}

/* A range is a call of the library, which nobody can interrupt. */
static void run(const struct fb_input *input, void *scratch, size_t begin, size_t end,
                void *results, struct fb_yield *yield)
{
    const struct sieve *sieve = scratch;
    struct fb_count_result *slot = results;
    for (size_t item = begin; item < end; item++) {
        uint64_t lo = fb_primes_boundary(input, item), hi = fb_primes_boundary(input, item + 1);
        fb_release(yield, FB_RELEASE_COMPUTING);
        slot[item].count = lo < hi ? sieve->count_primes(lo, hi - 1) : 0;
        fb_acquire(yield, FB_RELEASE_COMPUTING);
        if (fb_safepoint(yield))
            return;
    }
}

const struct fb_kernel fb_kernel_primes_sieve = {
    .name = "primes-sieve",
    .summary = "counts primes by libprimesieve, one range of numbers an item",
    .params = params,
    .setup = setup,
    .worker_begin = worker_begin,
    .worker_end = worker_end,
    .run = run,
    FB_PRIMES_KERNEL,
};
