#include "harness/mp/manager/manager_internal.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_SIZE 4096 /* bytes that are read at once */

/* All connections of this process. A forked child closes them: the server takes a process to be
 * alive as long as one of its connections is open. */
static struct {
    pthread_mutex_t mutex; /* also guards the idle connections of all managers */
    int *fd;
    size_t fds, room;
} sockets = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static void lock_sockets(void)
{
    pthread_mutex_lock(&sockets.mutex);
}

static void unlock_sockets(void)
{
    pthread_mutex_unlock(&sockets.mutex);
}

static void close_in_child(void)
{
    for (size_t i = 0; i < sockets.fds; i++)
        close(sockets.fd[i]);
    sockets.fds = 0;
    unlock_sockets();
}

__attribute__((constructor)) static void watch_for_forks(void)
{
    pthread_atfork(lock_sockets, unlock_sockets, close_in_child);
}

/* ---- bytes ---- */

/* *ret_partly_sent: whether any bytes were sent. */
static int send_all(int fd, const char *bytes, size_t size, bool *ret_partly_sent)
{
    *ret_partly_sent = false;
    while (size > 0) {
        ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR)
            return errno == ECONNRESET ? -EPIPE : -errno;
        *ret_partly_sent |= sent > 0;
        bytes += sent > 0 ? sent : 0;
        size -= sent > 0 ? (size_t)sent : 0;
    }
    return 0;
}

static int receive_all(int fd, char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t got = recv(fd, bytes, size, 0);
        if (got == 0 || (got < 0 && errno == ECONNRESET))
            return -EPIPE;
        if (got < 0 && errno != EINTR)
            return -errno;
        bytes += got > 0 ? got : 0;
        size -= got > 0 ? (size_t)got : 0;
    }
    return 0;
}

/* Reads and discards the rest of an answer that there is no memory for. */
static int discard_answer(int fd, size_t size)
{
    char room[READ_SIZE];
    int result = 0;
    for (size_t part; size > 0 && result == 0; size -= part) {
        part = size < sizeof room ? size : sizeof room;
        result = receive_all(fd, room, part);
    }
    return result;
}

/* *ret_whole: the answer was received in whole, so the connection is ready for another call. */
static int receive_answer(int fd, int *ret_result, struct fb_mp_object *ret_value, bool *ret_whole)
{
    char room[READ_SIZE], *frame = room;
    uint32_t length;
    ssize_t got;
    *ret_whole = false;
    do
        got = recv(fd, room, sizeof room, 0);
    while (got < 0 && errno == EINTR);
    if (got <= 0)
        return got == 0 || errno == ECONNRESET ? -EPIPE : -errno;
    size_t there = (size_t)got < WIRE_HEADER ? WIRE_HEADER : (size_t)got;
    int result = receive_all(fd, room + got, there - (size_t)got);
    if (result < 0)
        return result;
    memcpy(&length, room, sizeof length);
    size_t whole = (size_t)length + WIRE_HEADER;
    if (length > WIRE_FRAME_MAX || there > whole)
        return -EPROTO;
    if (whole > sizeof room && !(frame = malloc(whole))) {
        result = discard_answer(fd, whole - there);
        *ret_whole = result == 0;
        return result < 0 ? result : -ENOMEM;
    }
    if (frame != room)
        memcpy(frame, room, there);
    result = receive_all(fd, frame + there, whole - there);
    *ret_whole = result == 0;
    if (result == 0)
        result = wire_read_answer(frame + WIRE_HEADER, length, ret_result, ret_value);
    if (frame != room)
        free(frame);
    return result;
}

/* ---- connections ---- */

socklen_t manager_socket_address(const struct fb_mp_manager_address *address,
                                 struct sockaddr_un *ret_address)
{
    *ret_address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    size_t length = strnlen(address->name, sizeof address->name);
    memcpy(ret_address->sun_path + 1, address->name, length);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length);
}

bool manager_peer_is_ours(int fd, pid_t *ret_pid)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || peer.uid != geteuid())
        return false;
    *ret_pid = peer.pid;
    return true;
}

static int send_key(int fd, const struct fb_mp_manager_address *address)
{
    msgpack_sbuffer buffer;
    struct fb_mp_object nothing = fb_mp_nil();
    int answer = 0;
    bool some;
    msgpack_sbuffer_init(&buffer);
    int result = wire_pack_key(&buffer, address->key, sizeof address->key);
    if (result == 0)
        result = send_all(fd, buffer.data, buffer.size, &some);
    if (result == 0 || result == -EPIPE) /* a server that refuses may answer before it reads */
        result = receive_answer(fd, &answer, &nothing, &some);
    fb_mp_object_free(&nothing);
    msgpack_sbuffer_destroy(&buffer);
    return result < 0 ? result : answer;
}

