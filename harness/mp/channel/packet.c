#include "harness/mp/channel/packet.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* Up to this size, in bytes, a message is copied behind its header and sent with a plain send,
 * which costs less than a sendmsg with two parts. */
#define SMALL 2048

static int send_parts(int socket, struct msghdr *message)
{
    while (sendmsg(socket, message, MSG_NOSIGNAL) < 0)
        if (errno != EINTR)
            return errno == ECONNRESET ? -EPIPE : -errno;
    return 0;
}

static int send_small(int socket, const struct fb_mp_header *header, const void *bytes, size_t size)
{
    char whole[sizeof *header + SMALL];
    memcpy(whole, header, sizeof *header);
    memcpy(whole + sizeof *header, bytes, size);
    while (send(socket, whole, sizeof *header + size, MSG_NOSIGNAL) < 0)
        if (errno != EINTR)
            return errno == ECONNRESET ? -EPIPE : -errno;
    return 0;
}

int fb_mp_packet_send(int socket, const struct fb_mp_header *header, const void *bytes, size_t size)
{
    if (size <= SMALL)
        return send_small(socket, header, bytes, size);
    struct iovec part[] = { { (void *)header, sizeof *header }, { (void *)bytes, size } };
    struct msghdr message = { .msg_iov = part, .msg_iovlen = 2 };
    return send_parts(socket, &message);
}

union control {
    struct cmsghdr head;
    char room[CMSG_SPACE(sizeof(int))];
};

int fb_mp_packet_send_fd(int socket, const struct fb_mp_header *header, int fd)
{
    union control control = { .room = { 0 } };
    struct iovec part = { (void *)header, sizeof *header };
    struct msghdr message = { .msg_iov = &part,
                              .msg_iovlen = 1,
                              .msg_control = &control,
                              .msg_controllen = sizeof control.room };
    control.head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)),
                                     .cmsg_level = SOL_SOCKET,
                                     .cmsg_type = SCM_RIGHTS };
    memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
    return send_parts(socket, &message);
}

/* Converts the result of a receiving call to 0 or a negative errno. */
static int check(ssize_t size)
{
    if (size < 0)
        return -errno;
    return size < (ssize_t)sizeof(struct fb_mp_header) ? -EPIPE : 0;
}

/* Whether a receiving call has to be repeated. ECONNRESET means that the other end was closed
 * before it received everything; what it sent can still be received. */
static bool must_repeat(ssize_t size)
{
    return size < 0 && (errno == EINTR || errno == ECONNRESET);
}

int fb_mp_packet_receive(int socket, struct fb_mp_packet *packet, size_t *ret_size)
{
    ssize_t size;
    do
        size = recv(socket, packet, sizeof *packet, 0);
    while (must_repeat(size));
    int result = check(size);
    if (result == 0)
        *ret_size = (size_t)size - sizeof packet->header;
    return result;
}

int fb_mp_packet_receive_at(int socket, char *place, size_t *size)
{
    struct fb_mp_header header;
    struct iovec part[] = { { &header, sizeof header }, { place, *size } };
    struct msghdr message = { .msg_iov = part, .msg_iovlen = 2 };
    ssize_t got;
    do
        got = recvmsg(socket, &message, 0);
    while (must_repeat(got));
    int result = check(got);
    if (result == 0)
        *size = (size_t)got - sizeof header;
    return result;
}

int fb_mp_packet_receive_fd(int socket)
{
    struct fb_mp_header header;
    union control control;
    struct iovec part = { &header, sizeof header };
    struct msghdr message = { .msg_iov = &part,
                              .msg_iovlen = 1,
                              .msg_control = &control,
                              .msg_controllen = sizeof control.room };
    ssize_t size;
    do
        size = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (must_repeat(size));
    int result = check(size), fd = -EBADMSG;
    struct cmsghdr *head = result == 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS)
        memcpy(&fd, CMSG_DATA(head), sizeof fd);
    return result < 0 ? result : fd;
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
