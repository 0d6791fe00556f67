/* A program ends without joining its children: one that is a daemon, and one that is not. */
#include "demos/lesson/lesson.h"

#include "base/error.h"
#include "harness/mp/process/process.h"
#include "harness/mp/sync/sync.h"
#include "harness/mp/sync/value.h"

#include <stdlib.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

struct order {
    struct fb_mp_event *begun;
    struct fb_mp_array *finished; /* an int for each */
    int number;
    bool daemon;
};

static int work(const void *argument, size_t size)
{
    const struct order *order = argument;
    (void)size;
    fb_mp_event_set(order->begun);
    /* It is in the middle of its work when the program ends; who is to be ended has long to go. */
    usleep(order->daemon ? 10000000 : 100000);
    ((volatile int *)order->finished->items)[order->number] = 1;
    return 0;
}

/* A program: starts a child, and ends while that works. */
static int program(const void *argument, size_t size)
{
    const struct order *order = argument;
    const struct fb_mp_process_options options = {
        .run = work, .argument = argument, .size = size, .daemon = order->daemon
    };
    struct fb_mp_process *process;
    struct fb_error error;
    if (fb_mp_process_start(&options, &process, &error) < 0)
        return 1;
    fb_mp_event_wait(order->begun, FB_MP_FOREVER);
    exit(0);
}

static void run(void)
{
    struct fb_mp_array *finished;
    lesson_need(FB_MP_ARRAY(int, 2, false, &finished), "make an array");
    for (int number = 0; number < 2; number++) {
        struct order order = { .finished = finished,
                               .number = number,
                               .daemon = number == 1 || lesson_is_broken() };
        lesson_need(fb_mp_event_make(&order.begun), "make an event");
        lesson_start(program, &order, sizeof order);
        lesson_join_all();
        fb_mp_event_free(order.begun);
    }
    const int *done = finished->items;
    lesson_say("the child has finished its work: %s; the daemon: %s", done[0] ? "yes" : "no",
               done[1] ? "yes" : "no");
    lesson_fact(done[0], "a child that nobody joined is waited for when its program ends");
    lesson_fact(!done[1], "a daemon is not: it is ended");
    const double killed[] = { 2 - done[0] - done[1] };
    lesson_claim("C15", "without join the child may be killed when main ends",
                 fb_median_interval(killed, 1), "of 2 children killed: one of them a daemon",
                 done[0] && !done[1] ? LESSON_DEPENDS
                 : done[0]           ? LESSON_DOES_NOT_HOLD
                                     : LESSON_HOLDS,
                 done[0] && !done[1] ? "of daemons it holds; others are joined at exit" : NULL);
    fb_mp_array_free(finished);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "no_join",
        .title = "Without join",
        .rows = "M1 C15",
        .question =
            "With Python's multiprocessing, or this runtime, a program starts a child that works "
            "for a while, does not join it, and comes to its end. What becomes of the child?",
        .choices = { "it is killed", "the program waits for it", "it goes on alone" },
        .answer = 'b',
        .explains = "The runtime, like Python's, joins at exit all children that are not "
                    "daemons: nothing is cut off by mistake. A daemon is a child that is of no "
                    "use without its parent, and so is ended. (A bare fork in C would leave the "
                    "child to go on alone.)",
        .next = "Let the child work for a minute and kill the program with -9: here both end, in "
                "Python the child goes on. Join explicitly all the same: only then does one learn "
                "the exit code.",
        .breaks = "both children are daemons.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
