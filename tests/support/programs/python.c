#include "tests/support/support.h"

#include "tests/support/programs/python.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* The exit code, or 128 and more. */
static int run(const char *python, const char *const *arguments)
{
    int status = -1;
    pid_t pid = fork();
    if (pid == 0) {
        execvp(python, (char *const *)arguments);
        _exit(127);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static const char *find(const char *program)
{
    static const char *const pythons[] = { "/usr/bin/python3", "python3" };
    for (int i = 0; i < 2; i++)
        if (run(pythons[i], (const char *const[]){ pythons[i], "-c", program, NULL }) == 0)
            return pythons[i];
    return NULL;
}

const char *python_any(void)
{
    return find("pass");
}

const char *python_with_pillow(void)
{
    return find("import importlib.util as u, sys; sys.exit(u.find_spec('PIL') is None)");
}

void python_run(const char *python, const char *script, const char *const *arguments)
{
    const char *vector[16] = { python };
    const char *folder = getenv("FORKBENCH_TESTS");
    char path[PATH_MAX];
    if (!folder)
        fail_msg("FORKBENCH_TESTS does not name the tests' folder");
    snprintf(path, sizeof path, "%s/%s", folder, script);
    vector[1] = path;
    for (int i = 0; i < 13 && arguments[i]; i++)
        vector[i + 2] = arguments[i];
    int code = run(python, vector);
    if (code != 0)
        fail_msg("%s %s exited with %d", python, path, code);
}
