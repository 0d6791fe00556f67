/* Numbers that one process writes into a named segment, and another one finds by the name. */
#include "demos/lesson/lesson.h"

#include "base/error.h"
#include "harness/mp/process/process.h"
#include "harness/mp/channel/shm.h"
#include "harness/mp/sync/value.h"

#include <errno.h>
#include <string.h>

#define COUNT 1000

struct order {
    char name[64]; /* all that it is told */
};

/* In a fresh image, which has no memory in common with the one that started it. */
static int sum_up(const void *argument, size_t size)
{
    struct fb_mp_segment *segment;
    double sum = 0;
    (void)size;
    if (fb_mp_segment_attach(((const struct order *)argument)->name, &segment) < 0)
        return 1;
    double *number = fb_mp_segment_memory(segment);
    for (int i = 0; i < COUNT; i++)
        sum += number[i];
    number[0] = sum; /* for who reads it next */
    fb_mp_segment_close(segment);
    return 0;
}

static void run(void)
{
    struct fb_mp_segment *segment, *again;
    struct fb_mp_process *process;
    struct fb_error error;
    struct order order;
    double sum = 0;
    lesson_need(fb_mp_segment_create(NULL, COUNT * sizeof(double), &segment), "create a segment");
    double *number = fb_mp_segment_memory(segment);
    for (int i = 0; i < COUNT; i++)
        sum += number[i] = i * 0.5;
    strncpy(order.name, lesson_is_broken() ? "nobody" : fb_mp_segment_name(segment),
            sizeof order.name);
    const struct fb_mp_process_options options = {
        .run = sum_up, .argument = &order, .size = sizeof order, .method = FB_MP_SPAWN
    };
    lesson_need(fb_mp_process_start(&options, &process, &error), "spawn");
    fb_mp_process_join(process, FB_MP_FOREVER);
    fb_mp_process_close(process);
    lesson_say("The segment is called %s.", fb_mp_segment_name(segment));
    lesson_say("The sum here is %g, the other process found %g.", sum, number[0]);
    lesson_fact(number[0] == sum,
                "1,000 numbers, found by name in another process, have the same sum");
    fb_mp_segment_unlink(fb_mp_segment_name(segment));
    int gone = fb_mp_segment_attach(fb_mp_segment_name(segment), &again);
    lesson_say("After unlinking: by its name %s; number 1 in it is %g.",
               gone == -ENOENT ? "not found" : "found", number[1]);
    lesson_fact(gone == -ENOENT && number[1] == 0.5,
                "unlinked: the name is gone, the memory stays for who has it");
    fb_mp_segment_close(segment);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "shared_memory",
        .title = "Shared memory by name",
        .rows = "M9 W12",
        .question = "A process writes into a named segment of shared memory and removes the "
                    "name. What becomes of the memory that another process has attached?",
        .choices = { "it is gone at once", "it stays until the last process that has it closes it",
                     "it becomes private" },
        .answer = 'b',
        .explains = "Name and memory are two things, as with files: close ends a process's use, "
                    "unlink removes the name. Memory goes when it has neither. Who forgets to "
                    "unlink leaves a segment in /dev/shm; the runtime has a tracker that "
                    "removes what dead programs left.",
        .next = "Let it wait for a minute before it unlinks, and look into /dev/shm. Kill it with "
                "-9: is "
                "the segment still there?",
        .breaks = "the other process is told a name that nobody has.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson,
                       (const struct fb_mp_task[]){ FB_MP_RUN(sum_up), { 0 } });
}
