#include "tests/support/support.h"

#include "tests/support/fork_child.h"

#include <sys/wait.h>
#include <unistd.h>

pid_t forked_run(int (*body)(void *context), void *context)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(body(context));
    assert_true(pid > 0);
    return pid;
}

int forked_end(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}
