/* A pool of four workers squares the numbers 0 to 9, and the results come in the order of the numbers. */
#include "lesson.h"

#include "harness/mp/map.h"
#include "harness/mp/pool.h"

#include "base/error.h"

#include <stdio.h>
#include <string.h>

#define COUNT 10

static int square(struct fb_mp_call *call)
{
    int number = *(const int *)call->argument, result = number * number;
    return fb_mp_return(call, &result, sizeof result);
}

static void run(void)
{
    FB_MP_POOL_SCOPED(pool) = NULL;
    struct fb_error error;
    int number[COUNT], result[COUNT];
    char text[100] = "";
    for (int i = 0; i < COUNT; i++)
        number[i] = lesson_is_broken() ? COUNT - 1 - i : i;
    lesson_need(fb_mp_pool_open(&(struct fb_mp_pool_options){ .workers = 4 }, &pool, &error),
                "open a pool");
    lesson_need(fb_mp_map(pool, square, number, COUNT, sizeof *number, result, sizeof *result, NULL,
                          &error),
                "map");
    for (int i = 0; i < COUNT; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%d", i ? " " : "", result[i]);
    lesson_say("%s", text);
    lesson_fact(strcmp(text, "0 1 4 9 16 25 36 49 64 81") == 0,
                "the results are in order: 0 1 4 9 16 25 36 49 64 81");
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "pool_map",
        .title = "A pool, and map",
        .rows = "M2 W11",
        .question = "Four workers square the numbers 0 to 9; whoever is free takes the next. In "
                    "which order "
                    "does map give the results?",
        .choices = { "in the order of the numbers", "in the order in which they were done",
                     "worker by worker" },
        .answer = 'a',
        .explains =
            "Map remembers which item each result belongs to and puts it there. Who computed it, "
            "and "
            "when, does not show. That is why map is the first thing to try: it looks like a "
            "plain loop.",
        .next = "Use imap_unordered, which gives each result as soon as it is done, and let one "
                "item take "
                "longer than the others.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
