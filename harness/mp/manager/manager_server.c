#include "harness/mp/core/descriptors.h"
#include "harness/mp/manager/manager_internal.h"
#include "harness/mp/manager/manager_stream.h"
#include "harness/mp/manager/object_table.h"
#include "harness/mp/manager/store.h"
#include "harness/mp/process/log.h"
#include "harness/mp/process/registry.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

/* One thread serves all connections. A call that can't be done yet is stored in its connection and
 * tried again after each operation on its object. */

#define EVENTS 64
#define ANY 0 /* stands for all objects: no object has this id */

struct connection {
    struct stream stream;                               /* first, as events point to it */
    struct connection *next, *previous;                 /* in the list of all */
    struct connection *next_waiting, *previous_waiting; /* in the list of waiting calls */
    struct client *client;                              /* NULL until the key has been received */
    struct fb_mp_identity process;
    bool waits;
    struct fb_mp_object delivered; /* an item that was sent from a queue and is not confirmed yet */
    uint64_t delivered_id;         /* the queue's id; 0: there is no such item */
    struct wire_request request;   /* valid while it waits */
    int64_t deadline;
};

static struct {
    struct stream_set streams;
    int listener, spare; /* spare: a descriptor to close when there are no more */
    bool listening;
    const struct fb_mp_manager_address *address;
    struct connection *connections;
    struct connection *first_waiting, *last_waiting; /* waiting calls, oldest first */
} server;

/* ---- calls ---- */

static void stop_waiting(struct connection *connection)
{
    if (!connection->waits)
        return;
    *(connection->previous_waiting ? &connection->previous_waiting->next_waiting
                                   : &server.first_waiting) = connection->next_waiting;
    *(connection->next_waiting ? &connection->next_waiting->previous_waiting
                               : &server.last_waiting) = connection->previous_waiting;
    connection->waits = false;
    wire_request_free(&connection->request);
}

static void start_waiting(struct connection *connection, struct wire_request *request)
{
    connection->request = *request;
    *request = (struct wire_request){ 0 };
    connection->deadline = fb_mp_deadline(connection->request.timeout_ns);
    connection->waits = true;
    connection->next_waiting = NULL;
    connection->previous_waiting = server.last_waiting;
    *(server.last_waiting ? &server.last_waiting->next_waiting : &server.first_waiting) =
        connection;
    server.last_waiting = connection;
}

static int perform(struct client *client, struct store_call *call)
{
    const struct wire_request *request = call->request;
    if (request->op == WIRE_MAKE)
        return object_table_make(call, client);
    if (request->op == WIRE_REFER)
        return object_table_refer(client, request->id);
    if (request->op == WIRE_UNREFER)
        return object_table_unrefer(client, request->id);
    struct store_object *object = object_table_find(request->id);
    return object ? store_run(object, call) : -ENOENT;
}

/* Ends the delivery of an item from a queue: if it has not arrived, it returns to the front. */
static void settle(struct connection *connection, bool arrived)
{
    struct store_object *object = object_table_find(connection->delivered_id);
    if (!connection->delivered_id)
        return;
    if (object && arrived)
        store_list_settle(&object->list);
    else if (object)
        store_list_return(&object->list, &connection->delivered);
    fb_mp_object_free(&connection->delivered);
    connection->delivered_id = 0;
}

/* Performs the request and answers. False: it has to wait. */
static bool try_call(struct connection *connection, struct wire_request *request)
{
    struct store_call call = {
        .request = request, .owner = { .client = connection->client, .thread = request->thread }
    };
    int result = perform(connection->client, &call);
    if (result == STORE_WAIT)
        return false;
    bool sent = stream_answer(&connection->stream, result, &call.answer);
    if (result == 0 && request->op == WIRE_QUEUE_GET) {
        connection->delivered = call.answer;
        connection->delivered_id = request->id;
        if (!sent)
            settle(connection, false);
    } else if (!call.borrowed)
        fb_mp_object_free(&call.answer);
    return true;
}

