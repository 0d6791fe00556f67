#include "harness/mp/process/forkserver_messages.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
    struct cmsghdr head;
    char room[CMSG_SPACE(FORKSERVER_FDS * sizeof(int))];
};

int forkserver_send(int socket, const void *message, size_t size, const int *fd, size_t fds,
                    int flags)
{
    union control control = { .room = { 0 } };
    struct iovec part = { (void *)message, size };
    struct msghdr packet = { .msg_iov = &part, .msg_iovlen = 1 };
    if (fds) {
        packet.msg_control = &control;
        packet.msg_controllen = CMSG_SPACE(fds * sizeof *fd);
        control.head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(fds * sizeof *fd),
                                         .cmsg_level = SOL_SOCKET,
                                         .cmsg_type = SCM_RIGHTS };
        memcpy(CMSG_DATA(&control.head), fd, fds * sizeof *fd);
    }
    while (sendmsg(socket, &packet, MSG_NOSIGNAL | flags) < 0)
        if (errno != EINTR)
            return errno == ECONNRESET ? -EPIPE : -errno;
    return 0;
}

/* Copies the received descriptors to ret_fd[room], closes those beyond room; returns their number. */
static size_t take_fds(struct msghdr *packet, int *ret_fd, size_t room)
{
    size_t count = 0;
    for (struct cmsghdr *head = CMSG_FIRSTHDR(packet); head; head = CMSG_NXTHDR(packet, head)) {
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
            continue;
        size_t received = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < received; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(head) + i * sizeof fd, sizeof fd);
            if (count < room)
                ret_fd[count++] = fd;
            else
                close(fd);
        }
    }
    return count;
}

ssize_t forkserver_receive(int socket, void *message, size_t size, int *ret_fd, size_t *fds)
{
    union control control;
    struct iovec part = { message, size };
    struct msghdr packet = { .msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control.room };
    ssize_t got;
    do
        got = recvmsg(socket, &packet, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return errno == ECONNRESET ? 0 : -errno;
    *fds = take_fds(&packet, ret_fd, *fds);
    if (packet.msg_flags & MSG_CTRUNC)
        while (*fds > 0)
            close(ret_fd[--*fds]);
    return got;
}
