/* How many items does imap take from its source before the first result is received? */
#include "demos/lesson/lesson.h"

#include "base/error.h"
#include "harness/mp/pool/map.h"
#include "harness/mp/pool/pool.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define COUNT 100000
#define AHEAD 8

static int asked;

/* Makes the next item. */
static int next_item(void *context, void *item)
{
    (void)context;
    if (asked == COUNT)
        return 0;
    *(int *)item = asked++;
    return 1;
}

static int square(struct fb_mp_call *call)
{
    int64_t number = *(const int *)call->argument, result = number * number;
    return fb_mp_return(call, &result, sizeof result);
}

static void claim(double at_first)
{
    struct fb_interval python = lesson_python("made");
    bool lazy = at_first <= 4 * AHEAD, eager = python.value > 4 * AHEAD;
    char condition[200] = "in this runtime";
    if (lesson_is_known(python))
        snprintf(condition, sizeof condition, "this runtime's makes %.0f; Python's Pool %s",
                 at_first,
                 eager ? "reads its input without asking whether anybody takes the results"
                       : "does not read far ahead here");
    lesson_claim("C20", "imap is lazy and saves memory",
                 lesson_is_known(python) ? python : fb_median_interval(&at_first, 1),
                 lesson_is_known(python) ? "of 10,000 items made for one result, Python"
                                         : "items made for one result",
                 lazy != eager ? (lazy ? LESSON_HOLDS : LESSON_DOES_NOT_HOLD) : LESSON_DEPENDS,
                 condition);
}

static void run(void)
{
    FB_MP_POOL_SCOPED(pool) = NULL;
    struct fb_error error;
    struct fb_mp_imap *imap;
    const void *result;
    int64_t sum = 0;
    const struct fb_mp_imap_options options = { .ahead = lesson_is_broken() ? COUNT : AHEAD };
    lesson_need(fb_mp_pool_open(&(struct fb_mp_pool_options){ .workers = 2 }, &pool, &error),
                "open a pool");
    lesson_need(
        fb_mp_imap(pool, square, next_item, NULL, sizeof(int), sizeof(int64_t), &options, &imap),
        "imap");
    lesson_need(fb_mp_imap_next(imap, FB_MP_FOREVER, &result, NULL, &error),
                "get the first result");
    int at_first = asked;
    lesson_say("Of %d items %d were made when the first result was received.", COUNT, at_first);
    for (int i = 0; i < 1000; i++)
        if (fb_mp_imap_next(imap, FB_MP_FOREVER, &result, NULL, &error) == 0)
            sum += *(const int64_t *)result;
    lesson_fact(at_first <= 4 * AHEAD, "few items are made before the first result is received");
    lesson_fact(sum == 333833500, "the next 1,000 squares are correct and in order: 333833500");
    claim(at_first);
    fb_mp_imap_free(imap);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "lazy_map",
        .title = "A lazy map",
        .rows = "M2 C20",
        .question = "imap goes through a source of 100,000 items and returns results one by "
                    "one. How many items has it taken from the source when you receive the "
                    "first result?",
        .choices = { "all of them", "a few", "one" },
        .answer = 'b',
        .explains = "It takes a few items in advance to keep the workers busy, and no more. "
                    "So input and results never fill the memory, and the source may even be "
                    "infinite. Python's Pool.imap keeps reading even if no results are "
                    "received: only the pipe to its workers (some 64 KiB) limits it, so small "
                    "items are read far in advance, and results accumulate. A semaphore can "
                    "limit it.",
        .next = "Set ahead to 1: is it slower? Let the source read the lines of a huge "
                "file.",
        .breaks = "it may read 100,000 items in advance.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
