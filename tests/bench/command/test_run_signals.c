/* A `forkbench run` that is interrupted or killed: its samples are kept, and no process is left. */
#include "tests/support/support.h"

#include "tests/support/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[FOLDER_NAME];

static int begin(void **state)
{
    (void)state;
    folder_make(folder);
    return 0;
}

static int end(void **state)
{
    (void)state;
    folder_remove(folder);
    return 0;
}

/* ---- a run in a process group of its own ---- */

#define WORDS_MOST 24

/* With these options a trial takes hours: only a signal ends it. */
#define FOREVER "-k", "primes", "-p", "hi=1000000000000000", "-H", "forkpool,pthread", "-w", "2"

static int open_output(const char *name)
{
    char path[FOLDER_NAME + 16];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
}

/* Starts a run that writes its files and its output to `folder`. */
static pid_t start(const char *const *words)
{
    const char *program = getenv("FORKBENCH"), *vector[WORDS_MOST + 4] = { "forkbench", "run" };
    size_t count = 2;
    while (*words && count < WORDS_MOST)
        vector[count++] = *words++;
    vector[count++] = "-o";
    vector[count++] = folder;
    if (!program)
        fail_msg("FORKBENCH does not name the executable");
    int out = open_output("out.txt"), err = open_output("err.txt");
    pid_t pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        dup2(out, STDOUT_FILENO);
        dup2(err, STDERR_FILENO);
        execv(program, (char *const *)vector);
        _exit(126);
    }
    close(out);
    close(err);
    assert_true(pid > 0);
    setpgid(pid, pid); /* in both processes, as either may be first */
    return pid;
}

#define START(...) start((const char *const[]){ __VA_ARGS__, NULL })

/* Waits for all descendants: this process is their subreaper. Kills those that exceed the limit,
 * then false. */
static bool all_descendants_ended(pid_t group)
{
    uint64_t limit = clock_ms() + LIMIT_MS;
    pid_t gone;
    while ((gone = waitpid(-1, NULL, WNOHANG)) >= 0 && clock_ms() < limit)
        if (gone == 0)
            sched_yield();
    if (gone < 0)
        return true;
    kill(-group, SIGKILL);
    while (waitpid(-1, NULL, 0) > 0)
        ;
    return false;
}

