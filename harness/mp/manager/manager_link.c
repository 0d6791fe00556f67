#include "harness/mp/manager/manager_internal.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_ROOM 4096 /* bytes that are read at once */

/* All connections of this process, which are not for those that it forks: the server takes a
 * process to be alive as long as one is open. */
static struct {
    pthread_mutex_t mutex; /* guards the idle ones of all managers too */
    int *fd;
    size_t fds, room;
} known = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static void lock_known(void)
{
    pthread_mutex_lock(&known.mutex);
}

static void unlock_known(void)
{
    pthread_mutex_unlock(&known.mutex);
}

static void close_in_child(void)
{
    for (size_t i = 0; i < known.fds; i++)
        close(known.fd[i]);
    known.fds = 0;
    unlock_known();
}

__attribute__((constructor)) static void watch_for_forks(void)
{
    pthread_atfork(lock_known, unlock_known, close_in_child);
}

/* ---- bytes ---- */

/* *ret_some: whether a part of them was sent. */
static int send_all(int fd, const char *bytes, size_t size, bool *ret_some)
{
    *ret_some = false;
    while (size > 0) {
        ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR)
            return errno == ECONNRESET ? -EPIPE : -errno;
        *ret_some |= sent > 0;
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

/* Reads the rest of an answer that there is no memory for. */
static int receive_nowhere(int fd, size_t size)
{
    char room[ANSWER_ROOM];
    int result = 0;
    for (size_t part; size > 0 && result == 0; size -= part) {
        part = size < sizeof room ? size : sizeof room;
        result = receive_all(fd, room, part);
    }
    return result;
}

/* *ret_whole: it was received in whole, so that the connection is ready for another call. */
static int receive_answer(int fd, int *ret_result, struct fb_mp_object *ret_value, bool *ret_whole)
{
    char room[ANSWER_ROOM], *frame = room;
    uint32_t length;
    ssize_t got;
    *ret_whole = false;
    do
        got = recv(fd, room, sizeof room, 0);
    while (got < 0 && errno == EINTR);
    if (got <= 0)
        return got == 0 || errno == ECONNRESET ? -EPIPE : -errno;
    size_t there = (size_t)got < WIRE_HEAD ? WIRE_HEAD : (size_t)got;
    int result = receive_all(fd, room + got, there - (size_t)got);
    if (result < 0)
        return result;
    memcpy(&length, room, sizeof length);
    size_t whole = (size_t)length + WIRE_HEAD;
    if (length > WIRE_MOST || there > whole)
        return -EPROTO;
    if (whole > sizeof room && !(frame = malloc(whole))) {
        result = receive_nowhere(fd, whole - there);
        *ret_whole = result == 0;
        return result < 0 ? result : -ENOMEM;
    }
    if (frame != room)
        memcpy(frame, room, there);
    result = receive_all(fd, frame + there, whole - there);
    *ret_whole = result == 0;
    if (result == 0)
        result = wire_read_answer(frame + WIRE_HEAD, length, ret_result, ret_value);
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

static int say_key(int fd, const struct fb_mp_manager_address *address)
{
    msgpack_sbuffer buffer;
    struct fb_mp_object nothing = fb_mp_nil();
    int answer = 0;
    bool some;
    msgpack_sbuffer_init(&buffer);
    int result = wire_pack_key(&buffer, address->key, sizeof address->key);
    if (result == 0)
        result = send_all(fd, buffer.data, buffer.size, &some);
    if (result == 0 || result == -EPIPE) /* who refuses us may have answered before it heard us */
        result = receive_answer(fd, &answer, &nothing, &some);
    fb_mp_object_free(&nothing);
    msgpack_sbuffer_destroy(&buffer);
    return result < 0 ? result : answer;
}

/* A new socket among the known ones, or a negative errno. */
static int add_socket(void)
{
    lock_known();
    int fd = -ENOMEM;
    if (known.fds == known.room) {
        size_t room = known.room ? 2 * known.room : 8;
        int *list = reallocarray(known.fd, room, sizeof *list);
        known.fd = list ? list : known.fd;
        known.room = list ? room : known.room;
    }
    if (known.fds < known.room && (fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
        fd = -errno;
    if (fd >= 0)
        known.fd[known.fds++] = fd;
    unlock_known();
    return fd;
}

static void drop_socket(int fd)
{
    lock_known();
    for (size_t i = 0; i < known.fds; i++)
        if (known.fd[i] == fd)
            known.fd[i--] = known.fd[--known.fds];
    close(fd);
    unlock_known();
}

/* A new connection: its descriptor or a negative errno. */
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
        result = manager_peer_is_ours(fd, &peer) ? say_key(fd, address) : -EACCES;
    if (result == 0)
        return fd;
    drop_socket(fd);
    return result;
}

/* In a forked process there are none. With the lock held. */
static void forget_parents(struct manager_link *link)
{
    if (link->pid != getpid())
        link->idles = 0;
    link->pid = getpid();
}

static int take_connection(struct manager_link *link)
{
    int fd = -1;
    lock_known();
    forget_parents(link);
    if (link->idles > 0)
        fd = link->idle[--link->idles];
    unlock_known();
    return fd >= 0 ? fd : connect_to(&link->address);
}

static void give_connection(struct manager_link *link, int fd)
{
    lock_known();
    forget_parents(link);
    if (link->idles == link->room) {
        size_t room = link->room ? 2 * link->room : 4;
        int *idle = reallocarray(link->idle, room, sizeof *idle);
        link->idle = idle ? idle : link->idle;
        link->room = idle ? room : link->room;
    }
    bool keeps = link->idles < link->room;
    if (keeps)
        link->idle[link->idles++] = fd;
    unlock_known();
    if (!keeps)
        drop_socket(fd);
}

/* One on which an answer was not read in whole is of no use; but the server must not think that the
 * process has ended. */
static void replace_connection(struct manager_link *link, int fd, int why)
{
    int other = why == -EPIPE ? -EPIPE : connect_to(&link->address);
    if (other >= 0)
        give_connection(link, other);
    drop_socket(fd);
}

/* ---- calls ---- */

/* Tells the server whether what it gave from a queue is here. */
static int say_taken(int fd, enum wire_op op, bool *ret_usable)
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
static int call_on(int fd, const struct wire_request *request, const msgpack_sbuffer *buffer,
                   struct fb_mp_object *ret_value, bool *ret_usable)
{
    int answer;
    bool some;
    int result = send_all(fd, buffer->data, buffer->size, &some);
    *ret_usable = result != -EPIPE && !some;
    if (result == 0)
        result = receive_answer(fd, &answer, ret_value, ret_usable);
    if (request->op == WIRE_QUEUE_GET && result == 0 && answer == 0) {
        result = say_taken(fd, WIRE_QUEUE_TAKEN, ret_usable);
        if (result < 0)
            fb_mp_object_free(ret_value);
    } else if (request->op == WIRE_QUEUE_GET && result < 0 && *ret_usable)
        /* If that can't be said either, the next call on this connection says it. */
        say_taken(fd, WIRE_QUEUE_NOT_TAKEN, ret_usable);
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
        result = fd = take_connection(link);
    if (result >= 0)
        result = call_on(fd, request, &buffer, ret_value, &usable);
    msgpack_sbuffer_destroy(&buffer);
    if (usable)
        give_connection(link, fd);
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
    give_connection(link, fd);
    return 0;
}

void manager_link_close(struct manager_link *link)
{
    lock_known();
    forget_parents(link);
    unlock_known();
    for (size_t i = 0; i < link->idles; i++)
        drop_socket(link->idle[i]);
    free(link->idle);
}