/* Makes a socket and adds it to the list. Its descriptor or a negative errno. */
static int add_socket(void)
{
    lock_sockets();
    int fd = -ENOMEM;
    if (sockets.fds == sockets.room) {
        size_t room = sockets.room ? 2 * sockets.room : 8;
        int *list = reallocarray(sockets.fd, room, sizeof *list);
        sockets.fd = list ? list : sockets.fd;
        sockets.room = list ? room : sockets.room;
    }
    if (sockets.fds < sockets.room && (fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
        fd = -errno;
    if (fd >= 0)
        sockets.fd[sockets.fds++] = fd;
    unlock_sockets();
    return fd;
}

static void drop_socket(int fd)
{
    lock_sockets();
    for (size_t i = 0; i < sockets.fds; i++)
        if (sockets.fd[i] == fd)
            sockets.fd[i--] = sockets.fd[--sockets.fds];
    close(fd);
    unlock_sockets();
}

/* Makes a new connection. Its descriptor or a negative errno. */
static int connect_to(const struct fb_mp_manager_address *address)
{
    struct sockaddr_un name;
    pid_t peer;
    socklen_t size = manager_socket_address(address, &name);
    int fd = add_socket(), result = 0;
    if (fd < 0)
        return fd;
    while (connect(fd, (struct sockaddr *)&name, size) < 0 && result == 0)
        if (errno != EINTR)
            result = errno == ECONNREFUSED ? -EPIPE : -errno;
    if (result == 0)
        result = manager_peer_is_ours(fd, &peer) ? send_key(fd, address) : -EACCES;
    if (result == 0)
        return fd;
    drop_socket(fd);
    return result;
}

/* A forked process has no idle connections: they were closed. Call with the mutex locked. */
static void discard_inherited(struct manager_link *link)
{
    if (link->pid != getpid())
        link->idles = 0;
    link->pid = getpid();
}

static int acquire_connection(struct manager_link *link)
{
    int fd = -1;
    lock_sockets();
    discard_inherited(link);
    if (link->idles > 0)
        fd = link->idle[--link->idles];
    unlock_sockets();
    return fd >= 0 ? fd : connect_to(&link->address);
}

static void release_connection(struct manager_link *link, int fd)
{
    lock_sockets();
    discard_inherited(link);
    if (link->idles == link->room) {
        size_t room = link->room ? 2 * link->room : 4;
        int *idle = reallocarray(link->idle, room, sizeof *idle);
        link->idle = idle ? idle : link->idle;
        link->room = idle ? room : link->room;
    }
    bool kept = link->idles < link->room;
    if (kept)
        link->idle[link->idles++] = fd;
    unlock_sockets();
    if (!kept)
        drop_socket(fd);
}

/* Closes a connection on which an answer was not read in whole. A new one is opened first, so that
 * the server does not take the process to have ended. */
static void replace_connection(struct manager_link *link, int fd, int why)
{
    int other = why == -EPIPE ? -EPIPE : connect_to(&link->address);
    if (other >= 0)
        release_connection(link, other);
    drop_socket(fd);
}

/* ---- calls ---- */

/* Reports to the server whether the item from a queue was received: op is WIRE_QUEUE_(NOT_)TAKEN. */
static int send_receipt(int fd, enum wire_op op, bool *ret_usable)
{
    const struct wire_request request = { .op = op };
    msgpack_sbuffer buffer;
    bool some = false;
    msgpack_sbuffer_init(&buffer);
    int result = wire_pack_request(&buffer, &request);
    if (result == 0)
        result = send_all(fd, buffer.data, buffer.size, &some);
    msgpack_sbuffer_destroy(&buffer);
    *ret_usable = result == 0 || !some;
    return result;
}

/* *ret_usable: the connection is ready for another call. */
static int call_over(int fd, const struct wire_request *request, const msgpack_sbuffer *buffer,
                     struct fb_mp_object *ret_value, bool *ret_usable)
{
    int answer;
    bool some;
    int result = send_all(fd, buffer->data, buffer->size, &some);
    *ret_usable = result != -EPIPE && !some;
    if (result == 0)
        result = receive_answer(fd, &answer, ret_value, ret_usable);
    if (request->op == WIRE_QUEUE_GET && result == 0 && answer == 0) {
        result = send_receipt(fd, WIRE_QUEUE_TAKEN, ret_usable);
        if (result < 0)
            fb_mp_object_free(ret_value);
    } else if (request->op == WIRE_QUEUE_GET && result < 0 && *ret_usable)
        /* If this can't be sent either, the next request on the connection has the same effect. */
        send_receipt(fd, WIRE_QUEUE_NOT_TAKEN, ret_usable);
    return result < 0 ? result : answer;
}

int manager_link_exchange(struct manager_link *link, const struct wire_request *request,
                          struct fb_mp_object *ret_value)
{
    msgpack_sbuffer buffer;
    bool usable = false;
    msgpack_sbuffer_init(&buffer);
    int result = wire_pack_request(&buffer, request), fd = -1;
    if (result == 0)
        result = fd = acquire_connection(link);
    if (result >= 0)
        result = call_over(fd, request, &buffer, ret_value, &usable);
    msgpack_sbuffer_destroy(&buffer);
    if (usable)
        release_connection(link, fd);
    else if (fd >= 0)
        replace_connection(link, fd, result);
    return result;
}

/* ---- */

int manager_link_open(struct manager_link *link)
{
    int fd = connect_to(&link->address);
    if (fd < 0)
        return fd;
    link->pid = getpid();
    release_connection(link, fd);
    return 0;
}

void manager_link_close(struct manager_link *link)
{
    lock_sockets();
    discard_inherited(link);
    unlock_sockets();
    for (size_t i = 0; i < link->idles; i++)
        drop_socket(link->idle[i]);
    free(link->idle);
}
