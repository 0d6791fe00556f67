/* A worker is killed in the middle of a task, and the process that waits for the result gets an error. */
#include "demos/lesson/lesson.h"

#include "base/error.h"
#include "harness/mp/pool/future.h"
#include "harness/mp/pool/pool.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 9
#define REPORTED                                                                                   \
    "a process that waits for a task of a killed worker gets an error instead of waiting for ever"

static int crash(struct fb_mp_call *call)
{
    if (*(const bool *)call->argument)
        kill(getpid(), SIGKILL);
    return 0;
}

static void judge(bool reported, struct fb_interval until)
{
    struct fb_interval pool = lesson_python("pool_told");
    struct fb_interval executor = lesson_python("executor_ms");
    char condition[200] = "in this runtime";
    bool silent = lesson_is_known(pool) ? pool.value == 0 : !reported;
    if (lesson_is_known(pool))
        snprintf(condition, sizeof condition,
                 "Python's Pool %s, its ProcessPoolExecutor reports it after %.2g ms, this runtime "
                 "after %.2g ms",
                 silent ? "reports nothing within a second" : "reports it", executor.value,
                 until.value);
    lesson_claim("C14", "a child's crash is silent in the parent", until, "ms until it is told",
                 reported == silent ? LESSON_DEPENDS
                 : reported         ? LESSON_DOES_NOT_HOLD
                                    : LESSON_HOLDS,
                 condition);
}

/* Broken: a child that answers through a plain pipe whose write end its parent has forgotten to close, a
 * common mistake. Returns whether the wait for an answer timed out. */
static bool wait_times_out(void)
{
    int ends[2];
    lesson_need(pipe(ends) < 0 ? -errno : 0, "make a pipe");
    pid_t pid = fork();
    if (pid == 0)
        kill(getpid(), SIGKILL);
    lesson_need(pid < 0 ? -errno : 0, "fork");
    struct pollfd answer = { .fd = ends[0], .events = POLLIN };
    int ready = poll(&answer, 1, 500);
    waitpid(pid, NULL, 0);
    close(ends[0]);
    close(ends[1]);
    lesson_say("The waiting process gets: %s",
               ready == 0 ? "nothing, and gives up" : "the end of the pipe");
    return ready == 0;
}

static void run(void)
{
    FB_MP_POOL_SCOPED(pool) = NULL;
    struct fb_error error = { 0 };
    struct fb_mp_future *future;
    double report_ms[ROUNDS];
    int result = 0;
    bool reported = true;
    const bool crashes = true, survives = false;
    if (lesson_is_broken()) {
        lesson_fact(!wait_times_out(), REPORTED);
        return;
    }
    lesson_need(fb_mp_pool_open(&(struct fb_mp_pool_options){ .workers = 2 }, &pool, &error),
                "open a pool");
    for (int i = 0; i < ROUNDS; i++) {
        int64_t start = fb_mp_now();
        lesson_need(fb_mp_submit(pool, crash, &crashes, sizeof crashes, NULL, &future), "submit");
        result = fb_mp_future_result(future, FB_MP_FOREVER, NULL, NULL, &error);
        report_ms[i] = (double)(fb_mp_now() - start) / 1e6;
        reported &= result == -EOWNERDEAD && strstr(error.text, "signal 9");
        fb_mp_future_free(future);
    }
    lesson_say("The waiting process gets: %s", result < 0 ? error.text : "nothing went wrong");
    lesson_need(fb_mp_submit(pool, crash, &survives, sizeof survives, NULL, &future), "submit");
    int next = fb_mp_future_result(future, FB_MP_FOREVER, NULL, NULL, &error);
    lesson_say("The next task: %s", next == 0 ? "done, by a new worker" : error.text);
    fb_mp_future_free(future);
    lesson_fact(reported, REPORTED);
    judge(reported, fb_median_interval(report_ms, ROUNDS));
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "crash",
        .title = "A crash is not silent",
        .rows = "M11 C14",
        .question = "The kernel kills a worker of a pool, for example for lack of memory, while it "
                    "works on your task. You wait for the result. What happens?",
        .choices = { "you wait for ever", "you get an error: the worker was killed",
                     "another worker repeats the task, and you never notice" },
        .answer = 'b',
        .explains = "The pool watches its workers. If one ends unexpectedly, its task fails with "
                    "an error that says how the worker ended, a new worker replaces it, and all "
                    "other tasks continue. Python's multiprocessing.Pool replaces the worker but "
                    "loses its task, so you wait for ever. Python's ProcessPoolExecutor reports an "
                    "error, but is broken from then on: all its other tasks fail, too.",
        .next = "Open the pool with retries = 1 and kill the worker only the first time. Let a "
                "task sleep for a minute, and kill its worker from another terminal.",
        .breaks = "a child process without a pool, which nobody watches.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
