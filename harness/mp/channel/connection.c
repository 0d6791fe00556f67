#include "harness/mp/channel/connection.h"

#include "harness/mp/core/identity.h"
#include "harness/mp/core/mutex.h"
#include "harness/mp/channel/packet.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* A pipe is a pair of SOCK_SEQPACKET sockets. A message larger than a packet is sent as several
 * packets, during which the sender holds the direction's sending lock and the receiver its
 * receiving lock. The header of each packet has the number of its message and its offset in it, so
 * that a receiver detects an incomplete message. */

/* While the rest of a message is missing: time between two checks whether its sender lives. */
#define CHECK_MS 50

/* A descriptor takes two packets: the first one only announces it, the second one, with this
 * offset, carries it. An ordinary receive is cheaper when it need not look for descriptors. */
#define FD_OFFSET 1

/* One direction, in memory that is shared by all processes that have an end. */
struct direction {
    pthread_mutex_t sending, receiving;
    uint64_t number;           /* of the last message; written under sending, as is sender */
    _Atomic uint64_t given_up; /* the last message that was not sent completely */
    struct fb_mp_identity sender;
    uint64_t broken; /* the last incomplete message reported; under receiving, as is packet */
    struct fb_mp_packet packet; /* received last */
};

struct fb_mp_connection {
    int fd, shared_fd;
    unsigned side; /* 0 or 1: index of the direction it sends in */
    bool sends, receives;
    struct direction *direction; /* [2] */
    char *kept;                  /* a message that was too large for the buffer; NULL: none */
    size_t kept_size;
    int kept_fd; /* -1: none */
};

/* ---- making and closing ---- */

