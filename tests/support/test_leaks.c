/* The leak check of the tests themselves: it must find each leak, and nothing else. */
#include "tests/support/support.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char text[120];

static void nothing_left_is_no_leak(void **state)
{
    (void)state;
    assert_false(leaks_found(descriptors_open(), text, sizeof text));
}

static void descriptors_are_counted(void **state)
{
    (void)state;
    unsigned before = descriptors_open();
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(descriptors_open(), before + 1);
    close(fd);
    assert_int_equal(descriptors_open(), before);
}

static void an_open_descriptor_is_found(void **state)
{
    (void)state;
    unsigned before = descriptors_open();
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    bool found = leaks_found(before, text, sizeof text);
    close(fd);
    assert_true(found);
    assert_non_null(strstr(text, "descriptors"));
    assert_false(leaks_found(before, text, sizeof text));
}

static void a_running_child_is_found(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (pid == 0)
        for (;;)
            pause();
    assert_true(pid > 0);
    bool found = leaks_found(descriptors_open(), text, sizeof text);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_true(found);
    assert_non_null(strstr(text, "running"));
    assert_false(leaks_found(descriptors_open(), text, sizeof text));
}

static void a_zombie_is_found_and_not_reaped(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    assert_true(pid > 0);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    bool found = leaks_found(descriptors_open(), text, sizeof text);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_true(found);
    assert_non_null(strstr(text, "zombie"));
}

/* A group that leaks must make its program fail even if all of its tests passed. */
static void a_leak_fails_the_program(void **state)
{
    (void)state;
    void *none = NULL;
    assert_int_equal(group_begin(&none), 0);
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int result = group_end(&none);
    close(fd);
    int program = group_result(0);
    /* This program's own group begins afresh. */
    assert_int_equal(group_begin(&none), 0);
    assert_int_equal(result, -1);
    assert_int_equal(program, 1);
    assert_int_equal(group_end(&none), 0);
    assert_int_equal(group_result(0), 0);
    assert_int_equal(group_result(3), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_left_is_no_leak),
        cmocka_unit_test(descriptors_are_counted),
        cmocka_unit_test(an_open_descriptor_is_found),
        cmocka_unit_test(a_running_child_is_found),
        cmocka_unit_test(a_zombie_is_found_and_not_reaped),
        cmocka_unit_test(a_leak_fails_the_program),
    };
    return RUN_TESTS(tests);
}
