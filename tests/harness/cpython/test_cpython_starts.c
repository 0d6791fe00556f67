/* Python peers whose workers are started by a fork server, by spawn, or by multiprocessing.Pool:
 * their results, and that none of their processes is left. */
#include "tests/support/support.h"

#include "tests/support/folder.h"
#include "tests/support/programs/background_program.h"
#include "tests/support/programs/python.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WORKERS 2
#define PROCESSES_MOST 16

/* The start methods. The helpers are the processes besides the interpreter and its workers. */
static const struct start {
    const char *name;
    size_t helpers; /* resource tracker, fork server */
} starts[] = { { "cpython-forkserver", 2 }, { "cpython-spawn", 1 }, { "cpython-pool", 0 } };
#define STARTS (sizeof starts / sizeof *starts)

static const char *python;

static size_t processes(const struct start *start)
{
    return 1 + start->helpers + WORKERS;
}

/* ---- pools ---- */

static struct fb_pool *open_with(const char *name, struct fb_arena *arena, unsigned workers)
{
    struct fb_setting setting = { .arena = arena, .workers = workers, .variant = python };
    struct fb_error error = { 0 };
    struct fb_pool *pool;
    if (harness_named(name)->open(&setting, &pool, &error) != 0)
        fail_msg("%s, %u workers: %s", name, workers, error.text);
    return pool;
}

static void run_job(const char *name, struct fb_pool *pool, struct task *task, uint64_t digest)
{
    static const size_t chunks[] = { 0, 1, 7, 1000000 };
    struct fb_error error = { 0 };
    for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
        task->job.chunk = chunks[i];
        task_forget(task);
        int result = harness_named(name)->run(pool, &task->job, NULL, &error);
        if (result != 0)
            fail_msg("%s under %s: %s", task->kernel->name, name, error.text);
        assert_int_equal(task_check(task, &error), 0);
        assert_int_equal(task_digest(task), digest);
    }
}

/* Alternates two kernels on one pool, each twice with each chunk size. */
static void run_all_jobs(const char *name, unsigned workers, const char *texts)
{
    const char *const jobs[][5] = { { "primes", "lo=1", "hi=3000", "ranges=11" },
                                    { "text", texts },
                                    { "primes", "lo=7", "hi=7", "ranges=5" } };
    struct fb_arena *arena;
    assert_int_equal(fb_arena_open(&arena), 0);
    struct fb_pool *pool = open_with(name, arena, workers);
    for (size_t i = 0; i < 6; i++) {
        struct task task;
        task_open(&task, arena, kernel_named(jobs[i % 3][0]), jobs[i % 3] + 1);
        task_run_single(&task, arena);
        run_job(name, pool, &task, task_digest(&task));
        task_close(&task);
    }
    harness_named(name)->close(pool);
    fb_arena_close(arena);
}

static void every_start_gives_what_single_gives(void **state)
{
    (void)state;
    static const unsigned workers[] = { 1, 2, 5 };
    static const char odd[] = "A\xc3\x84 a\xc3\xa4\v\xff\fa A\r\n\fone,One\f\f";
    char texts[64] = "texts=";
    int fd = memory_file(odd, sizeof odd - 1, texts + 6, sizeof texts - 6);
    for (size_t i = 0; i < STARTS; i++)
        for (size_t w = 0; w < 3; w++)
            run_all_jobs(starts[i].name, workers[w], texts);
    close(fd);
}

static void a_pool_that_does_nothing_leaves_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < STARTS; i++) {
        char mark[MARK_SIZE];
        mark_new(mark);
        struct fb_pool *pool = open_with(starts[i].name, NULL, WORKERS);
        assert_int_equal(marked(mark, NULL, 0), processes(&starts[i]));
        harness_named(starts[i].name)->close(pool);
        assert_true(wait_for_none_marked(mark));
    }
}

/* ---- broken modules ---- */

/* Runs the kernel with `folder` first in the module path of Python. */
static struct said run_with_modules(const char *folder, const char *harness, const char *kernel)
{
    char name[PATH_MAX];
    snprintf(name, sizeof name, "%s=%s", harness, python);
    assert_int_equal(setenv("PYTHONDONTWRITEBYTECODE", "1", 1), 0);
    assert_int_equal(setenv("PYTHONPATH", folder, 1), 0);
    struct said said = RUN("exec", "-k", kernel, "-H", name, "-w", "2");
    unsetenv("PYTHONPATH");
    unsetenv("PYTHONDONTWRITEBYTECODE");
    return said;
}

static void expect_failure(struct said said, int code, const char *part)
{
    if (said.code != code || count_lines(said.err) != 1 || !strstr(said.err, part))
        fail_msg("exit code %d, not %d with \"%s\": %s", said.code, code, part, said.err);
    assert_string_equal(said.out, "");
    said_clear(&said);
}

/* Python runs sitecustomize first, also in each worker. */
static void an_exception_in_a_kernel_is_an_error(void **state)
{
    (void)state;
    char folder[FOLDER_NAME];
    folder_make(folder);
    file_write(folder, "sitecustomize.py", "import math\ndel math.isqrt\n");
    for (size_t i = 0; i < STARTS; i++)
        expect_failure(run_with_modules(folder, starts[i].name, "primes"), 1, "isqrt");
    folder_remove(folder);
}

static void without_pillow_resize_is_refused(void **state)
{
    (void)state;
    char folder[FOLDER_NAME], path[PATH_MAX];
    folder_make(folder);
    snprintf(path, sizeof path, "%s/PIL", folder);
    assert_int_equal(mkdir(path, 0777), 0);
    file_write(path, "__init__.py", "raise ImportError('no such luck')\n");
    for (size_t i = 0; i < STARTS; i++)
        expect_failure(run_with_modules(folder, starts[i].name, "resize"), 3, "no such luck");
    folder_remove(folder);
}

