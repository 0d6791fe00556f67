/* Interpreters that are killed, or whose parent is killed: the error says so, and no process is
 * left. */
#include "tests/support/support.h"

#include "tests/support/folder.h"
#include "harness/harness.h"
#include "tests/support/programs/background_program.h"
#include "tests/support/programs/python.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const harnesses[] = { "cpython-single", "cpython-thread", "cpython-process" };
#define HARNESSES (sizeof harnesses / sizeof *harnesses)
#define WORKERS 3

static const char *python;

/* A job that takes days, so that there is time to kill its processes. */
static const char *const endless[] = { "first=1000000000000", "count=12", NULL };

struct peer {
    const struct fb_harness *harness;
    struct fb_arena *arena;
    struct fb_pool *pool;
    struct task task;
    char mark[MARK_SIZE];
    pid_t python;
};

static void open_peer(struct peer *peer, const char *name)
{
    char variant[PATH_MAX];
    struct fb_error error = { 0 };
    *peer = (struct peer){ .harness = harness_named(name) };
    assert_int_equal(fb_arena_open(&peer->arena), 0);
    assert_int_equal(peer->harness->find(NULL, variant, sizeof variant, &error), 0);
    task_open(&peer->task, peer->arena, kernel_named("divisors"), endless);
    mark_new(peer->mark);
    struct fb_setting setting = { .arena = peer->arena,
                                  .variant = variant,
                                  .workers = peer->harness->base ? WORKERS : 1 };
    if (peer->harness->open(&setting, &peer->pool, &error) != 0)
        fail_msg("%s: %s", name, error.text);
    /* The other processes, if any, are the workers, started before open returned. */
    size_t expected = strcmp(name, "cpython-process") == 0 ? 1 + WORKERS : 1;
    pid_t pids[8];
    assert_int_equal(marked(peer->mark, pids, 8), expected);
    for (size_t i = 0; i < expected; i++)
        if (parent_of(pids[i]) == getpid())
            peer->python = pids[i];
    assert_true(peer->python > 0);
}

static void close_peer(struct peer *peer)
{
    peer->harness->close(peer->pool);
    task_close(&peer->task);
    fb_arena_close(peer->arena);
    assert_true(wait_for_none_marked(peer->mark));
}

static int run(struct peer *peer, struct fb_error *error)
{
    return peer->harness->run(peer->pool, &peer->task.job, NULL, error);
}

/* ---- killing a process of the peer ---- */

struct killer {
    const struct peer *peer;
    pid_t victim;
    pthread_t thread;
};

static void *kill_at_work(void *argument)
{
    struct killer *killer = argument;
    /* Killed in any case; otherwise the test would never end. */
    wait_for_work(killer->peer->mark);
    kill(killer->victim, SIGKILL);
    return NULL;
}

/* Runs the endless job and kills the victim during it. */
static int run_and_kill(struct peer *peer, pid_t victim, struct fb_error *error)
{
    struct killer killer = { .peer = peer, .victim = victim };
    assert_int_equal(pthread_create(&killer.thread, NULL, kill_at_work, &killer), 0);
    int result = run(peer, error);
    pthread_join(killer.thread, NULL);
    return result;
}

static void expect_death(int result, const struct fb_error *error, pid_t pid)
{
    char text[32];
    snprintf(text, sizeof text, "(pid %d)", (int)pid);
    if (result != -EOWNERDEAD || error->code != -EOWNERDEAD || !strstr(error->text, text) ||
        !strstr(error->text, "signal 9"))
        fail_msg("%d: %s", result, error->text);
}

static void an_interpreter_killed_at_work(void **state)
{
    (void)state;
    for (size_t i = 0; i < HARNESSES; i++) {
        struct peer peer;
        struct fb_error error = { 0 };
        open_peer(&peer, harnesses[i]);
        int result = run_and_kill(&peer, peer.python, &error);
        expect_death(result, &error, peer.python);
        /* The pool can only be closed. */
        error = (struct fb_error){ 0 };
        assert_int_equal(run(&peer, &error), -EOWNERDEAD);
        assert_int_equal(error.code, -EOWNERDEAD);
        close_peer(&peer);
    }
}

static void an_interpreter_killed_before_its_job(void **state)
{
    (void)state;
    for (size_t i = 0; i < HARNESSES; i++) {
        struct peer peer;
        struct fb_error error = { 0 };
        open_peer(&peer, harnesses[i]);
        assert_int_equal(kill(peer.python, SIGKILL), 0);
        expect_death(run(&peer, &error), &error, peer.python);
        close_peer(&peer);
        open_peer(&peer, harnesses[i]);
        assert_int_equal(kill(peer.python, SIGKILL), 0);
        close_peer(&peer); /* without a job at all */
    }
}

/* The interpreter detects it and reports it. */
static void a_worker_process_killed_at_work(void **state)
{
    (void)state;
    struct peer peer;
    struct fb_error error = { 0 };
    pid_t pids[8], victim = 0;
    open_peer(&peer, "cpython-process");
    for (size_t i = marked(peer.mark, pids, 8); i-- > 0;)
        if (pids[i] != peer.python)
            victim = pids[i];
    int result = run_and_kill(&peer, victim, &error);
    if (result >= 0 || error.code != result || !strstr(error.text, "process"))
        fail_msg("%d: %s", result, error.text);
    /* It has no workers left. */
    assert_true(run(&peer, &error) < 0);
    close_peer(&peer);
}

/* ---- through the program ---- */

