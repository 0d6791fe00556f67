#include "twin.h"

#include "harness/child.h"
#include "harness/cpython/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAMES_MOST 16

void fb_twin_find(struct fb_twin *twin, const char *program, const char *what,
                  struct fb_metrics *metrics)
{
    struct fb_error why = { 0 };
    if (fb_peer_find(NULL, twin->python, sizeof twin->python, &why) == 0 &&
        fb_peer_program(program, twin->program, sizeof twin->program, &why) == 0)
        return;
    twin->python[0] = '\0';
    fb_metrics_leave_out(metrics, "%s: %s", what, why.text);
}

static _Noreturn void become(const struct fb_twin *twin, const char *const *names, int out,
                             pid_t parent)
{
    const char *arguments[NAMES_MOST + 3] = { twin->python, twin->program };
    for (size_t i = 0; i < NAMES_MOST && names[i]; i++)
        arguments[i + 2] = names[i];
    fb_child_tie(parent);
    dup2(out, STDOUT_FILENO);
    execv(twin->python, (char **)arguments);
    _exit(127);
}

static bool read_line(FILE *lines, const char *name, double *ret_ns)
{
    char found[40];
    return fscanf(lines, "%39s %lf", found, ret_ns) == 2 && strcmp(found, name) == 0;
}

int fb_twin_run(const struct fb_twin *twin, const char *const *names, double *ret_ns,
                struct fb_error *error)
{
    int end[2], status = 1;
    pid_t parent = getpid();
    if (pipe2(end, O_CLOEXEC) < 0)
        return fb_error_set(error, -errno, "can't make a pipe: %s", strerror(errno));
    pid_t pid = fork();
    if (pid == 0)
        become(twin, names, end[1], parent);
    close(end[1]);
    FILE *lines = fdopen(end[0], "r");
    size_t done = 0;
    while (lines && names[done] && read_line(lines, names[done], &ret_ns[done]))
        done++;
    if (lines)
        fclose(lines);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return !names[done] && status == 0 ? 0
                                       : fb_error_set(error, -EIO,
                                                      "Python's way could not be measured: run "
                                                      "%.150s",
                                                      twin->program);
}
