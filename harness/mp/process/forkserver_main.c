/* The forkserver's program: forks and spawns the workers that are requested, and reports their
 * ends. */
#include "harness/mp/core/descriptors.h"
#include "harness/mp/core/heap.h"
#include "harness/mp/process/child.h"
#include "harness/mp/process/forkserver_internal.h"
#include "harness/mp/process/log.h"
#include "harness/mp/process/spawn.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* A worker that runs, or whose events were not all sent yet. */
struct worker {
    uint32_t connection; /* its number */
    uint32_t index, generation;
    pid_t pid; /* 0: it could not be made, code is the errno */
    int code;
    bool made_sent; /* the event that it was made */
    bool ended;     /* or could not be made */
};

struct connection {
    uint32_t number; /* never used again */
    int fd;
    bool unsent; /* events wait until the socket can take more */
};

static struct {
    int socket;   /* to the process that started this one */
    int children; /* a signalfd for SIGCHLD */
    const sigset_t *mask;
    struct worker *worker;
    size_t workers, worker_room;
    struct connection *connection;
    size_t connections, connection_room;
    uint32_t number; /* connections so far */
    struct pollfd *watched;
    size_t watched_room;
} server;

static bool has_room(void **list, size_t *room, size_t count, size_t size)
{
    if (count < *room)
        return true;
    size_t more = *room ? 2 * *room : 16;
    void *larger = reallocarray(*list, more, size);
    if (!larger)
        return false;
    *list = larger;
    *room = more;
    return true;
}

/* ---- sending events ---- */

/* Sends the worker's events so far. False if the socket is full. */
static bool send_events(const struct connection *connection, struct worker *worker)
{
    struct fb_mp_worker_event event = { .index = worker->index,
                                        .generation = worker->generation,
                                        .pid = worker->pid,
                                        .code = worker->code };
    if (!worker->made_sent && worker->pid) {
        event.kind = FB_MP_WORKER_MADE;
        int pidfd = worker->ended ? -1 : (int)syscall(SYS_pidfd_open, worker->pid, 0);
        int result =
            forkserver_send(connection->fd, &event, sizeof event, &pidfd, pidfd >= 0, MSG_DONTWAIT);
        if (pidfd >= 0)
            close(pidfd);
        if (result < 0)
            return false;
        worker->made_sent = true;
    }
    if (!worker->ended)
        return true;
    event.kind = worker->pid ? FB_MP_WORKER_ENDED : FB_MP_WORKER_REFUSED;
    return forkserver_send(connection->fd, &event, sizeof event, NULL, 0, MSG_DONTWAIT) == 0;
}

/* Workers whose end was sent are removed. */
static void send_all_events(struct connection *connection)
{
    connection->unsent = false;
    for (size_t i = 0; i < server.workers;) {
        struct worker *worker = &server.worker[i];
        if (worker->connection != connection->number) {
            i++;
            continue;
        }
        if (!send_events(connection, worker)) {
            connection->unsent = true;
            return;
        }
        if (worker->ended)
            *worker = server.worker[--server.workers];
        else
            i++;
    }
}

/* ---- making workers ---- */

static _Noreturn void be_worker(const struct fb_mp_worker_request *request, const char *name,
                                const struct fb_mp_worker_argument *argument, const int *fd,
                                size_t fds, pid_t parent)
{
    close(server.socket);
    close(server.children);
    for (size_t i = 0; i < server.connections; i++)
        close(server.connection[i].fd);
    fb_mp_child_begin(&(struct fb_mp_self){ .parent = parent, .name = name, .fd = fd, .fds = fds });
    sigprocmask(SIG_SETMASK, server.mask, NULL);
    exit(request->run(argument, sizeof *argument) & 0xff);
}

/* Returns the pid, or a negative errno. */
static pid_t make_worker(const struct fb_mp_worker_request *request, uint32_t index, const int *fd,
                         size_t fds)
{
    const struct fb_mp_worker_argument argument = { request->shared, index, request->generation };
    char name[FB_MP_NAME];
    pid_t parent = getpid(), pid;
    snprintf(name, sizeof name, "%s-%u", request->name, index + 1);
    if (request->method == FB_MP_FORK) {
        pid = fork();
        if (pid == 0)
            be_worker(request, name, &argument, fd, fds, parent);
        return pid < 0 ? -errno : pid;
    }
    const struct fb_mp_process_options options = {
        .run = request->run, .argument = &argument, .size = sizeof argument, .fd = fd, .fds = fds
    };
    struct fb_error error;
    int result = fb_mp_spawn_start(&options, name, &pid, &error);
    return result < 0 ? result : pid;
}