/* ---- killed processes ---- */

/* A job that takes days, so that there is time to kill its processes. */
static const char *const endless[] = { "first=1000000000000", "count=12", NULL };

static struct running start_endless(const struct start *start, char mark[MARK_SIZE])
{
    char name[PATH_MAX];
    snprintf(name, sizeof name, "%s=%s", start->name, python);
    mark_new(mark);
    struct running running =
        START("exec", "-k", "divisors", "-H", name, "-w", "2", "-p", endless[0], "-p", endless[1]);
    /* Killed in any case; otherwise the test would never end. */
    if (!wait_for_marked(mark, 1 + processes(start)) || !wait_for_work(mark))
        print_error("%s does not work\n", start->name);
    return running;
}

static pid_t child_of(pid_t parent, const char *mark)
{
    pid_t pids[PROCESSES_MOST];
    for (size_t i = marked(mark, pids, PROCESSES_MOST); i-- > 0;)
        if (parent_of(pids[i]) == parent)
            return pids[i];
    return 0;
}

static void forkbench_that_ends_leaves_no_process(void **state)
{
    (void)state;
    for (size_t i = 0; i < STARTS; i++) {
        char mark[MARK_SIZE], name[PATH_MAX];
        snprintf(name, sizeof name, "%s=%s", starts[i].name, python);
        mark_new(mark);
        struct said said = RUN("exec", "-k", "primes", "-p", "hi=100", "-H", name, "-w", "2");
        assert_int_equal(said.code, 0);
        assert_string_equal(said.err, "");
        said_clear(&said);
        assert_true(wait_for_none_marked(mark));
    }
}

static void forkbench_that_is_killed_leaves_no_process(void **state)
{
    (void)state;
    for (size_t i = 0; i < STARTS; i++) {
        char mark[MARK_SIZE];
        struct running running = start_endless(&starts[i], mark);
        size_t before = marked(mark, NULL, 0);
        kill(running.pid, SIGKILL);
        struct said said = program_finish(&running);
        assert_true(wait_for_none_marked(mark));
        assert_int_equal(said.code, 128 + SIGKILL);
        assert_int_equal(before, 1 + processes(&starts[i]));
        said_clear(&said);
    }
}

/* The resource tracker, which ends a little later, also prints to stderr. */
static void an_interpreter_that_is_killed_leaves_no_process(void **state)
{
    (void)state;
    for (size_t i = 0; i < STARTS; i++) {
        char mark[MARK_SIZE];
        struct running running = start_endless(&starts[i], mark);
        pid_t victim = child_of(running.pid, mark);
        kill(victim > 0 ? victim : running.pid, SIGKILL);
        struct said said = program_finish(&running);
        assert_true(wait_for_none_marked(mark));
        const char *line = strstr(said.err, "forkbench: ");
        if (said.code != 1 || !line || !strstr(line, "signal 9"))
            fail_msg("%s: exit code %d: %s", starts[i].name, said.code, said.err);
        assert_string_equal(said.out, "");
        said_clear(&said);
    }
}

static bool is_spawned(pid_t pid)
{
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, text, sizeof text) : -1;
    if (fd >= 0)
        close(fd);
    return got > 0 && memmem(text, (size_t)got, "spawn_main", 10);
}

/* A child of the fork server, or a spawned child of the interpreter. */
static pid_t find_worker(const struct start *start, pid_t interpreter, const char *mark)
{
    bool served = start->helpers == 2;
    pid_t pids[PROCESSES_MOST];
    for (size_t i = marked(mark, pids, PROCESSES_MOST); i-- > 0;) {
        pid_t parent = parent_of(pids[i]);
        if (served ? parent_of(parent) == interpreter
                   : parent == interpreter && is_spawned(pids[i]))
            return pids[i];
    }
    return 0;
}

/* Not multiprocessing.Pool, which would wait for the results for ever. (The other worker may print
 * a traceback.) */
static void a_worker_that_is_killed_is_an_error(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char mark[MARK_SIZE];
        struct running running = start_endless(&starts[i], mark);
        pid_t worker = find_worker(&starts[i], child_of(running.pid, mark), mark);
        kill(worker > 0 ? worker : running.pid, SIGKILL);
        struct said said = program_finish(&running);
        assert_true(wait_for_none_marked(mark));
        const char *line = strstr(said.err, "forkbench: ");
        if (said.code != 1 || !line || !strstr(line, "BrokenProcessPool"))
            fail_msg("%s: exit code %d: %s", starts[i].name, said.code, said.err);
        assert_string_equal(said.out, "");
        said_clear(&said);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_start_gives_what_single_gives),
        cmocka_unit_test(a_pool_that_does_nothing_leaves_nothing),
        cmocka_unit_test(an_exception_in_a_kernel_is_an_error),
        cmocka_unit_test(without_pillow_resize_is_refused),
        cmocka_unit_test(forkbench_that_ends_leaves_no_process),
        cmocka_unit_test(forkbench_that_is_killed_leaves_no_process),
        cmocka_unit_test(an_interpreter_that_is_killed_leaves_no_process),
        cmocka_unit_test(a_worker_that_is_killed_is_an_error),
    };
    python = python_any();
    if (!python) {
        puts("no python3");
        return EXIT_SKIP;
    }
    if (!strchr(python, '/'))
        python = "/usr/bin/python3";
    return RUN_TESTS(tests);
}
