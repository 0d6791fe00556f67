#include "harness/mp/channel/packet.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* A message of so few bytes is sent from one place, which costs the kernel less than two. */
#define FEW 2048

static int send_parts(int socket, struct msghdr *message)
{
    while (sendmsg(socket, message, MSG_NOSIGNAL) < 0)
        if (errno != EINTR)
            return errno == ECONNRESET ? -EPIPE : -errno;
    return 0;
}

static int send_few(int socket, const struct fb_mp_header *header, const void *bytes, size_t size)
{
    char whole[sizeof *header + FEW];
    memcpy(whole, header, sizeof *header);
    memcpy(whole + sizeof *header, bytes, size);
    while (send(socket, whole, sizeof *header + size, MSG_NOSIGNAL) < 0)
        if (errno != EINTR)
            return errno == ECONNRESET ? -EPIPE : -errno;
    return 0;
}

int fb_mp_packet_send(int socket, const struct fb_mp_header *header, const void *bytes, size_t size)
{
    if (size <= FEW)
        return send_few(socket, header, bytes, size);
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

/* What a receiving call returned, as 0 or a negative errno; the call is to be repeated for EINTR,
 * and for ECONNRESET, which tells that the other end was closed on something of ours: what it sent
 * is there all the same. */
static int check(ssize_t size)
{
    if (size < 0)
        return -errno;
    return size < (ssize_t)sizeof(struct fb_mp_header) ? -EPIPE : 0;
}

static bool is_again(ssize_t size)
{
    return size < 0 && (errno == EINTR || errno == ECONNRESET);
}

int fb_mp_packet_receive(int socket, struct fb_mp_packet *packet, size_t *ret_size)
{
    ssize_t size;
    do
        size = recv(socket, packet, sizeof *packet, 0);
    while (is_again(size));
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
    while (is_again(got));
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
    while (is_again(size));
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
