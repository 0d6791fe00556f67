/* Four processes append their numbers to a list in a manager. */
#include "demos/lesson/lesson.h"

#include "base/error.h"
#include "harness/mp/manager/manager.h"
#include "harness/mp/manager/object.h"
#include "harness/mp/sync/sync.h"

#include <stdio.h>
#include <string.h>

#define PROCESSES 4
#define ROUNDS 100

struct order {
    struct fb_mp_proxy *list;
    struct fb_mp_event *after, *done; /* waits for after (NULL: does not wait), then sets done */
    int number;
};

static int append(const void *argument, size_t size)
{
    const struct order *order = argument;
    (void)size;
    if (order->after)
        fb_mp_event_wait(order->after, FB_MP_FOREVER);
    int result = fb_mp_list_append(order->list, fb_mp_integer(order->number));
    fb_mp_event_set(order->done);
    return result < 0;
}

/* Four processes append; each waits for none, the next or the previous one. *ret_text: "3 2 1 0". */
enum waits { FOR_NONE, FOR_THE_NEXT, FOR_THE_PREVIOUS };
static void append_all(struct fb_mp_manager *manager, enum waits waits, char *ret_text, size_t size)
{
    struct fb_mp_proxy *list;
    struct fb_mp_event *done[PROCESSES];
    lesson_need(fb_mp_list_make(manager, &list), "make a list");
    for (int i = 0; i < PROCESSES; i++)
        lesson_need(fb_mp_event_make(&done[i]), "make an event");
    for (int i = 0; i < PROCESSES; i++) {
        int other = waits == FOR_THE_NEXT ? i + 1 : waits == FOR_THE_PREVIOUS ? i - 1 : -1;
        struct fb_mp_event *after = other >= 0 && other < PROCESSES ? done[other] : NULL;
        lesson_start(append, &(struct order){ list, after, done[i], i }, sizeof(struct order));
    }
    lesson_join_all();
    ret_text[0] = '\0';
    for (int i = 0; i < PROCESSES; i++) {
        struct fb_mp_object value;
        lesson_need(fb_mp_list_get(list, i, &value), "read the list");
        snprintf(ret_text + strlen(ret_text), size - strlen(ret_text), "%s%d", i ? " " : "",
                 (int)value.integer);
        fb_mp_object_free(&value);
    }
    for (int i = 0; i < PROCESSES; i++)
        fb_mp_event_free(done[i]);
    fb_mp_proxy_close(list);
}

static void run(void)
{
    struct fb_mp_manager *manager;
    struct fb_error error;
    char text[40];
    double otherwise = 0;
    lesson_need(fb_mp_manager_start(FB_MP_FORK, &manager, &error), "start a manager");
    for (int i = 0; i < ROUNDS; i++) {
        append_all(manager, FOR_NONE, text, sizeof text);
        otherwise += strcmp(text, "0 1 2 3") != 0;
    }
    lesson_say("without waiting: another order than 0 1 2 3 in %.0f of %d rounds", otherwise,
               ROUNDS);
    append_all(manager, lesson_is_broken() ? FOR_THE_PREVIOUS : FOR_THE_NEXT, text, sizeof text);
    lesson_say("each waits until the next one has appended: %s", text);
    lesson_fact(strcmp(text, "3 2 1 0") == 0,
                "the list is in the order of the requests, not of the starts: 3 2 1 0");
    lesson_claim("C21", "four processes appending to a manager's list give [0, 1, 2, 3]",
                 fb_median_interval(&otherwise, 1), "of 100 rounds in another order",
                 otherwise > 0 ? LESSON_DOES_NOT_HOLD : LESSON_DEPENDS,
                 otherwise > 0 ? "the order is that in which the requests arrive"
                               : "this was the order each time, but it is not guaranteed");
    fb_mp_manager_close(manager);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "who_appended_first",
        .title = "Who appended first",
        .rows = "M10 C21",
        .question = "Four processes are started one after the other, 0 first, and each appends its "
                    "number to the same list. Is the list 0 1 2 3 at the end?",
        .choices = { "yes: they were started in that order",
                     "not necessarily: requests are done as they arrive", "no: numbers get lost" },
        .answer = 'b',
        .explains = "A manager is a process that has the list. The other processes send it "
                    "requests to append, and it does one after the other, so nothing is lost. But "
                    "nothing guarantees which process sends its request first. Here each process "
                    "waits until the next one has appended: that order is as correct as any other.",
        .next = "Let each process work for a while before it appends: how often is the order 0 1 2 "
                "3? Append pairs of (number, time) and sort them.",
        .breaks = "each process waits for the previous one, not for the next.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