/* Tries the waiting calls for that object again, after it has changed; ANY: for all objects. */
static void try_waiting(uint64_t id)
{
    for (struct connection *each = server.first_waiting, *next_waiting; each; each = next_waiting) {
        next_waiting = each->next_waiting;
        if ((id != ANY && each->request.id != id) || each->stream.broken ||
            !try_call(each, &each->request))
            continue;
        stop_waiting(each);
        next_waiting = server.first_waiting; /* the call may have unblocked an older one */
    }
}

static void serve(struct connection *connection, const char *body, size_t size)
{
    struct wire_request request;
    int result = wire_read_request(body, size, &request);
    if (result < 0) {
        const struct fb_mp_object nothing = fb_mp_nil();
        stream_answer(&connection->stream, result, &nothing);
        return;
    }
    uint64_t id = request.id, delivered_id = connection->delivered_id;
    if (request.op == WIRE_QUEUE_TAKEN) {
        settle(connection, true);
        wire_request_free(&request);
        return;
    }
    settle(connection, false);
    if (delivered_id)
        try_waiting(delivered_id);
    if (request.op == WIRE_QUEUE_NOT_TAKEN) {
        wire_request_free(&request);
        return;
    }
    if (try_call(connection, &request)) {
        if (server.first_waiting)
            try_waiting(id);
    } else if (request.timeout_ns > 0) {
        start_waiting(connection, &request);
    } else {
        const struct fb_mp_object nothing = fb_mp_nil();
        stream_answer(&connection->stream, -ETIMEDOUT, &nothing);
    }
    wire_request_free(&request);
}

/* ---- clients ---- */

static void authenticate(struct connection *connection, const char *body, size_t size)
{
    const struct fb_mp_object nothing = fb_mp_nil();
    bool right = size == sizeof server.address->key && memcmp(body, server.address->key, size) == 0;
    int result = right ? 0 : -EACCES;
    if (result == 0 && !(connection->client = object_table_client(&connection->process)))
        result = -ENOMEM;
    if (result == 0)
        connection->client->connections++;
    stream_answer(&connection->stream, result, &nothing);
    if (result < 0)
        stream_break(&connection->stream);
}

/* ---- connections ---- */

static void set_listening(bool listening)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };
    if (listening != server.listening &&
        epoll_ctl(server.streams.epoll, listening ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, server.listener,
                  &event) == 0)
        server.listening = listening;
}

static void add_connection(int fd)
{
    struct connection *connection = calloc(1, sizeof *connection);
    pid_t pid;
    if (!connection || !manager_peer_is_ours(fd, &pid)) {
        free(connection);
        close(fd);
        return;
    }
    if (stream_open(&connection->stream, &server.streams, fd) < 0) {
        free(connection);
        return;
    }
    connection->process = fb_mp_identity_of(pid);
    connection->next = server.connections;
    if (connection->next)
        connection->next->previous = connection;
    server.connections = connection;
}

/* Answers the next connection request with -EMFILE, on the spare descriptor. False: there is no
 * request. */
