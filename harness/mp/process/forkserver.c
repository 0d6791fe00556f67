#include "harness/mp/process/forkserver.h"

#include "harness/mp/core/heap.h"
#include "harness/mp/process/child.h"
#include "harness/mp/process/fork_thread.h"
#include "harness/mp/process/forkserver_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the forkserver of this process ---- */

static struct {
    pthread_mutex_t mutex;
    pid_t pid;  /* 0: there is none */
    int socket; /* to it; -1: there is none */
} forkserver = { .mutex = PTHREAD_MUTEX_INITIALIZER, .socket = -1 };

/* In every forked child, the forkserver included: the forkserver is the parent's. */
static void forget_forkserver(void)
{
    pthread_mutex_init(&forkserver.mutex, NULL);
    if (forkserver.socket >= 0)
        close(forkserver.socket);
    forkserver.socket = -1;
    forkserver.pid = 0;
}

__attribute__((constructor)) static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, forget_forkserver);
}

struct start {
    int end;       /* of the socket pair, the forkserver's */
    sigset_t mask; /* this thread's, for the workers */
};

static int fork_forkserver(void *context)
{
    const struct start *start = context;
    pid_t parent = getpid();
    fflush(NULL); /* otherwise both processes would write what is buffered */
    pid_t pid = fork();
    if (pid < 0)
        return -errno;
    if (pid > 0)
        return pid;
    fb_mp_child_begin(&(struct fb_mp_self){ .parent = parent, .name = "forkserver" });
    forkserver_main(start->end, &start->mask);
}

/* With the mutex held. */
static int start_forkserver(void)
{
    static bool at_exit; /* the handler that ends it and waits for it is registered */
    int end[2];
    struct start start;
    int result = fb_mp_heap_make(); /* which the workers need */
    if (result == 0 && !at_exit && !(at_exit = atexit(fb_mp_forkserver_stop) == 0))
        result = -ENOMEM;
    if (result < 0)
        return result;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, end) < 0)
        return -errno;
    start.end = end[1];
    pthread_sigmask(SIG_SETMASK, NULL, &start.mask);
    result = fb_mp_fork_thread_run(fork_forkserver, &start);
    close(end[1]);
    if (result < 0) {
        close(end[0]);
        return result;
    }
    forkserver.pid = result;
    forkserver.socket = end[0];
    return 0;
}

/* With the mutex held. */
static void end_forkserver(void)
{
    close(forkserver.socket);
    forkserver.socket = -1;
    kill(forkserver.pid, SIGKILL);
    while (waitpid(forkserver.pid, NULL, 0) < 0 && errno == EINTR)
        ;
    forkserver.pid = 0;
}

int fb_mp_forkserver_start(struct fb_error *error)
{
    pthread_mutex_lock(&forkserver.mutex);
    int result = forkserver.pid ? 0 : start_forkserver();
    pthread_mutex_unlock(&forkserver.mutex);
    return result < 0
               ? fb_error_set(error, result, "can't start the forkserver that makes workers: %s",
                              strerror(-result))
               : 0;
}

void fb_mp_forkserver_stop(void)
{
    pthread_mutex_lock(&forkserver.mutex);
    if (forkserver.pid)
        end_forkserver();
    pthread_mutex_unlock(&forkserver.mutex);
}

/* ---- connections ---- */

/* With the mutex held: sends the forkserver its end of a new connection. A forkserver that has
 * exited is replaced. */
static int send_end(int end)
{
    int result = -EPIPE;
    if (forkserver.pid)
        result = forkserver_send(forkserver.socket, "", 1, &end, 1, 0);
    if (result != -EPIPE)
        return result;
    if (forkserver.pid)
        end_forkserver();
    result = start_forkserver();
    return result < 0 ? result : forkserver_send(forkserver.socket, "", 1, &end, 1, 0);
}

int fb_mp_forkserver_connect(int *ret_connection, struct fb_error *error)
{
    int end[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, end) < 0)
        return fb_error_set(error, -errno, "can't make a socket: %s", strerror(errno));
    pthread_mutex_lock(&forkserver.mutex);
    int result = send_end(end[1]);
    pthread_mutex_unlock(&forkserver.mutex);
    close(end[1]);
    if (result < 0) {
        close(end[0]);
        return fb_error_set(error, result, "can't reach the forkserver that makes workers: %s",
                            strerror(-result));
    }
    *ret_connection = end[0];
    return 0;
}

int fb_mp_forkserver_make(int connection, const struct fb_mp_worker_request *workers, const int *fd,
                          size_t fds)
{
    struct forkserver_request request;
    int all[FORKSERVER_FDS];
    memset(&request, 0, sizeof request);
    request.workers = *workers;
    if (sched_getaffinity(0, sizeof request.cpus, &request.cpus) < 0)
        memset(&request.cpus, 0xff, sizeof request.cpus); /* more CPUs than a cpu_set_t holds */
    all[0] = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (all[0] < 0)
        return -errno;
    if (fds)
        memcpy(all + 1, fd, fds * sizeof *fd);
    int result = forkserver_send(connection, &request, sizeof request, all, fds + 1, 0);
    close(all[0]);
    return result;
}

int fb_mp_forkserver_next_event(int connection, struct fb_mp_worker_event *ret_event,
                                int *ret_pidfd)
{
    int fd = -1;
    size_t fds = 1;
    ssize_t got = forkserver_receive(connection, ret_event, sizeof *ret_event, &fd, &fds);
    if (got < 0)
        return (int)got;
    if (got != sizeof *ret_event)
        return -EPIPE;
    *ret_pidfd = fd;
    return 0;
}
