/* Counts primes by libprimesieve, one range per item, without the threads of the library. */
#include "kernels/numbers/primes.h"

#include "base/library.h"

#include <errno.h>
#include <primesieve.h>
#include <stdlib.h>

/* The functions of the library that are used. */
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
      "equal ranges, one item each; 0: so large that beginning a range, about √hi steps, takes "
      "less than 1 % of its time" },
    { 0 },
};

/* Numbers per range, so that beginning a range takes less than 1 % of its time. To sieve numbers below n the
 * library first finds the primes up to √n, which took 20 µs plus 0.27 ns per number up to √n when measured; sieving
 * took 0.1 ns per number. For fewer than about 1.5 · 10^8 numbers the library uses another method, which takes a
 * fifth longer. Ranges are no larger than necessary, because few ranges divide badly among workers. */
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
        sieve->get_num_threads() != 1) /* setup has done so, but not in a spawned worker */
        sieve->set_num_threads(1);
    return result;
}

static int setup(const struct fb_params *given, struct fb_arena *arena, struct fb_input **ret_input,
                 struct fb_error *error)
{
    struct sieve sieve; /* loaded here, before there are threads */
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

/* A range is one call of the library, which has no safepoints. */
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
