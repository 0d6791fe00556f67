#include "harness/mp/core/self.h"

#include "harness/mp/core/descriptors.h"

#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct {
    char name[FB_MP_NAME];
    pid_t parent;
    int parent_fd; /* a pidfd; -1: none */
    int fd[FB_MP_FDS];
    size_t fds;
} self = { .name = "MainProcess", .parent_fd = -1 };

void fb_mp_self_set(const struct fb_mp_self *given)
{
    fb_mp_close_unless_kept(self.parent_fd, given->fd, given->fds);
    self.parent = given->parent;
    self.parent_fd = (int)syscall(SYS_pidfd_open, given->parent, 0);
    snprintf(self.name, sizeof self.name, "%s", given->name);
    for (size_t i = 0; i < given->fds; i++)
        self.fd[i] = given->fd[i];
    self.fds = given->fds;
}

const char *fb_mp_self_name(void)
{
    return self.name;
}

int fb_mp_descriptor(size_t index)
{
    return index < self.fds ? self.fd[index] : -1;
}

int fb_mp_parent_sentinel(void)
{
    return self.parent_fd;
}

pid_t fb_mp_parent_pid(void)
{
    return self.parent;
}
