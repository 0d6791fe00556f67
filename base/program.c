#include "base/program.h"

#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOT_STARTED 127 /* the exit code that shells use, too */

static _Noreturn void become(const char *const *arguments, int out, pid_t parent)
{
    fb_child_tie(parent);
    if (out == STDOUT_FILENO) /* as our stdout was closed */
        fcntl(out, F_SETFD, 0);
    else if (out >= 0)
        dup2(out, STDOUT_FILENO);
    execvp(arguments[0], (char **)arguments);
    _exit(NOT_STARTED);
}

int fb_program_start(const char *const *arguments, bool read, struct fb_program *ret_program,
                     struct fb_error *error)
{
    int ends[2] = { -1, -1 }, result = 0;
    pid_t parent = getpid();
    *ret_program = (struct fb_program){ .pid = -1 };
    if (read && pipe2(ends, O_CLOEXEC) < 0)
        return fb_error_set(error, -errno, "can't make a pipe: %s", strerror(errno));
    if (read && !(ret_program->output = fdopen(ends[0], "r"))) {
        result = -errno;
        close(ends[0]);
    }
    if (!read)
        fflush(stdout); /* so that our output comes before the program's */
    if (result == 0 && (ret_program->pid = fork()) == 0)
        become(arguments, ends[1], parent);
    if (result == 0 && ret_program->pid < 0)
        result = -errno;
    if (read)
        close(ends[1]);
    if (result == 0)
        return 0;
    if (ret_program->output)
        fclose(ret_program->output);
    ret_program->output = NULL;
    return fb_error_set(error, result, "can't start %.150s: %s", arguments[0], strerror(-result));
}

int fb_program_end(struct fb_program *program, const char *name, struct fb_error *error)
{
    int status;
    char how[80];
    if (program->output)
        fclose(program->output);
    while (waitpid(program->pid, &status, 0) < 0)
        if (errno != EINTR)
            return fb_error_set(error, -errno, "can't wait for %.150s: %s", name, strerror(errno));
    if (WIFEXITED(status) && WEXITSTATUS(status) != NOT_STARTED)
        return WEXITSTATUS(status);
    fb_child_describe(status, how, sizeof how);
    return fb_error_set(error, WIFEXITED(status) ? -ENOPKG : -EBADMSG, "%.150s %s", name,
                        WIFEXITED(status) ? "can't be started" : how);
}