static void make_workers(const struct connection *connection,
                         const struct forkserver_request *request, const int *fd, size_t fds)
{
    const struct fb_mp_worker_request *workers = &request->workers;
    int result = fds && fchdir(fd[0]) == 0 ? 0 : -EBADF;
    sched_setaffinity(0, sizeof request->cpus, &request->cpus);
    for (uint32_t i = workers->first; i < workers->first + workers->count; i++) {
        if (!has_room((void **)&server.worker, &server.worker_room, server.workers,
                      sizeof *server.worker))
            _exit(1); /* the process that started this forkserver starts another one */
        pid_t pid = result < 0 ? result : make_worker(workers, i, fd + 1, fds - 1);
        server.worker[server.workers++] = (struct worker){ .connection = connection->number,
                                                           .index = i,
                                                           .generation = workers->generation,
                                                           .pid = pid > 0 ? pid : 0,
                                                           .code = pid > 0 ? 0 : pid,
                                                           .ended = pid < 0 };
    }
}

/* ---- ends ---- */

static void reap_workers(void)
{
    struct signalfd_siginfo signal;
    int status;
    pid_t pid;
    while (read(server.children, &signal, sizeof signal) > 0)
        ;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (size_t i = 0; i < server.workers; i++) {
            struct worker *worker = &server.worker[i];
            if (worker->pid != pid || worker->ended)
                continue;
            worker->ended = true;
            worker->code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
            break;
        }
}

/* The other side is closed: kills the connection's workers. */
static void drop_connection(size_t at)
{
    uint32_t number = server.connection[at].number;
    close(server.connection[at].fd);
    server.connection[at] = server.connection[--server.connections];
    for (size_t i = 0; i < server.workers; i++)
        if (server.worker[i].connection == number && !server.worker[i].ended)
            kill(server.worker[i].pid, SIGKILL);
}

/* Removes ended workers whose connection was dropped. */
static void remove_orphans(void)
{
    for (size_t i = 0; i < server.workers;) {
        bool needed = !server.worker[i].ended;
        for (size_t k = 0; k < server.connections && !needed; k++)
            needed = server.connection[k].number == server.worker[i].connection;
        if (needed)
            i++;
        else
            server.worker[i] = server.worker[--server.workers];
    }
}

/* ---- the loop ---- */

static void accept_connection(void)
{
    char nothing;
    int fd;
    size_t fds = 1;
    ssize_t got = forkserver_receive(server.socket, &nothing, sizeof nothing, &fd, &fds);
    if (got == 0)
        _exit(0);
    if (got < 0 || fds == 0)
        return;
    if (!has_room((void **)&server.connection, &server.connection_room, server.connections,
                  sizeof *server.connection)) {
        close(fd);
        return;
    }
    server.connection[server.connections++] =
        (struct connection){ .number = ++server.number, .fd = fd };
}

/* Returns false if the other side is closed. */
static bool serve_request(struct connection *connection)
{
    struct forkserver_request request;
    int fd[FORKSERVER_FDS];
    size_t fds = FORKSERVER_FDS;
    ssize_t got = forkserver_receive(connection->fd, &request, sizeof request, fd, &fds);
    if (got == sizeof request)
        make_workers(connection, &request, fd, fds);
    if (got > 0)
        while (fds > 0)
            close(fd[--fds]);
    connection->unsent |= got == sizeof request;
    return got > 0 || got == -EAGAIN;
}

static void wait_for_input(void)
{
    size_t count = 2 + server.connections;
    if (!has_room((void **)&server.watched, &server.watched_room, count - 1,
                  sizeof *server.watched))
        _exit(1);
    server.watched[0] = (struct pollfd){ .fd = server.children, .events = POLLIN };
    server.watched[1] = (struct pollfd){ .fd = server.socket, .events = POLLIN };
    for (size_t i = 0; i < server.connections; i++)
        server.watched[2 + i] =
            (struct pollfd){ .fd = server.connection[i].fd,
                             .events =
                                 (short)(POLLIN | (server.connection[i].unsent ? POLLOUT : 0)) };
    while (poll(server.watched, count, -1) < 0 && errno == EINTR)
        ;
}

static void serve_once(void)
{
    wait_for_input();
    bool ends = server.watched[0].revents, connecting = server.watched[1].revents;
    if (ends)
        reap_workers();
    /* Backwards, as the last connection takes the place of a dropped one. */
    for (size_t i = server.connections; i-- > 0;) {
        if (server.watched[2 + i].revents & (POLLIN | POLLHUP | POLLERR) &&
            !serve_request(&server.connection[i])) {
            drop_connection(i);
            continue;
        }
        if (ends || server.connection[i].unsent)
            send_all_events(&server.connection[i]);
    }
    remove_orphans();
    if (connecting)
        accept_connection();
}

_Noreturn void forkserver_main(int socket, const sigset_t *mask)
{
    sigset_t all, child;
    int keep[] = { socket, fb_mp_heap_place().fd, fb_mp_log_descriptor() };
    fb_mp_close_all_except(keep, sizeof keep / sizeof *keep);
    prctl(PR_SET_NAME, "fb-forkserver");
    /* Signals sent to a terminal's whole process group are for the program, which then decides
     * about this process. They are blocked, not ignored, because workers would inherit ignored
     * signals; only Ctrl-C is ignored, as it isn't for the workers either. */
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    signal(SIGINT, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    server.socket = socket;
    server.mask = mask;
    server.children = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    if (server.children < 0)
        _exit(1);
    for (;;)
        serve_once();
}
