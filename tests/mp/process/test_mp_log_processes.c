/* harness/mp/process/log.c: what the runtime logs, and which processes log. */
#include "tests/support/support.h"

#include "tests/mp/process/log_fixture.h"
#include "tests/mp/process_fixture.h"

#include "harness/mp/process/log.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int say_hello(const void *argument, size_t size)
{
    (void)argument, (void)size;
    fb_mp_log(FB_MP_LOG_INFO, "hello");
    return 7;
}

static int stay(const void *argument, size_t size)
{
    (void)argument, (void)size;
    for (;;)
        pause();
    return 0;
}

static const struct fb_mp_task tasks[] = {
    FB_MP_RUN(say_hello),
    { 0 },
};

/* The log of one process. level: FB_MP_LOG in its environment, or NULL; parent: whether the parent
 * logs. */
static char *log_of(enum fb_mp_method method, const char *level, bool parent, pid_t *ret_pid)
{
    int fd = logged_make(), kept = logged_stderr_to(fd);
    if (level)
        setenv("FB_MP_LOG", level, 1);
    fb_mp_log_to(fd, parent ? FB_MP_LOG_DEBUG : FB_MP_LOG_OFF);
    struct fb_mp_process *process = started(
        (struct fb_mp_process_options){ .run = say_hello, .name = "Talker", .method = method });
    *ret_pid = fb_mp_process_pid(process);
    int code = ended(process);
    unsetenv("FB_MP_LOG");
    logged_stderr_back(kept);
    assert_int_equal(code, 7);
    return logged_stop(fd);
}

static void a_process_logs_its_start_and_end(void **state)
{
    (void)state;
    pid_t pid;
    for (size_t m = 0; m < METHODS; m++) {
        char *text = log_of(methods[m], methods[m] == FB_MP_SPAWN ? "debug" : NULL, true, &pid);
        assert_true(
            logged_matches(text,
                           "^" TIME "DEBUG   Talker\\[%d\\] begins, started by %d\n" TIME
                           "INFO    Talker\\[%d\\] hello\n" TIME
                           "DEBUG   MainProcess\\[%d\\] Talker\\[%d\\] ended: exit code 7\n$",
                           (int)pid, (int)getpid(), (int)pid, (int)getpid(), (int)pid));
        free(text);
    }
}

static void a_killed_process_is_logged(void **state)
{
    (void)state;
    char expected[100];
    int fd = logged_make();
    fb_mp_log_to(fd, FB_MP_LOG_DEBUG);
    struct fb_mp_process *process =
        started((struct fb_mp_process_options){ .run = stay, .name = "Victim" });
    snprintf(expected, sizeof expected, "] Victim[%d] ended: signal %d\n",
             (int)fb_mp_process_pid(process), SIGKILL);
    assert_int_equal(fb_mp_process_kill(process), 0);
    assert_int_equal(ended(process), -SIGKILL);
    char *text = logged_stop(fd);
    assert_non_null(strstr(text, expected));
    free(text);
}

/* A forked process has its parent's setting, and doesn't read the environment. */
static void only_spawned_processes_read_the_environment(void **state)
{
    (void)state;
    static const struct {
        const char *level;
        size_t lines;
    } cases[] = { { NULL, 0 },      { "debug", 2 }, { "DEBUG", 2 },    { "info", 1 }, { "Info", 1 },
                  { "warning", 0 }, { "error", 0 }, { "nonsense", 0 }, { "", 0 } };
    pid_t pid;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = log_of(FB_MP_SPAWN, cases[i].level, false, &pid);
        assert_int_equal(logged_lines(text), cases[i].lines);
        free(text);
        text = log_of(FB_MP_FORK, cases[i].level, false, &pid);
        assert_string_equal(text, "");
        free(text);
    }
}

int main(int argc, char **argv)
{
    fb_mp_main(argc, argv, tasks);
    unsetenv("FB_MP_LOG");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_logs_its_start_and_end),
        cmocka_unit_test(a_killed_process_is_logged),
        cmocka_unit_test(only_spawned_processes_read_the_environment),
    };
    return RUN_TESTS(tests);
}
