/* Several processes write to one log: each line is whole, with the name and id of its process. */
#include "demos/lesson/lesson.h"

#include "harness/mp/sync/barrier.h"
#include "harness/mp/process/log.h"
#include "harness/mp/process/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WORKERS 4
#define LINES 25

static struct fb_mp_barrier *halves; /* broken: all processes have written half a line */
static int log_fd;

static void write_text(const char *text)
{
    lesson_need(write(log_fd, text, strlen(text)) < 0 ? -errno : 0, "write a log");
}

/* Broken: writes each line in two pieces, so that the processes' lines get mixed up. */
static int work(const void *argument, size_t size)
{
    char text[100];
    (void)argument, (void)size;
    for (int i = 0; i < LINES; i++) {
        if (!lesson_is_broken()) {
            fb_mp_log(FB_MP_LOG_INFO, "task %d", i);
            continue;
        }
        snprintf(text, sizeof text, "%s[%d]", fb_mp_self_name(), (int)getpid());
        write_text(text);
        fb_mp_barrier_wait(halves, 30 * FB_MP_SECOND, NULL);
        snprintf(text, sizeof text, " task %d\n", i);
        write_text(text);
    }
    return 0;
}

/* Whether a line is one whole message: "… Process-2[4711] task 7". */
static bool is_whole(const char *line)
{
    int pid, task, end = 0;
    const char *name = strstr(line, "Process-");
    return name && sscanf(name, "Process-%*d[%d] task %d%n", &pid, &task, &end) == 2 &&
           strcmp(name + end, "\n") == 0;
}

static void run(void)
{
    FILE *file = tmpfile();
    char line[300];
    int whole = 0, lines = 0;
    lesson_need(file ? 0 : -errno, "make a file");
    log_fd = fileno(file);
    lesson_need(fcntl(log_fd, F_SETFL, O_APPEND) < 0 ? -errno : 0, "append to a file");
    lesson_need(fb_mp_barrier_make(WORKERS, &halves), "make a barrier");
    fb_mp_log_to(log_fd, FB_MP_LOG_INFO);
    for (int i = 0; i < WORKERS; i++)
        lesson_start(work, NULL, 0);
    lesson_join_all();
    rewind(file);
    while (fgets(line, sizeof line, file)) {
        if (lines++ < 3)
            lesson_say("%.*s", (int)strcspn(line, "\n"), line);
        whole += is_whole(line);
    }
    lesson_say("…");
    fb_mp_log_to(STDERR_FILENO, FB_MP_LOG_OFF);
    lesson_fact(whole == WORKERS * LINES && lines == whole,
                "four processes write to one log: 100 lines, all whole, each with its process's "
                "name and id");
    fb_mp_barrier_free(halves);
    fclose(file);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "look_inside",
        .title = "Looking inside",
        .rows = "M14",
        .question =
            "Four processes write to the same log at the same time. Do their lines get mixed up?",
        .choices = { "no, if each line is written by one call", "yes: they are different processes",
                     "no: the file is locked" },
        .answer = 'a',
        .explains = "The bytes that one call writes to a file in append mode stay together; a line "
                    "that is written in pieces does not. And as all lines look alike, each names "
                    "its process: the name that it was started with, and the process id that ps, "
                    "top, gdb and perf use.",
        .next = "Run another lesson with FB_MP_LOG=debug: it shows what the runtime does. Run this "
                "one with FB_DEBUG_WAIT=Process-2: that process prints how to attach a debugger "
                "(gdb -p) and waits for it.",
        .breaks = "each line is written in two pieces.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
