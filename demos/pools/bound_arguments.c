/* A task with one argument bound in advance, and tasks with two arguments. */
#include "demos/lesson/lesson.h"

#include "base/error.h"
#include "harness/mp/pool/map.h"
#include "harness/mp/pool/pool.h"

#include <string.h>

/* Adds the bound argument, if there is one, to the item. */
static int add_bound(struct fb_mp_call *call)
{
    int sum = (call->bound_size ? *(const int *)call->bound : 0) + *(const int *)call->argument;
    return fb_mp_return(call, &sum, sizeof sum);
}

/* Adds the two arguments of the item. */
static int add_pair(struct fb_mp_call *call)
{
    const int *pair = call->argument;
    int sum = pair[0] + pair[1];
    return fb_mp_return(call, &sum, sizeof sum);
}

static void run(void)
{
    FB_MP_POOL_SCOPED(pool) = NULL;
    struct fb_error error;
    const int left[] = { 0, 1, 2, 3 }, right[] = { 10, 10, 10, 10 };
    const int ten = 10;
    int partial[4], star[4];
    lesson_need(fb_mp_pool_open(&(struct fb_mp_pool_options){ .workers = 2 }, &pool, &error),
                "open a pool");
    const struct fb_mp_map_options bound = { .bound = &ten,
                                             .bound_size = lesson_is_broken() ? 0 : sizeof ten };
    lesson_need(
        fb_mp_map(pool, add_bound, left, 4, sizeof *left, partial, sizeof *partial, &bound, &error),
        "map");
    const struct fb_mp_column columns[] = { { left, sizeof *left }, { right, sizeof *right } };
    lesson_need(fb_mp_starmap(pool, add_pair, columns, 2, 4, star, sizeof *star, NULL, &error),
                "starmap");
    lesson_say("one bound: %d %d %d %d", partial[0], partial[1], partial[2], partial[3]);
    lesson_say("pairs:     %d %d %d %d", star[0], star[1], star[2], star[3]);
    lesson_fact(partial[0] == 10 && partial[3] == 13,
                "10 bound to the first argument: 10 11 12 13");
    lesson_fact(star[0] == 10 && star[3] == 13, "pairs of arguments give the same");
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "bound_arguments",
        .title = "Arguments bound in advance",
        .rows = "M2 W10",
        .question = "map passes each item to a function of one argument. Your function takes "
                    "two, and the first is always 10. What can you do?",
        .choices = { "it is not possible with map", "bind the 10 in advance, or pass pairs",
                     "write a second function for each number" },
        .answer = 'b',
        .explains = "An argument that all calls have in common is bound once. Here it is sent "
                    "once for a map, in Python (functools.partial) with every chunk. "
                    "Arguments that differ are passed as tuples (starmap).",
        .next = "Bind something large, a megabyte, and compare the time with sending it "
                "in each pair. Why is a global variable not a good way to pass it?",
        .breaks = "no argument is bound.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
