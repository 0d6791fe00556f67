/* A worker at the other end of a two-way pipe answers each message until it receives QUIT. */
#include "demos/lesson/lesson.h"

#include "harness/mp/channel/connection.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define WHOLE "three messages get three answers, in order and each whole: ONE TWO THREE"

struct order {
    struct fb_mp_connection *mine, *other;
};

static int answer(const void *argument, size_t size)
{
    const struct order *order = argument;
    char text[64];
    (void)size;
    fb_mp_connection_close(order->other); /* otherwise its own copy would keep that end open */
    while (fb_mp_receive(order->mine, text, sizeof text, FB_MP_FOREVER, &size) == 0) {
        if (size == 4 && memcmp(text, "QUIT", 4) == 0)
            break;
        for (size_t i = 0; i < size; i++)
            text[i] = (char)toupper(text[i]);
        if (fb_mp_send(order->mine, text, size) < 0)
            return 1;
    }
    return 0;
}

static const char *const words[] = { "one", "two", "three" };

/* Broken: a plain pipe is a stream of bytes, not of messages. */
static void use_a_plain_pipe(void)
{
    int ends[2];
    char text[64];
    lesson_need(pipe(ends) < 0 ? -errno : 0, "make a pipe");
    for (int i = 0; i < 3; i++)
        lesson_need(write(ends[1], words[i], strlen(words[i])) < 0 ? -errno : 0, "write");
    ssize_t size = read(ends[0], text, sizeof text);
    lesson_need(size < 0 ? -errno : 0, "read");
    lesson_say("read: [%.*s]", (int)size, text);
    lesson_fact(size == 3, WHOLE);
    close(ends[0]);
    close(ends[1]);
}

static void run(void)
{
    struct fb_mp_connection *here, *there;
    char answers[3][64];
    size_t size[3] = { 0 };
    if (lesson_is_broken()) {
        use_a_plain_pipe();
        return;
    }
    lesson_need(fb_mp_pipe(true, &here, &there), "make a pipe");
    lesson_start(answer, &(struct order){ there, here }, sizeof(struct order));
    fb_mp_connection_close(there);
    for (int i = 0; i < 3; i++)
        lesson_need(fb_mp_send(here, words[i], strlen(words[i])), "send");
    for (int i = 0; i < 3; i++)
        lesson_need(fb_mp_receive(here, answers[i], sizeof answers[i], FB_MP_FOREVER, &size[i]),
                    "receive");
    lesson_need(fb_mp_send(here, "QUIT", 4), "send");
    lesson_join_all();
    lesson_say("received: [%.*s] [%.*s] [%.*s]", (int)size[0], answers[0], (int)size[1], answers[1],
               (int)size[2], answers[2]);
    lesson_fact(size[0] == 3 && memcmp(answers[0], "ONE", 3) == 0 && size[1] == 3 &&
                    memcmp(answers[1], "TWO", 3) == 0 && size[2] == 5 &&
                    memcmp(answers[2], "THREE", 5) == 0,
                WHOLE);
    int end = fb_mp_receive(here, answers[0], sizeof answers[0], FB_MP_FOREVER, size);
    lesson_fact(end == -EPIPE,
                "when the other end is closed, receiving fails instead of waiting for ever");
    fb_mp_connection_close(here);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "pipe",
        .title = "A pipe with two ends",
        .rows = "M6 W13",
        .question = "Three short messages are sent through a pipe before the other side reads. How "
                    "many messages does the reader get?",
        .choices = { "three, as they were sent", "one: they are merged",
                     "it depends on how fast it reads" },
        .answer = 'a',
        .explains =
            "The kernel's pipe is a stream of bytes, in which messages merge. The runtime's pipe, "
            "like Python's Connection, sends each message's length first, so that messages stay "
            "whole. A pipe connects two ends; for many processes at one end, use a queue. When all "
            "copies of one end are closed, receiving at the other end fails.",
        .next = "Don't close the child's end in the parent: then the parent can't detect that the "
                "child is gone. Send a message that is larger than the reader's buffer.",
        .breaks = "three messages are written to a plain pipe and read once.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
