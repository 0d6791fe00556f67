/* A pool of four workers squares the numbers 0 to 9, and the results come in the order of the numbers. */
#include "demos/lesson/lesson.h"

#include "base/error.h"
#include "harness/mp/pool/map.h"
#include "harness/mp/pool/pool.h"
#include "harness/mp/sync/sync.h"
#include "harness/mp/sync/value.h"

#include <stdio.h>
#include <string.h>

#define COUNT 10

/* In shared memory, for all workers. */
struct shared {
    struct fb_mp_event *others_done;
    struct fb_mp_array *done; /* how many of the others are done */
};

/* 0 waits until all others are done; with --break, until their results have been received too. */
static int square(struct fb_mp_call *call)
{
    const struct shared *shared = call->bound;
    int number = *(const int *)call->argument, result = number * number;
    if (number == 0)
        fb_mp_event_wait(shared->others_done, 30 * FB_MP_SECOND);
    else if (__atomic_add_fetch((int *)shared->done->items, 1, __ATOMIC_SEQ_CST) == COUNT - 1 &&
             !lesson_is_broken())
        fb_mp_event_set(shared->others_done);
    return fb_mp_return(call, &result, sizeof result);
}

struct numbers {
    const int *number;
    int taken;
};

static int next_number(void *context, void *item)
{
    struct numbers *numbers = context;
    if (numbers->taken == COUNT)
        return 0;
    *(int *)item = numbers->number[numbers->taken++];
    return 1;
}

/* Receives the results as they are done, so without their order. */
static void map_unordered(struct fb_mp_pool *pool, const int *number, int *result,
                          const struct fb_mp_map_options *bound)
{
    struct fb_error error;
    struct fb_mp_imap *imap;
    struct numbers numbers = { number, 0 };
    const struct fb_mp_imap_options options = { .map = *bound, .unordered = true, .ahead = COUNT };
    lesson_need(fb_mp_imap(pool, square, next_number, &numbers, sizeof *number, sizeof *result,
                           &options, &imap),
                "imap");
    for (int i = 0; i < COUNT; i++) {
        const void *one;
        lesson_need(fb_mp_imap_next(imap, FB_MP_FOREVER, &one, NULL, &error), "get a result");
        result[i] = *(const int *)one;
        if (i == COUNT - 2)
            fb_mp_event_set(((const struct shared *)bound->bound)->others_done);
    }
    fb_mp_imap_free(imap);
}

static void run(void)
{
    FB_MP_POOL_SCOPED(pool) = NULL;
    struct fb_error error;
    struct shared shared;
    int number[COUNT], result[COUNT];
    char text[100] = "";
    for (int i = 0; i < COUNT; i++)
        number[i] = i;
    lesson_need(fb_mp_event_make(&shared.others_done), "make an event");
    lesson_need(FB_MP_VALUE(int, false, &shared.done), "make a shared number");
    const struct fb_mp_map_options bound = { .bound = &shared,
                                             .bound_size = sizeof shared,
                                             .chunk = 1 };
    lesson_need(fb_mp_pool_open(&(struct fb_mp_pool_options){ .workers = 4 }, &pool, &error),
                "open a pool");
    if (lesson_is_broken())
        map_unordered(pool, number, result, &bound);
    else
        lesson_need(fb_mp_map(pool, square, number, COUNT, sizeof *number, result, sizeof *result,
                              &bound, &error),
                    "map");
    for (int i = 0; i < COUNT; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%d", i ? " " : "", result[i]);
    lesson_say("the 0 was done last; the results: %s", text);
    lesson_fact(strcmp(text, "0 1 4 9 16 25 36 49 64 81") == 0,
                "the results are in order: 0 1 4 9 16 25 36 49 64 81");
    fb_mp_event_free(shared.others_done);
    fb_mp_array_free(shared.done);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "pool_map",
        .title = "A pool, and map",
        .rows = "M2 W11",
        .question = "Four workers square the numbers 0 to 9. Each worker that becomes free "
                    "takes the next number, and the 0 is done last. In which order does map "
                    "return the results?",
        .choices = { "in the order of the numbers", "in the order in which they were done",
                     "worker by worker" },
        .answer = 'a',
        .explains = "Map remembers which item each result belongs to and puts it in that "
                    "place. Which worker computed it, and when, makes no difference. That is "
                    "why you should try map first: it looks like a plain loop.",
        .next = "--break uses imap unordered instead, which returns each result as soon "
                "as it is done. When do you want that?",
        .breaks = "the results are received as they are done (imap unordered).",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