static struct direction *map_directions(int fd)
{
    void *memory =
        mmap(NULL, 2 * sizeof(struct direction), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

int fb_mp_connection_unpack(const struct fb_mp_connection_packed *packed,
                            const int fd[FB_MP_CONNECTION_FDS],
                            struct fb_mp_connection **ret_connection)
{
    struct fb_mp_connection *connection = calloc(1, sizeof *connection);
    struct direction *direction = map_directions(fd[1]);
    if (!connection || !direction) {
        if (direction)
            munmap(direction, 2 * sizeof *direction);
        free(connection);
        close(fd[0]);
        close(fd[1]);
        return -ENOMEM;
    }
    *connection = (struct fb_mp_connection){ .fd = fd[0],
                                             .shared_fd = fd[1],
                                             .side = packed->side,
                                             .sends = packed->sends,
                                             .receives = packed->receives,
                                             .direction = direction,
                                             .kept_fd = -1 };
    *ret_connection = connection;
    return 0;
}

/* Makes the shared memory of a new pipe. Returns its descriptor or a negative errno. */
static int make_directions(void)
{
    int fd = memfd_create("fb-mp-pipe", MFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    struct direction *direction =
        ftruncate(fd, 2 * sizeof *direction) == 0 ? map_directions(fd) : NULL;
    if (!direction) {
        close(fd);
        return -ENOMEM;
    }
    for (int i = 0; i < 2; i++) {
        fb_mp_mutex_init(&direction[i].sending, PTHREAD_MUTEX_NORMAL);
        fb_mp_mutex_init(&direction[i].receiving, PTHREAD_MUTEX_NORMAL);
    }
    munmap(direction, 2 * sizeof *direction);
    return fd;
}

int fb_mp_pipe(bool two_way, struct fb_mp_connection **ret_first,
               struct fb_mp_connection **ret_second)
{
    struct fb_mp_connection_packed first = { .side = 0, .sends = two_way, .receives = true };
    struct fb_mp_connection_packed second = { .side = 1, .sends = true, .receives = two_way };
    struct fb_mp_connection *end[2];
    int sockets[2], shared = make_directions();
    if (shared < 0)
        return shared;
    int again = fcntl(shared, F_DUPFD_CLOEXEC, 3);
    if (again < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0) {
        int code = errno;
        close(shared);
        if (again >= 0)
            close(again);
        return -code;
    }
    int result = fb_mp_connection_unpack(&first, (const int[]){ sockets[0], shared }, &end[0]);
    int other = fb_mp_connection_unpack(&second, (const int[]){ sockets[1], again }, &end[1]);
    if (result == 0 && other == 0) {
        *ret_first = end[0];
        *ret_second = end[1];
        return 0;
    }
    if (result == 0)
        fb_mp_connection_close(end[0]);
    if (other == 0)
        fb_mp_connection_close(end[1]);
    return -ENOMEM;
}

void fb_mp_connection_close(struct fb_mp_connection *connection)
{
    if (!connection)
        return;
    close(connection->fd);
    close(connection->shared_fd);
    if (connection->kept_fd >= 0)
        close(connection->kept_fd);
    munmap(connection->direction, 2 * sizeof *connection->direction);
    free(connection->kept);
    free(connection);
}

void fb_mp_connection_pack(const struct fb_mp_connection *connection,
                           struct fb_mp_connection_packed *ret_packed,
                           int ret_fd[FB_MP_CONNECTION_FDS])
{
    *ret_packed = (struct fb_mp_connection_packed){ .side = connection->side,
                                                    .sends = connection->sends,
                                                    .receives = connection->receives };
    ret_fd[0] = connection->fd;
    ret_fd[1] = connection->shared_fd;
}

int fb_mp_connection_fd(const struct fb_mp_connection *connection)
{
    return connection->fd;
}

/* ---- sending ---- */

static int send_message(struct fb_mp_connection *connection, const char *bytes, size_t size, int fd)
{
    struct direction *direction = &connection->direction[connection->side];
    if (!connection->sends)
        return -EBADF;
    int result = fb_mp_mutex_take(&direction->sending, FB_MP_FOREVER);
    if (result < 0 && result != -EOWNERDEAD)
        return result;
    if (size > FB_MP_FRAGMENT || fd >= 0) /* only receivers of several packets read it */
        direction->sender = fb_mp_identity_self();
    struct fb_mp_header header = { .number = ++direction->number, .total = size, .is_fd = fd >= 0 };
    do {
        size_t part = size - header.offset < FB_MP_FRAGMENT ? size - header.offset : FB_MP_FRAGMENT;
        result = fb_mp_packet_send(connection->fd, &header, bytes + header.offset, part);
        header.offset += part;
    } while (result == 0 && header.offset < size);
    if (result == 0 && fd >= 0) {
        header.offset = FD_OFFSET;
        result = fb_mp_packet_send_fd(connection->fd, &header, fd);
    }
    if (result < 0)
        atomic_store(&direction->given_up, header.number);
    pthread_mutex_unlock(&direction->sending);
    return result;
}

int fb_mp_send(struct fb_mp_connection *connection, const void *message, size_t size)
{
    if (size && !message)
        return -EINVAL;
    return send_message(connection, message ? message : "", size, -1);
}

int fb_mp_send_fd(struct fb_mp_connection *connection, int fd)
{
    return fcntl(fd, F_GETFD) < 0 ? -EBADF : send_message(connection, "", 0, fd);
}

/* ---- receiving ---- */

/* Whether the next packet continues the message at offset. Waits for it until its sender dies or
 * gives up. */
static bool continues(const struct fb_mp_connection *connection, const struct fb_mp_header *before,
                      size_t offset)
{
    struct direction *direction = &connection->direction[!connection->side];
    struct fb_mp_header next;
    while (fb_mp_wait_readable(connection->fd, CHECK_MS * FB_MP_MILLISECOND) == -ETIMEDOUT)
        if ((atomic_load(&direction->given_up) == before->number ||
             !fb_mp_identity_is_alive(&direction->sender)) &&
            fb_mp_wait_readable(connection->fd, 0) == -ETIMEDOUT)
            return false;
    ssize_t size = recv(connection->fd, &next, sizeof next, MSG_PEEK);
    return size == (ssize_t)sizeof next && next.number == before->number && next.offset == offset;
}

/* Notes that the message is reported as incomplete, so that its later packets are skipped. */
static int report_incomplete(struct fb_mp_connection *connection, uint64_t number)
{
    connection->direction[!connection->side].broken = number;
    return -EBADMSG;
}

/* Assembles a message from its first packet, which has size bytes of it, and the following ones. */
static int assemble(struct fb_mp_connection *connection, const struct fb_mp_packet *first,
                    size_t size, char *whole)
{
    size_t have = size, total = first->header.total;
    if (size)
        memcpy(whole, first->bytes, size);
    while (have < total) {
        size_t part = total - have;
        if (!continues(connection, &first->header, have))
            return report_incomplete(connection, first->header.number);
        int result = fb_mp_packet_receive_at(connection->fd, whole + have, &part);
        if (result < 0)
            return result;
        have += part;
    }
    return 0;
}

/* Assembles the message in the buffer if it fits, otherwise in memory that is kept. */
static int deliver(struct fb_mp_connection *connection, const struct fb_mp_packet *first,
                   size_t first_size, char *buffer, size_t size, size_t *ret_size)
{
    size_t total = *ret_size = first->header.total;
    if (total <= size)
        return assemble(connection, first, first_size, buffer);
    char *whole = malloc(total);
    if (!whole) { /* its later packets are skipped */
        connection->direction[!connection->side].broken = first->header.number;
        return -ENOMEM;
    }
    int result = assemble(connection, first, first_size, whole);
    if (result < 0) {
        free(whole);
        return result;
    }
    connection->kept = whole;
    connection->kept_size = total;
    return -EMSGSIZE;
}

static int keep_fd(struct fb_mp_connection *connection, const struct fb_mp_packet *first)
{
    if (!continues(connection, &first->header, FD_OFFSET))
        return report_incomplete(connection, first->header.number);
    int fd = fb_mp_packet_receive_fd(connection->fd);
    if (fd < 0)
        return fd;
    connection->kept_fd = fd;
    return -ENOMSG;
}

/* With the receiving lock held. */
static int receive_next(struct fb_mp_connection *connection, char *buffer, size_t size,
                        int64_t deadline, size_t *ret_size)
{
    struct direction *direction = &connection->direction[!connection->side];
    struct fb_mp_packet *packet = &direction->packet;
    size_t first;
    for (;;) {
        int result = deadline == FB_MP_FOREVER
                         ? 0
                         : fb_mp_wait_readable(connection->fd, deadline - fb_mp_now());
        if (result == 0)
            result = fb_mp_packet_receive(connection->fd, packet, &first);
        if (result < 0)
            return result;
        if (packet->header.offset == 0)
            break;
        /* The rest of a message that a process has received only in part. */
        if (direction->broken != packet->header.number)
            return report_incomplete(connection, packet->header.number);
    }
    return packet->header.is_fd ? keep_fd(connection, packet)
                                : deliver(connection, packet, first, buffer, size, ret_size);
}

static int take_kept(struct fb_mp_connection *connection, void *buffer, size_t size,
                     size_t *ret_size)
{
    *ret_size = connection->kept_size;
    if (connection->kept_size > size)
        return -EMSGSIZE;
    if (connection->kept_size)
        memcpy(buffer, connection->kept, connection->kept_size);
    free(connection->kept);
    connection->kept = NULL;
    return 0;
}

int fb_mp_receive(struct fb_mp_connection *connection, void *buffer, size_t size,
                  int64_t timeout_ns, size_t *ret_size)
{
    struct direction *direction = &connection->direction[!connection->side];
    if (!connection->receives)
        return -EBADF;
    int64_t deadline = timeout_ns == FB_MP_FOREVER ? FB_MP_FOREVER : fb_mp_deadline(timeout_ns);
    int result = fb_mp_mutex_take(&direction->receiving, timeout_ns);
    if (result < 0 && result != -EOWNERDEAD)
        return result;
    if (connection->kept)
        result = take_kept(connection, buffer, size, ret_size);
    else if (connection->kept_fd >= 0)
        result = -ENOMSG;
    else
        result = receive_next(connection, buffer, size, deadline, ret_size);
    pthread_mutex_unlock(&direction->receiving);
    return result;
}

int fb_mp_receive_fd(struct fb_mp_connection *connection, int64_t timeout_ns, int *ret_fd)
{
    size_t size;
    int result = fb_mp_receive(connection, NULL, 0, timeout_ns, &size);
    if (result == -ENOMSG) {
        *ret_fd = connection->kept_fd;
        connection->kept_fd = -1;
        return 0;
    }
    /* An empty message was received successfully: keep it as well. */
    if (result == 0 && !(connection->kept = malloc(1)))
        return -ENOMEM;
    if (result == 0)
        connection->kept_size = 0;
    return result == 0 || result == -EMSGSIZE ? -ENOMSG : result;
}

bool fb_mp_poll(struct fb_mp_connection *connection, int64_t timeout_ns)
{
    return connection->kept || connection->kept_fd >= 0 ||
           fb_mp_wait_readable(connection->fd, timeout_ns) == 0;
}
