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

/* What the workers have in common, in shared memory. */
struct desk {
    struct fb_mp_event *others_done;
    struct fb_mp_array *done; /* how many of the others are */
};

/* 0 waits until all others are done, and broken also taken. */
static int square(struct fb_mp_call *call)
{
    const struct desk *desk = call->bound;
    int number = *(const int *)call->argument, result = number * number;
    if (number == 0)
        fb_mp_event_wait(desk->others_done, 30 * FB_MP_SECOND);
    else if (__atomic_add_fetch((int *)desk->done->items, 1, __ATOMIC_SEQ_CST) == COUNT - 1 &&
             !lesson_is_broken())
        fb_mp_event_set(desk->others_done);
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

/* As they are done, which is what takes the order away. */
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
            fb_mp_event_set(((const struct desk *)bound->bound)->others_done);
    }
    fb_mp_imap_free(imap);
}

static void run(void)
{
    FB_MP_POOL_SCOPED(pool) = NULL;
    struct fb_error error;
    struct desk desk;
    int number[COUNT], result[COUNT];
    char text[100] = "";
    for (int i = 0; i < COUNT; i++)
        number[i] = i;
    lesson_need(fb_mp_event_make(&desk.others_done), "make an event");
    lesson_need(FB_MP_VALUE(int, false, &desk.done), "make a shared number");
    const struct fb_mp_map_options bound = { .bound = &desk,
                                             .bound_size = sizeof desk,
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
    fb_mp_event_free(desk.others_done);
    fb_mp_array_free(desk.done);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "pool_map",
        .title = "A pool, and map",
        .rows = "M2 W11",
        .question = "Four workers square the numbers 0 to 9; whoever is free takes the next, and "
                    "the 0 is done last of all. In which order does map give the results?",
        .choices = { "in the order of the numbers", "in the order in which they were done",
                     "worker by worker" },
        .answer = 'a',
        .explains =
            "Map remembers which item each result belongs to and puts it there. Who computed it, "
            "and "
            "when, does not show. That is why map is the first thing to try: it looks like a "
            "plain loop.",
        .next = "--break uses imap unordered instead, which gives each result as soon as it is "
                "done. When is that what one wants?",
        .breaks = "the results are taken as they come (imap unordered).",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
