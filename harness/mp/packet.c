#include "packet.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

int fb_mp_packet_send(int socket, const struct fb_mp_header *header, const void *bytes, size_t size,
                      int fd)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = { .room = { 0 } };
    struct iovec part[] = { { (void *)header, sizeof *header }, { (void *)bytes, size } };
    struct msghdr message = { .msg_iov = part, .msg_iovlen = 2 };
    if (fd >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof control.room;
        control.head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)),
                                         .cmsg_level = SOL_SOCKET,
                                         .cmsg_type = SCM_RIGHTS };
        memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
    }
    while (sendmsg(socket, &message, MSG_NOSIGNAL) < 0)
        if (errno != EINTR)
            return errno == ECONNRESET ? -EPIPE : -errno;
    return 0;
}

int fb_mp_wait_readable(int socket, int64_t timeout_ns)
{
    int64_t deadline = fb_mp_deadline(timeout_ns);
    for (;;) {
        int64_t left = deadline - fb_mp_now();
        struct timespec limit = fb_mp_timespec(left > 0 ? left : 0);
        struct pollfd watched = { .fd = socket, .events = POLLIN };
        int ready = ppoll(&watched, 1, &limit, NULL);
        if (ready > 0)
            return 0;
        if (ready == 0)
            return -ETIMEDOUT;
        if (errno != EINTR)
            return -errno;
    }
}

int fb_mp_packet_receive(int socket, struct fb_mp_packet *packet, struct iovec place,
                         struct iovec rest)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part[] = { { &packet->header, sizeof packet->header }, place, rest };
    struct msghdr message = { .msg_iov = part,
                              .msg_iovlen = 3,
                              .msg_control = &control,
                              .msg_controllen = sizeof control.room };
    ssize_t size;
    /* ECONNRESET tells that the other end was closed on something of ours; what it sent is there
     * all the same. */
    do
        size = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (size < 0 && (errno == EINTR || errno == ECONNRESET));
    if (size < 0)
        return -errno;
    if (size < (ssize_t)sizeof packet->header)
        return -EPIPE;
    packet->size = (size_t)size - sizeof packet->header;
    packet->fd = -1;
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS)
        memcpy(&packet->fd, CMSG_DATA(head), sizeof packet->fd);
    return 0;
}
