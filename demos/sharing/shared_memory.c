/* One process writes numbers into a named segment; another process finds them by the name. */
#include "demos/lesson/lesson.h"

#include "base/error.h"
#include "harness/mp/process/process.h"
#include "harness/mp/channel/shm.h"
#include "harness/mp/sync/value.h"

#include <errno.h>
#include <string.h>

#define COUNT 1000

struct order {
    char name[64]; /* all that the other process gets */
};

/* Runs in a spawned process, which shares no memory with the process that started it. */
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
    number[0] = sum; /* the result, for the other process */
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
    lesson_say("The sum is %g in this process and %g in the other one.", sum, number[0]);
    lesson_fact(number[0] == sum,
                "another process finds the 1,000 numbers by name and gets the same sum");
    fb_mp_segment_unlink(fb_mp_segment_name(segment));
    int gone = fb_mp_segment_attach(fb_mp_segment_name(segment), &again);
    lesson_say("After unlink: the name is %s; the number at index 1 is still %g.",
               gone == -ENOENT ? "not found" : "found", number[1]);
    lesson_fact(gone == -ENOENT && number[1] == 0.5,
                "after unlink, the name is gone, but a process that has the memory keeps it");
    fb_mp_segment_close(segment);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "shared_memory",
        .title = "Shared memory by name",
        .rows = "M9 W12",
        .question = "A process writes into a named segment of shared memory and removes the name. "
                    "What happens to the memory, which another process has attached?",
        .choices = { "it is gone at once", "it stays until the last process closes it",
                     "it becomes private" },
        .answer = 'b',
        .explains =
            "Name and memory are two things, as with files: close ends a process's use of the "
            "memory, unlink removes the name. The memory is freed when no name and no process is "
            "left. A program that forgets to unlink leaves a segment in /dev/shm; the runtime has "
            "a tracker process that removes the segments of terminated programs.",
        .next = "Let the program wait for a minute before it unlinks, and look into /dev/shm. Kill "
                "it with -9: is the segment still there?",
        .breaks = "the other process gets a name that does not exist.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson,
                       (const struct fb_mp_task[]){ FB_MP_RUN(sum_up), { 0 } });
}
