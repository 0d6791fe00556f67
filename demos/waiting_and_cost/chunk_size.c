/* Many tiny items handed out one by one, and in chunks. */
#include "demos/lesson/lesson.h"

#include "base/error.h"
#include "harness/mp/pool/map.h"
#include "harness/mp/pool/pool.h"

#include <errno.h>
#include <stdlib.h>

#define COUNT 100000
#define ROUNDS 31

static int add_one(struct fb_mp_call *call)
{
    int result = *(const int *)call->argument + 1;
    return fb_mp_return(call, &result, sizeof result);
}

/* Returns ns per item. */
static double cost(struct fb_mp_pool *pool, const int *number, int *result, size_t chunk)
{
    struct fb_error error;
    const struct fb_mp_map_options options = { .chunk = chunk };
    int64_t start = fb_mp_now();
    lesson_need(fb_mp_map(pool, add_one, number, COUNT, sizeof *number, result, sizeof *result,
                          &options, &error),
                "map");
    return (double)(fb_mp_now() - start) / COUNT;
}

static void run(void)
{
    FB_MP_POOL_SCOPED(pool) = NULL;
    struct fb_error error;
    int *number = calloc(COUNT, sizeof *number), *result = calloc(COUNT, sizeof *result);
    double one[ROUNDS], many[ROUNDS];
    lesson_need(number && result ? 0 : -ENOMEM, "allocate memory");
    lesson_need(fb_mp_pool_open(&(struct fb_mp_pool_options){ .workers = 2 }, &pool, &error),
                "open a pool");
    cost(pool, number, result, 1000); /* wakes the workers */
    for (int i = 0; i < ROUNDS; i++) {
        one[i] = cost(pool, number, result, lesson_is_broken() ? 1000 : 1);
        many[i] = cost(pool, number, result, 1000);
    }
    lesson_bars("ns per item", 2, (const char *const[]){ "in chunks of 1", "in chunks of 1,000" },
                (const double[]){ fb_median(one, ROUNDS), fb_median(many, ROUNDS) });
    struct fb_interval ratio = fb_ratio_interval(one, many, ROUNDS);
    lesson_say("chunks of 1 take %.2g times as long [%.2g, %.2g]", ratio.value, ratio.low,
               ratio.high);
    lesson_need(result[0] == 1 ? 0 : -EBADMSG, "add one to each");
    lesson_measured(ratio.low > 1.05, "tiny items cost less when many are handed out at once");
    free(number);
    free(result);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "chunk_size",
        .title = "The size of a chunk",
        .rows = "M2",
        .question = "100,000 tiny items go through a pool of two workers, once in chunks of "
                    "1, once in chunks of 1,000. Which is faster?",
        .choices = { "chunks of 1: the work is divided more evenly",
                     "chunks of 1,000: items are handed out less often", "there is no difference" },
        .answer = 'b',
        .explains = "Handing out an item has a cost, however small the item is: a message, or "
                    "at least a claim. With chunks that cost is paid once for many items. But "
                    "chunks that are too large divide the work badly: all other workers wait "
                    "for the one that has the last chunk. A few chunks per worker are a good "
                    "start. (This runtime hands out up to 64 small chunks at once while many "
                    "are left, so the difference is smaller than in Python.)",
        .next = "Let items take different times and find the best chunk size. In Python "
                "an item costs some 20 us one by one: how long must a task be to be worth "
                "that?",
        .breaks = "the \"chunks of 1\" have 1,000 items too.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
