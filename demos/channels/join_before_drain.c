/* A process joins a producer before it takes the producer's messages from the queue. */
#include "demos/lesson/lesson.h"

#include "base/error.h"
#include "harness/mp/process/process.h"
#include "harness/mp/channel/queue.h"

#include <errno.h>
#include <string.h>

#define MESSAGES 20
#define ROOM 4
#define BYTES 50000

static int produce(const void *argument, size_t size)
{
    static char message[BYTES];
    struct fb_mp_queue *queue = *(struct fb_mp_queue *const *)argument;
    (void)size;
    for (int i = 0; i < MESSAGES; i++)
        if (fb_mp_queue_put(queue, message, sizeof message, FB_MP_FOREVER) < 0)
            return 1;
    return 0;
}

static void run(void)
{
    static char message[BYTES];
    struct fb_mp_queue *queue;
    struct fb_mp_process *process;
    struct fb_error error;
    size_t size;
    int taken = 0;
    lesson_need(fb_mp_queue_make(lesson_is_broken() ? MESSAGES : ROOM, &queue), "make a queue");
    const struct fb_mp_process_options options = {
        .run = produce, .argument = &queue, .size = sizeof queue, .daemon = true
    };
    lesson_need(fb_mp_process_start(&options, &process, &error), "start a process");
    int early =
        fb_mp_process_join(process, lesson_is_broken() ? 30 * FB_MP_SECOND : FB_MP_SECOND / 2);
    lesson_say("Joined before any message was taken: %s",
               early == 0 ? "the producer has ended" : "the producer has not ended");
    while (taken < MESSAGES &&
           fb_mp_queue_get(queue, message, sizeof message, FB_MP_FOREVER, &size) == 0)
        taken++;
    int late = fb_mp_process_join(process, 30 * FB_MP_SECOND);
    lesson_say("After %d messages were taken: %s", taken,
               late == 0 ? "the producer has ended" : "the producer has not ended");
    lesson_fact(early == -ETIMEDOUT,
                "a producer with messages left to put does not end before somebody takes messages");
    lesson_fact(late == 0 && taken == MESSAGES,
                "drain first, then join: all 20 messages arrived, and the producer ended");
    const double here = early == -ETIMEDOUT;
    struct fb_interval python = lesson_python("stuck");
    bool stuck = lesson_is_known(python) ? python.value > 0 : here > 0;
    bool both = !lesson_is_known(python) || python.value == here;
    lesson_claim("C19", "after joining the producers, read with 'while not empty'",
                 lesson_is_known(python) ? python : fb_median_interval(&here, 1),
                 lesson_is_known(python) ? "of 1 producer stuck when joined first, Python"
                                         : "of 1 producer stuck when joined first",
                 !both   ? LESSON_DEPENDS
                 : stuck ? LESSON_DOES_NOT_HOLD
                         : LESSON_HOLDS,
                 stuck || !both
                     ? "joining first waits for ever unless the queue has room for all messages"
                     : NULL);
    fb_mp_process_close(process);
    fb_mp_queue_free(queue);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "join_before_drain",
        .title = "Joining before draining",
        .rows = "M5 C19",
        .question = "A child puts more messages into a queue than it has room for. The parent "
                    "joins the child first and plans to read the queue afterwards. What happens?",
        .choices = { "the child ends, and the parent reads", "both wait for ever",
                     "the queue drops messages that have no room" },
        .answer = 'b',
        .explains =
            "The child can't end before it has put all messages, and nobody takes messages while "
            "the parent waits for the child: a deadlock. (In Python this happens even if the queue "
            "has no limit, because messages pass through a pipe, which holds about 64 KiB.) So "
            "first take all messages, up to the end marks; then join.",
        .next = "Give the queue room for all messages. Why does a loop 'while not empty' not drain "
                "the queue while the producer is still running?",
        .breaks = "the queue has room for all messages.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
