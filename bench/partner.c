#include "partner.h"

#include "harness/child.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t fb_partner_make(int (*body)(void *context), void *context)
{
    pid_t parent = getpid(), pid = fork();
    if (pid < 0)
        return -errno;
    if (pid != 0)
        return pid;
    fb_child_tie(parent);
    _exit(body(context) < 0);
}

int fb_partner_end(pid_t pid)
{
    int status = 1;
    if (pid < 0)
        return pid;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status == 0 ? 0 : -EIO;
}
