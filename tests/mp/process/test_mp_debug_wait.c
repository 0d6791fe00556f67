/* harness/mp/process/log.c: FB_DEBUG_WAIT. */
#include "tests/support/support.h"

#include "tests/mp/process/log_fixture.h"
#include "tests/mp/process_fixture.h"
#include "tests/support/stepper.h"

#include "harness/mp/process/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <unistd.h>

/* By _exit, as the leak sanitizer, which runs at exit, fails in a traced process. */
static int exit_at_once(const void *argument, size_t size)
{
    (void)argument, (void)size;
    _exit(0);
}

static const struct fb_mp_task tasks[] = { FB_MP_RUN(exit_at_once), { 0 } };

static void read_line(int fd, char *line, size_t size)
{
    size_t have = 0;
    while (have < size - 1 && read(fd, line + have, 1) == 1 && line[have] != '\n')
        have++;
    line[have] = '\0';
}

static void check_wait(enum fb_mp_method method, const char *wanted)
{
    int ends[2], code;
    char line[200], expected[200];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(setenv("FB_DEBUG_WAIT", wanted, 1), 0);
    int kept = logged_stderr_to(ends[1]);
    struct fb_mp_process *process = started((struct fb_mp_process_options){
        .run = exit_at_once, .name = "Looked-at", .method = method });
    logged_stderr_back(kept);
    pid_t pid = fb_mp_process_pid(process);
    snprintf(expected, sizeof expected, "Looked-at[%d] waits for a debugger: gdb -p %d", (int)pid,
             (int)pid);
    read_line(ends[0], line, sizeof line);
    assert_string_equal(line, expected);
    assert_int_equal(fb_mp_process_join(process, 100 * FB_MP_MILLISECOND), -ETIMEDOUT);
    assert_int_equal(fb_mp_process_exit_code(process, &code), -EAGAIN);
    assert_int_equal(ptrace(PTRACE_SEIZE, pid, NULL, NULL), 0);
    assert_int_equal(ended(process), 0);
    unsetenv("FB_DEBUG_WAIT");
    close(ends[0]);
    close(ends[1]);
}

static void a_named_process_waits_for_a_debugger(void **state)
{
    (void)state;
    if (!stepper_works())
        skip();
    for (size_t m = 0; m < METHODS; m++) {
        check_wait(methods[m], "Looked-at");
        check_wait(methods[m], "*");
    }
}

static void other_processes_do_not_wait(void **state)
{
    (void)state;
    static const char *const wanted[] = { "Looked-at", "looked", "Other-1", "", "Other " };
    for (size_t m = 0; m < METHODS; m++)
        for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
            assert_int_equal(setenv("FB_DEBUG_WAIT", wanted[i], 1), 0);
            assert_int_equal(ended(started((struct fb_mp_process_options){
                                 .run = exit_at_once, .name = "Other", .method = methods[m] })),
                             0);
        }
    unsetenv("FB_DEBUG_WAIT");
}

int main(int argc, char **argv)
{
    fb_mp_main(argc, argv, tasks);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_named_process_waits_for_a_debugger),
        cmocka_unit_test(other_processes_do_not_wait),
    };
    return RUN_TESTS(tests);
}