static bool refuse_one(void)
{
    const struct fb_mp_object nothing = fb_mp_nil();
    msgpack_sbuffer out;
    close(server.spare);
    int fd = accept4(server.listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    msgpack_sbuffer_init(&out);
    if (fd >= 0 && wire_pack_answer(&out, -EMFILE, &nothing) == 0 &&
        send(fd, out.data, out.size, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        fb_mp_log(FB_MP_LOG_WARNING,
                  "can't report to a client that there are too many connections");
    msgpack_sbuffer_destroy(&out);
    if (fd >= 0) {
        shutdown(fd, SHUT_WR); /* close() with the key unread could discard the answer */
        close(fd);
    }
    server.spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return fd >= 0;
}

static void accept_all(void)
{
    for (;;) {
        int fd = accept4(server.listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0)
            add_connection(fd);
        else if ((errno == EMFILE || errno == ENFILE) && server.spare >= 0) {
            if (!refuse_one())
                return;
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            set_listening(false); /* until a connection is closed */
            return;
        } else if (errno != EINTR && errno != ECONNABORTED)
            return;
    }
}

static void end_connection(struct connection *connection)
{
    struct client *client = connection->client;
    stop_waiting(connection);
    settle(connection, false);
    *(connection->previous ? &connection->previous->next : &server.connections) = connection->next;
    if (connection->next)
        connection->next->previous = connection->previous;
    stream_close(&connection->stream);
    free(connection);
    if (client && --client->connections == 0) /* its process has ended or disconnected */
        object_table_drop_client(client);
    try_waiting(ANY);
    set_listening(true);
}

static void receive(struct connection *connection)
{
    const char *body;
    size_t size;
    stream_receive(&connection->stream);
    while (!connection->waits && stream_next(&connection->stream, &body, &size))
        (connection->client ? serve : authenticate)(connection, body, size);
}

/* ---- the loop ---- */

static void end_broken_connections(void)
{
    if (!server.streams.broken)
        return;
    server.streams.broken = false;
    for (struct connection *each = server.connections, *next; each; each = next) {
        next = each->next;
        if (each->stream.broken) {
            end_connection(each);
            next = server.connections; /* others may have broken meanwhile */
        }
    }
}

static void expire_waiting(void)
{
    const struct fb_mp_object nothing = fb_mp_nil();
    int64_t now = server.first_waiting ? fb_mp_now() : 0;
    for (struct connection *each = server.first_waiting, *next_waiting; each; each = next_waiting) {
        next_waiting = each->next_waiting;
        if (each->deadline > now)
            continue;
        stop_waiting(each);
        stream_answer(&each->stream, -ETIMEDOUT, &nothing);
    }
}

/* Milliseconds until the earliest deadline of a waiting call, rounded up; -1: no call waits. */
static int next_timeout_ms(void)
{
    int64_t first = INT64_MAX;
    for (struct connection *each = server.first_waiting; each; each = each->next_waiting)
        if (each->deadline < first)
            first = each->deadline;
    if (first == INT64_MAX)
        return -1;
    int64_t left = first - fb_mp_now();
    int64_t milliseconds = left <= 0 ? 0 : (left - 1) / FB_MP_MILLISECOND + 1;
    return milliseconds > INT_MAX ? INT_MAX : (int)milliseconds;
}

static void handle_event(const struct epoll_event *event)
{
    struct connection *connection = event->data.ptr;
    if (!connection) {
        accept_all();
        return;
    }
    if ((event->events & EPOLLOUT) && !connection->stream.broken)
        stream_flush(&connection->stream);
    if ((event->events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && !connection->stream.broken)
        receive(connection);
}

/* Listens and reports that to the process that started the server. 0 or a negative errno. */
static int begin(const struct fb_mp_manager_address *address)
{
    struct sockaddr_un name;
    socklen_t size = manager_socket_address(address, &name);
    int keep[] = { fb_mp_descriptor(0), fb_mp_log_descriptor() };
    fb_mp_close_all_except(keep, sizeof keep / sizeof *keep);
    server.address = address;
    server.spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    server.streams.epoll = epoll_create1(EPOLL_CLOEXEC);
    server.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (server.streams.epoll < 0 || server.listener < 0 ||
        bind(server.listener, (struct sockaddr *)&name, size) < 0 ||
        listen(server.listener, SOMAXCONN) < 0)
        return -errno;
    set_listening(true);
    if (!server.listening || write(fb_mp_descriptor(0), "", 1) != 1)
        return -errno;
    close(fb_mp_descriptor(0));
    return 0;
}

int manager_serve(const void *argument, size_t size)
{
    (void)size;
    struct epoll_event events[EVENTS];
    signal(SIGINT, SIG_IGN); /* after Ctrl-C, the process that started it decides */
    int result = begin(argument);
    if (result < 0) {
        fb_mp_log(FB_MP_LOG_ERROR, "can't listen: %s", strerror(-result));
        return 1;
    }
    for (;;) {
        int count = epoll_wait(server.streams.epoll, events, EVENTS, next_timeout_ms());
        for (int i = 0; i < count; i++)
            handle_event(&events[i]);
        expire_waiting();
        /* Only now, so that no event refers to a freed connection. */
        end_broken_connections();
    }
}

/* So that any program can spawn a server. */
__attribute__((constructor)) static void add_task(void)
{
    static const struct fb_mp_task task = { .name = "fb-mp-manager", .run = manager_serve };
    fb_mp_registry_add(&task);
}
