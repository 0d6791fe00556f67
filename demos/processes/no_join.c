/* A program ends without joining its child: once the child is a daemon, once it is not. */
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
    /* The program ends during this work. The daemon's work takes so long that it can't finish first. */
    usleep(order->daemon ? 10000000 : 100000);
    ((volatile int *)order->finished->items)[order->number] = 1;
    return 0;
}

/* A program that starts a child and ends while the child is working. */
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
    lesson_say("Has the child finished its work? %s. And the daemon? %s.", done[0] ? "yes" : "no",
               done[1] ? "yes" : "no");
    lesson_fact(done[0], "a program that ends waits for a child that it has not joined");
    lesson_fact(!done[1], "it does not wait for a daemon, but terminates it");
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
            "With Python's multiprocessing, or with this runtime, a program starts a child that "
            "works for a while, and ends without joining it. What happens to the child?",
        .choices = { "it is killed", "the program waits for it", "it continues alone" },
        .answer = 'b',
        .explains = "Like Python's, the runtime joins all children that are not daemons when the "
                    "program exits, so no work is cut off by mistake. A daemon is a child that is "
                    "useless without its parent, so it is terminated. (After a plain fork in C, "
                    "the child would continue alone.)",
        .next = "Let the child work for a minute and kill the program with -9: here both end; in "
                "Python the child continues. Join explicitly all the same: only then can you read "
                "the exit code.",
        .breaks = "both children are daemons.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
