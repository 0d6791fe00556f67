/* A worker is killed in the middle of a task: who waits for it is told. */
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
#define ASKED "who waits for a task whose worker was killed is told, and does not wait for ever"

static int die(struct fb_mp_call *call)
{
    if (*(const bool *)call->argument)
        kill(getpid(), SIGKILL);
    return 0;
}

static void claim(bool told, struct fb_interval until)
{
    struct fb_interval pool = lesson_python("pool_told");
    struct fb_interval executor = lesson_python("executor_ms");
    char condition[200] = "in this runtime";
    bool silent = lesson_is_known(pool) ? pool.value == 0 : !told;
    if (lesson_is_known(pool))
        snprintf(condition, sizeof condition,
                 "Python's Pool %s, its ProcessPoolExecutor tells after %.2g ms, this runtime "
                 "after %.2g ms",
                 silent ? "says nothing within a second" : "tells", executor.value, until.value);
    lesson_claim("C14", "a child's crash is silent in the parent", until, "ms until it is told",
                 told == silent ? LESSON_DEPENDS
                 : told         ? LESSON_DOES_NOT_HOLD
                                : LESSON_HOLDS,
                 condition);
}

/* Broken: a child that answers through a bare pipe of the system, of which its parent still holds the end
 * to write to, as is easily forgotten. Whether the wait for an answer had to be given up. */
static bool wait_for_nobody(void)
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
    lesson_say("The waiter gets: %s", ready == 0 ? "nothing, and gives up" : "the end of the pipe");
    return ready == 0;
}

static void run(void)
{
    FB_MP_POOL_SCOPED(pool) = NULL;
    struct fb_error error = { 0 };
    struct fb_mp_future *future;
    double told_ms[ROUNDS];
    int result = 0;
    bool told = true;
    const bool dies = true, lives = false;
    if (lesson_is_broken()) {
        lesson_fact(!wait_for_nobody(), ASKED);
        return;
    }
    lesson_need(fb_mp_pool_open(&(struct fb_mp_pool_options){ .workers = 2 }, &pool, &error),
                "open a pool");
    for (int i = 0; i < ROUNDS; i++) {
        int64_t start = fb_mp_now();
        lesson_need(fb_mp_submit(pool, die, &dies, sizeof dies, NULL, &future), "submit");
        result = fb_mp_future_result(future, FB_MP_FOREVER, NULL, NULL, &error);
        told_ms[i] = (double)(fb_mp_now() - start) / 1e6;
        told &= result == -EOWNERDEAD && strstr(error.text, "signal 9");
        fb_mp_future_free(future);
    }
    lesson_say("The waiter gets: %s", result < 0 ? error.text : "nothing went wrong");
    lesson_need(fb_mp_submit(pool, die, &lives, sizeof lives, NULL, &future), "submit");
    int next = fb_mp_future_result(future, FB_MP_FOREVER, NULL, NULL, &error);
    lesson_say("The next task: %s", next == 0 ? "done, by a new worker" : error.text);
    fb_mp_future_free(future);
    lesson_fact(told, ASKED);
    claim(told, fb_median_interval(told_ms, ROUNDS));
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "crash",
        .title = "A crash is not silent",
        .rows = "M11 C14",
        .question = "A worker of a pool is killed by the system (out of memory, say) while it "
                    "works on your task. You wait for the result. What happens?",
        .choices = { "you wait for ever", "you are told that the worker was killed",
                     "another worker does it, and you never hear of it" },
        .answer = 'b',
        .explains = "The pool watches its workers: when one ends unasked, its task fails with "
                    "how it ended, a new worker takes its place, and all other tasks go on. "
                    "Python's multiprocessing.Pool replaces the worker, but loses its task: the "
                    "waiter hangs for ever; its "
                    "ProcessPoolExecutor tells, but is broken then and all its other tasks fail "
                    "too.",
        .next = "Open the pool with retries = 1 and let the worker die only the first time. "
                "Let a task sleep for a minute, and kill its worker from another terminal.",
        .breaks = "a bare child process instead of a pool, which nobody watches.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
