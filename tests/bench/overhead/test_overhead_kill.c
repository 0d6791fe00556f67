/* `forkbench overhead` killed by SIGKILL: no process is left, whatever group was being measured. */
#include "tests/support/support.h"

#include "tests/bench/overhead/overhead_run.h"
#include "tests/support/programs/background_program.h"
#include "tests/support/folder.h"

#include "base/cpus.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PROCESSES_MOST 64
#define KILLS 5

/* It may end at any moment. */
static bool is_spawned_worker(pid_t pid)
{
    char path[64], line[256] = "";
    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    FILE *file = fopen(path, "re");
    size_t length = file ? fread(line, 1, sizeof line - 1, file) : 0;
    if (file)
        fclose(file);
    return memmem(line, length, "--image=", 8) != NULL;
}

/* Stops a spawned worker, so that it exists when its parent is killed. Returns it, or 0 if there
 * was none. */
static pid_t stop_a_spawned_worker(const char *mark)
{
    pid_t pids[PROCESSES_MOST];
    for (uint64_t limit = clock_ms() + LIMIT_MS / 2; clock_ms() < limit; sched_yield()) {
        size_t count = marked(mark, pids, PROCESSES_MOST);
        for (size_t i = 0; i < count && i < PROCESSES_MOST; i++)
            if (is_spawned_worker(pids[i]) && kill(pids[i], SIGSTOP) == 0 &&
                is_spawned_worker(pids[i]))
                return pids[i];
    }
    return 0;
}

static void check_killed(struct running *running, const char *mark)
{
    kill(running->pid, SIGKILL);
    struct said said = program_finish(running);
    assert_int_equal(said.code, 128 + SIGKILL);
    assert_string_equal(said.out, "");
    said_clear(&said);
    assert_true(wait_for_none_marked(mark));
    assert_int_equal(folder_count("."), 0);
}

/* While it creates and ends workers of all kinds, which takes minutes with these rounds. */
static void sigkill_while_workers_are_made(void **state)
{
    (void)state;
    for (int i = 0; i < KILLS; i++) {
        char mark[MARK_SIZE];
        mark_new(mark);
        struct running running = START("overhead", "-n", "1000");
        bool begun = wait_for_marked(mark, 2);
        check_killed(&running, mark);
        assert_true(begun);
    }
}

/* A spawned worker has only the number of its parent. */
static void sigkill_leaves_no_spawned_worker(void **state)
{
    (void)state;
    for (int i = 0; i < KILLS; i++) {
        char mark[MARK_SIZE];
        mark_new(mark);
        struct running running = START("overhead", "-n", "1000");
        pid_t worker = stop_a_spawned_worker(mark);
        kill(running.pid, SIGKILL);
        if (worker)
            kill(worker, SIGCONT); /* it may not have tied itself to its parent yet */
        check_killed(&running, mark);
        assert_true(worker > 0);
    }
}

/* The number of its threads; 0 when the process no longer exists. */
static unsigned threads_of(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    return access(path, R_OK) == 0 ? (unsigned)folder_count(path) : 0;
}

/* Threads and child processes at the same time mean that a pool is open: creation has only
 * processes at this level, a hand-over has one of the two. */
static void sigkill_leaves_no_pool(void **state)
{
    (void)state;
    struct fb_cpus cpus;
    fb_cpus_read(&cpus);
    if (cpus.workers < 2)
        skip();
    char mark[MARK_SIZE];
    mark_new(mark);
    struct running running = START("overhead", "-n", "1");
    bool seen = false;
    for (uint64_t limit = clock_ms() + LIMIT_MS; clock_ms() < limit && !seen; sched_yield())
        seen = threads_of(running.pid) > 1 && marked(mark, NULL, 0) > 1;
    check_killed(&running, mark);
    assert_true(seen);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, overhead_begin, overhead_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sigkill_while_workers_are_made),
        TEST(sigkill_leaves_no_spawned_worker),
        TEST(sigkill_leaves_no_pool),
    };
    return RUN_TESTS(tests);
}
