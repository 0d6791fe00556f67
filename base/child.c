#include "base/child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

void fb_child_tie(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* The parent may have ended before prctl took effect. */
    if (getppid() != parent)
        _exit(1);
}

int fb_child_watch(struct fb_child *child, pid_t pid)
{
    child->pid = pid;
    child->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    return child->pidfd < 0 ? -errno : 0;
}

int fb_child_end(struct fb_child *child, int patience_ms)
{
    struct pollfd gone = { .fd = child->pidfd, .events = POLLIN };
    if (patience_ms <= 0 || child->pidfd < 0 || poll(&gone, 1, patience_ms) != 1)
        kill(child->pid, SIGKILL);
    int status = 0;
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (child->pidfd >= 0)
        close(child->pidfd);
    child->pidfd = -1;
    return status;
}

void fb_child_describe(int status, char *text, size_t size)
{
    if (WIFEXITED(status))
        snprintf(text, size, "exited with code %d", WEXITSTATUS(status));
    else
        snprintf(text, size, "was killed by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
}
