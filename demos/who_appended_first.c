/* Four processes append their numbers to a list that a manager keeps. */
#include "lesson.h"

#include "base/error.h"
#include "harness/mp/manager.h"
#include "harness/mp/object.h"
#include "harness/mp/sync.h"

#include <stdio.h>
#include <string.h>

#define PROCESSES 4

struct order {
    struct fb_mp_proxy *list;
    struct fb_mp_event *after, *done; /* what it waits for, what it sets */
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

static void run(void)
{
    struct fb_mp_manager *manager;
    struct fb_mp_proxy *list;
    struct fb_mp_event *done[PROCESSES];
    struct fb_error error;
    char text[40] = "";
    lesson_need(fb_mp_manager_start(FB_MP_FORK, &manager, &error), "start a manager");
    lesson_need(fb_mp_list_make(manager, &list), "make a list");
    for (int i = 0; i < PROCESSES; i++)
        lesson_need(fb_mp_event_make(&done[i]), "make an event");
    for (int i = 0; i < PROCESSES; i++) { /* each is held up until the next one has come */
        struct fb_mp_event *next = i + 1 < PROCESSES ? done[i + 1] : NULL;
        struct fb_mp_event *last = i > 0 ? done[i - 1] : NULL;
        lesson_start(append, &(struct order){ list, lesson_is_broken() ? last : next, done[i], i },
                     sizeof(struct order));
    }
    lesson_join_all();
    for (int i = 0; i < PROCESSES; i++) {
        struct fb_mp_object value;
        lesson_need(fb_mp_list_get(list, i, &value), "read the list");
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%d", i ? " " : "",
                 (int)value.integer);
        fb_mp_object_free(&value);
    }
    lesson_say("started: 0 1 2 3; in the list: %s", text);
    bool reversed = strcmp(text, "3 2 1 0") == 0;
    lesson_fact(reversed, "the list has them as they came, not as they were started: 3 2 1 0");
    lesson_claim("C21", "four processes appending to a manager's list give [0, 1, 2, 3]",
                 FB_INTERVAL_NONE, "an order that is allowed",
                 reversed ? LESSON_DOES_NOT_HOLD : LESSON_HOLDS,
                 "the order is whoever comes first");
    for (int i = 0; i < PROCESSES; i++)
        fb_mp_event_free(done[i]);
    fb_mp_proxy_close(list);
    fb_mp_manager_close(manager);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "who_appended_first",
        .title = "Who appended first",
        .rows = "M10 C21",
        .question = "Four processes are started one after the other, 0 first, and each appends "
                    "its number to the same list. Is the list 0 1 2 3?",
        .choices = { "yes: they were started in that order",
                     "not necessarily: who comes first, stands first", "no: numbers get lost" },
        .answer = 'b',
        .explains = "A manager is a process that keeps the list; the others ask it to append, "
                    "and it does one after the other, so nothing is lost. But nobody promises "
                    "which of four processes gets to its request first. Here each is held up on "
                    "purpose until the next one has appended: that is as allowed as any other "
                    "order.",
        .next = "Take the waiting out and run it a hundred times: how often is it 0 1 2 3? "
                "Append pairs of (number, time) and sort them.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
