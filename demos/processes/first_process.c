/* Starts a child process, waits for it, and reads its exit code. */
#include "demos/lesson/lesson.h"

#include "harness/mp/process/process.h"

#include "base/error.h"

#include <unistd.h>

static int child(const void *argument, size_t size)
{
    (void)size;
    return *(const int *)argument;
}

static void run(void)
{
    const int code = lesson_is_broken() ? 0 : 7;
    const struct fb_mp_process_options options = {
        .run = child, .argument = &code, .size = sizeof code, .name = "Ada"
    };
    struct fb_mp_process *process;
    struct fb_error error;
    lesson_need(fb_mp_process_start(&options, &process, &error), "start a process");
    pid_t pid = fb_mp_process_pid(process);
    lesson_say("I am process %d; I started %s, which is process %d.", (int)getpid(),
               fb_mp_process_name(process), (int)pid);
    lesson_need(fb_mp_process_join(process, FB_MP_FOREVER), "wait for it");
    int exit_code = 0;
    fb_mp_process_exit_code(process, &exit_code);
    lesson_say("Its exit code is %d.", exit_code);
    lesson_fact(pid != getpid(), "the child is another process");
    lesson_fact(!fb_mp_process_is_alive(process), "it has ended after the join");
    lesson_fact(exit_code == 7, "the parent reads its exit code: 7");
    fb_mp_process_close(process);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "first_process",
        .title = "A first process",
        .rows = "M1",
        .question = "A program starts a child process whose function returns 7, and waits for it. "
                    "How does the program get the 7?",
        .choices = { "not at all: it is another process", "as the child's exit code",
                     "as the return value of the call that started it" },
        .answer = 'b',
        .explains =
            "A process has its own memory, so it can't simply return its function's result. When a "
            "process ends, the kernel keeps one small number until the parent asks for it: the "
            "exit code, 0 to 255. The call that starts a process returns at once; join waits.",
        .next = "Return 300 (only eight bits arrive). Kill the child with signal 9 (the code is "
                "then -9: minus the signal). Leave out the join.",
        .breaks = "the child returns 0, as any child that ends normally does.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