static bool wait_for_entries(const char *folder, size_t count)
{
    for (uint64_t limit = clock_ms() + LIMIT_MS; clock_ms() < limit; sched_yield())
        if (folder_count(folder) >= count)
            return true;
    return false;
}

/* Names the interpreter, so that no other interpreter is started to find one. */
static struct running start_endless(const char *harness)
{
    char name[64];
    snprintf(name, sizeof name, "%s=%s", harness, python);
    return START("exec", "-k", "divisors", "-H", name, "-w", "3", "-p", endless[0], "-p",
                 endless[1]);
}

static void an_interpreter_killed_under_exec(void **state)
{
    (void)state;
    for (size_t i = 0; i < HARNESSES; i++) {
        char mark[MARK_SIZE], text[32];
        pid_t pids[8], victim = 0;
        mark_new(mark);
        struct running running = start_endless(harnesses[i]);
        bool works = wait_for_marked(mark, i == 2 ? 5 : 2) && wait_for_work(mark);
        for (size_t k = marked(mark, pids, 8); k-- > 0;)
            if (parent_of(pids[k]) == running.pid)
                victim = pids[k];
        assert_true(victim > 0);
        kill(victim, SIGKILL);
        struct said said = program_finish(&running);
        snprintf(text, sizeof text, "(pid %d)", (int)victim);
        if (said.code != 1 || count_lines(said.err) != 1 || !strstr(said.err, text) ||
            !strstr(said.err, "signal 9"))
            fail_msg("exit code %d: %s", said.code, said.err);
        assert_string_equal(said.out, "");
        said_clear(&said);
        assert_true(works);
        assert_true(wait_for_none_marked(mark));
    }
}

static void forkbench_killed_at_work(void **state)
{
    (void)state;
    for (size_t i = 0; i < HARNESSES; i++) {
        char mark[MARK_SIZE];
        mark_new(mark);
        struct running running = start_endless(harnesses[i]);
        bool works = wait_for_marked(mark, i == 2 ? 5 : 2) && wait_for_work(mark);
        kill(running.pid, SIGKILL);
        struct said said = program_finish(&running);
        assert_int_equal(said.code, 128 + SIGKILL);
        said_clear(&said);
        assert_true(works);
        assert_true(wait_for_none_marked(mark));
    }
}

/* ---- workers that start after their parent has ended ---- */

/* Python runs this first. It delays each forked worker until its parent has ended, so that the
 * worker's request for a signal at its parent's death comes too late. */
static const char late_workers[] =
    "import os, time\n"
    "parent = 0\n"
    "def before():\n"
    "    global parent\n"
    "    parent = os.getpid()\n"
    "def in_child():\n"
    "    open(os.path.join(os.path.dirname(__file__), str(os.getpid())), 'w').close()\n"
    "    while os.getppid() == parent:\n"
    "        time.sleep(0.001)\n"
    "os.register_at_fork(before=before, after_in_child=in_child)\n";

/* Starts an interpreter whose workers wait until it has ended. */
static struct running start_late(const char *folder, char mark[MARK_SIZE])
{
    file_write(folder, "sitecustomize.py", late_workers);
    assert_int_equal(setenv("PYTHONDONTWRITEBYTECODE", "1", 1), 0);
    assert_int_equal(setenv("PYTHONPATH", folder, 1), 0);
    mark_new(mark);
    struct running running = start_endless("cpython-process");
    unsetenv("PYTHONPATH");
    unsetenv("PYTHONDONTWRITEBYTECODE");
    return running;
}

static void forkbench_killed_while_it_opens(void **state)
{
    (void)state;
    char mark[MARK_SIZE], folder[FOLDER_NAME];
    folder_make(folder);
    struct running running = start_late(folder, mark);
    bool opening = wait_for_entries(folder, 1 + WORKERS);
    kill(running.pid, SIGKILL);
    struct said said = program_finish(&running);
    said_clear(&said);
    bool gone = wait_for_none_marked(mark);
    folder_remove(folder);
    assert_true(opening);
    assert_true(gone);
}

/* Its workers have inherited its end of the socket: while one is left, the socket is not closed. */
static void an_interpreter_killed_while_it_opens(void **state)
{
    (void)state;
    char mark[MARK_SIZE], folder[FOLDER_NAME];
    pid_t pids[8], victim = 0;
    folder_make(folder);
    struct running running = start_late(folder, mark);
    bool opening = wait_for_entries(folder, 1 + WORKERS);
    for (size_t k = marked(mark, pids, 8); k-- > 0;)
        if (parent_of(pids[k]) == running.pid)
            victim = pids[k];
    if (victim > 0)
        kill(victim, SIGKILL);
    struct said said = program_finish(&running);
    bool gone = wait_for_none_marked(mark);
    folder_remove(folder);
    assert_true(opening && victim > 0);
    if (said.code != 1 || count_lines(said.err) != 1 || !strstr(said.err, "signal 9"))
        fail_msg("exit code %d: %s", said.code, said.err);
    said_clear(&said);
    assert_true(gone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_interpreter_killed_at_work),
        cmocka_unit_test(an_interpreter_killed_before_its_job),
        cmocka_unit_test(a_worker_process_killed_at_work),
        cmocka_unit_test(an_interpreter_killed_under_exec),
        cmocka_unit_test(forkbench_killed_at_work),
        cmocka_unit_test(forkbench_killed_while_it_opens),
        cmocka_unit_test(an_interpreter_killed_while_it_opens),
    };
    python = python_any();
    if (!python) {
        puts("no python3");
        return EXIT_SKIP;
    }
    return RUN_TESTS(tests);
}
