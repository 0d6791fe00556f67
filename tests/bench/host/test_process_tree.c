/* bench/host/process_tree.c: zombies. test_audit.c tests live processes. */
#include "tests/support/support.h"

#include "bench/host/process_tree.h"

#include <sys/wait.h>
#include <unistd.h>

/* A zombie exists until it is waited for, but has no memory. */
static void a_zombie_has_no_memory(void **state)
{
    (void)state;
    struct fb_memory before, after;
    siginfo_t info;
    fb_memory_read(&before);
    if (!before.processes.known)
        skip();
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    assert_true(pid > 0);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    fb_memory_read(&after);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_true(after.processes.known && after.pss_bytes.known);
    assert_int_equal(before.processes.value, 1);
    assert_int_equal(after.processes.value, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_zombie_has_no_memory),
    };
    return RUN_TESTS(tests);
}