/* The exit code, or 128 + the signal that killed it. A run that exceeds the limit is killed. */
static int wait_for_end(pid_t pid)
{
    int status = 0;
    uint64_t limit = clock_ms() + LIMIT_MS;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (clock_ms() > limit)
            kill(-pid, SIGKILL);
        sched_yield();
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Whether this kernel lists children (CONFIG_PROC_CHILDREN). */
static void need_children_list(void)
{
    if (access("/proc/thread-self/children", R_OK) < 0)
        skip();
}

/* A child of pid; 0: it has none. */
static pid_t first_child(pid_t pid)
{
    char path[64];
    int child = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    if (fscanf(file, "%d", &child) != 1)
        child = 0;
    fclose(file);
    return child;
}

/* Whether a child has become `forkbench exec`: between fork and exec it has the handlers of the
 * run. */
static bool is_trial(pid_t pid, char *line, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    FILE *file = fopen(path, "re");
    size_t length = file ? fread(line, 1, size - 1, file) : 0;
    if (file)
        fclose(file);
    for (size_t i = 0; i < length; i++)
        line[i] = line[i] ? line[i] : ' ';
    line[length] = '\0';
    return strncmp(line, "forkbench exec ", 15) == 0;
}

/* Waits until a trial runs; ret_line is its command line. */
static void wait_for_trial(pid_t run, char *ret_line, size_t size)
{
    uint64_t limit = clock_ms() + LIMIT_MS;
    for (pid_t child; clock_ms() < limit; sched_yield())
        if ((child = first_child(run)) && is_trial(child, ret_line, size))
            return;
    kill(-run, SIGKILL);
    all_descendants_ended(run);
    fail_msg("no trial was started");
}

/* ---- checks ---- */

static void check_results(bool measured)
{
    char *text = file_read(folder, "run.json");
    json_t *root = json_loads(text, 0, NULL);
    free(text);
    assert_non_null(root);
    assert_true(json_is_false(json_object_get(root, "complete")));
    assert_int_equal(json_array_size(json_object_get(root, "samples")) > 0, measured);
    json_decref(root);
    text = file_read(folder, "err.txt");
    assert_non_null(strstr(text, "interrupted"));
    assert_int_equal(strcspn(text, "\n") + 1, strlen(text)); /* one line */
    free(text);
    text = file_read(folder, "summary.md");
    assert_non_null(strstr(text, "was interrupted"));
    free(text);
    assert_true(file_exists(folder, "journal.jsonl"));
    assert_true(file_exists(folder, "comparisons.csv"));
    assert_int_equal(folder_count(folder), 2 + 7 + 1);
}

/* ---- tests ---- */

/* Waits until the journal has its head and that many trials. */
static void wait_for_trials(pid_t run, size_t trials)
{
    for (uint64_t limit = clock_ms() + LIMIT_MS; clock_ms() < limit; sched_yield()) {
        char *text =
            file_exists(folder, "journal.jsonl") ? file_read(folder, "journal.jsonl") : NULL;
        size_t lines = 0;
        for (const char *at = text; at && (at = strchr(at, '\n')); at++)
            lines++;
        free(text);
        if (lines > trials)
            return;
    }
    kill(-run, SIGKILL);
    all_descendants_ended(run);
    fail_msg("no %zu trials", trials);
}

static void interrupt_after_trials(int signal)
{
    pid_t run = START("-k", "null,primes", "-p", "hi=1000", "-w", "2", "-B", "100000");
    wait_for_trials(run, 12);
    assert_int_equal(folder_count(folder), 2 + 1); /* during a run there is only the journal */
    kill(run, signal);
    assert_int_equal(wait_for_end(run), 130);
    assert_true(all_descendants_ended(run));
    check_results(true);
}

static void sigint_keeps_what_was_measured(void **state)
{
    (void)state;
    interrupt_after_trials(SIGINT);
}

static void sigterm_keeps_what_was_measured(void **state)
{
    (void)state;
    interrupt_after_trials(SIGTERM);
}

/* Ctrl-C signals the whole group, here in the middle of a trial. */
static void sigint_to_the_group_ends_a_long_trial(void **state)
{
    (void)state;
    char line[1000];
    need_children_list();
    pid_t run = START(FOREVER);
    wait_for_trial(run, line, sizeof line);
    kill(-run, SIGINT);
    assert_int_equal(wait_for_end(run), 130);
    assert_true(all_descendants_ended(run));
    check_results(false);
}

/* For each kind of trial: single, copies, threads, processes. */
static void sigkill_leaves_no_process(void **state)
{
    (void)state;
    bool seen_processes = false;
    need_children_list();
    for (unsigned seed = 1; seed <= 20 && !(seed > 5 && seen_processes); seed++) {
        char number[16], line[1000];
        snprintf(number, sizeof number, "%u", seed);
        pid_t run = START(FOREVER, "-S", number);
        wait_for_trial(run, line, sizeof line);
        seen_processes |= strstr(line, "forkpool") != NULL;
        kill(run, SIGKILL);
        assert_int_equal(wait_for_end(run), 128 + SIGKILL);
        if (!all_descendants_ended(run))
            fail_msg("outlived its run: %s", line);
        assert_true(file_exists(folder, "journal.jsonl"));
        assert_int_equal(folder_count(folder), 2 + 1);
        folder_remove(folder);
        folder_make(folder);
    }
    assert_true(seen_processes);
}

int main(void)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sigint_keeps_what_was_measured, begin, end),
        cmocka_unit_test_setup_teardown(sigterm_keeps_what_was_measured, begin, end),
        cmocka_unit_test_setup_teardown(sigint_to_the_group_ends_a_long_trial, begin, end),
        cmocka_unit_test_setup_teardown(sigkill_leaves_no_process, begin, end),
    };
    return RUN_TESTS(tests);
}
