/* Does nothing: the time of a job is the overhead of the harness. */
#include "kernels/kernel.h"

#include <errno.h>
#include <stdio.h>

struct fb_input {
    size_t items;
};

static const struct fb_param params[] = {
    { "items", FB_PARAM_NUMBER, "1024", 0, 1 << 28, NULL, "items, for which nothing is done" },
    { 0 },
};

struct null_result {
    int32_t status;
};

static int setup(const struct fb_params *given, struct fb_arena *arena, struct fb_input **ret_input,
                 struct fb_error *error)
{
    struct fb_input *input = fb_arena_alloc(arena, sizeof *input);
    if (!input)
        return fb_error_set(error, -ENOMEM, "out of shared memory");
    input->items = fb_params_number(given, "items");
    *ret_input = input;
    return 0;
}

static size_t items(const struct fb_input *input)
{
    return input->items;
}

static void run(const struct fb_input *input, void *scratch, size_t begin, size_t end,
                void *results, struct fb_yield *yield)
{
    (void)input, (void)scratch, (void)begin, (void)end, (void)results, (void)yield;
}

static int check(const struct fb_input *input, const void *results, struct fb_error *error)
{
    (void)input, (void)results, (void)error;
    return 0;
}

static uint64_t digest(const struct fb_input *input, const void *results)
{
    (void)results;
    return fb_digest(0, input->items);
}

static void answer(const struct fb_input *input, const void *results, char *text, size_t size)
{
    (void)results;
    snprintf(text, size, "%zu nothings", input->items);
}

const struct fb_kernel fb_kernel_null = {
    .name = "null",
    .summary = "does nothing: what remains is the harness' own cost",
    .bound = FB_BOUND_CPU,
    .params = params,
    .result_size = sizeof(struct null_result),
    .setup = setup,
    .items = items,
    .run = run,
    .check = check,
    .digest = digest,
    .answer = answer,
};
