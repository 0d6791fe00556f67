#include "harness/mp/process/child.h"
#include "harness/mp/core/heap.h"
#include "harness/mp/process/forkserver_internal.h"
#include "harness/mp/pool/pool.h"
#include "harness/mp/process/fork_thread.h"

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

/* ---- messages ---- */

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

/* Takes what came of descriptors; those beyond the room are closed. */
static size_t take_fds(struct msghdr *packet, int *ret_fd, size_t room)
{
    size_t count = 0;
    for (struct cmsghdr *head = CMSG_FIRSTHDR(packet); head; head = CMSG_NXTHDR(packet, head)) {
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
            continue;
        size_t came = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < came; i++) {
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

/* ---- the helper of this process ---- */

static struct {
    pthread_mutex_t mutex;
    pid_t pid;  /* 0: there is none */
    int socket; /* to it; -1 */
} helper = { .mutex = PTHREAD_MUTEX_INITIALIZER, .socket = -1 };

/* In a forked child, also in the helper: it is the parent's. */
static void forget_helper(void)
{
    pthread_mutex_init(&helper.mutex, NULL);
    if (helper.socket >= 0)
        close(helper.socket);
    helper.socket = -1;
    helper.pid = 0;
}

__attribute__((constructor)) static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, forget_helper);
}

struct beginning {
    int end;       /* the helper's, of the socket between us */
    sigset_t mask; /* the program's, which workers get */
};

static int fork_helper(void *context)
{
    const struct beginning *beginning = context;
    pid_t parent = getpid();
    fflush(NULL); /* nothing is written twice */
    pid_t pid = fork();
    if (pid < 0)
        return -errno;
    if (pid > 0)
        return pid;
    fb_mp_child_begin(&(struct fb_mp_self){ .parent = parent, .name = "helper" });
    forkserver_main(beginning->end, &beginning->mask);
}

/* With the mutex held. */
static int start_helper(void)
{
    static bool at_exit; /* it ends, and is waited for */
    int end[2];
    struct beginning beginning;
    int result = fb_mp_heap_make(); /* workers have to have it */
    if (result == 0 && !at_exit && !(at_exit = atexit(fb_mp_forkserver_stop) == 0))
        result = -ENOMEM;
    if (result < 0)
        return result;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, end) < 0)
        return -errno;
    beginning.end = end[1];
    pthread_sigmask(SIG_SETMASK, NULL, &beginning.mask);
    result = fb_mp_fork_thread_run(fork_helper, &beginning);
    close(end[1]);
    if (result < 0) {
        close(end[0]);
        return result;
    }
    helper.pid = result;
    helper.socket = end[0];
    return 0;
}

/* With the mutex held: it has ended, or is of no use. */
static void drop_helper(void)
{
    close(helper.socket);
    helper.socket = -1;
    kill(helper.pid, SIGKILL);
    while (waitpid(helper.pid, NULL, 0) < 0 && errno == EINTR)
        ;
    helper.pid = 0;
}

int fb_mp_forkserver_start(struct fb_error *error)
{
    pthread_mutex_lock(&helper.mutex);
    int result = helper.pid ? 0 : start_helper();
    pthread_mutex_unlock(&helper.mutex);
    return result < 0 ? fb_error_set(error, result, "can't start the helper that makes workers: %s",
                                     strerror(-result))
                      : 0;
}

void fb_mp_forkserver_stop(void)
{
    pthread_mutex_lock(&helper.mutex);
    if (helper.pid)
        drop_helper();
    pthread_mutex_unlock(&helper.mutex);
}

/* With the mutex held: gives it that end of a line. */
static int hand_over(int end)
{
    int result = -EPIPE;
    if (helper.pid)
        result = forkserver_send(helper.socket, "", 1, &end, 1, 0);
    if (result != -EPIPE)
        return result;
    if (helper.pid)
        drop_helper();
    result = start_helper();
    return result < 0 ? result : forkserver_send(helper.socket, "", 1, &end, 1, 0);
}

int fb_mp_forkserver_connect(int *ret_line, struct fb_error *error)
{
    int end[2], result = 0;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, end) < 0)
        return fb_error_set(error, -errno, "can't make a socket: %s", strerror(errno));
    pthread_mutex_lock(&helper.mutex);
    result = hand_over(end[1]);
    pthread_mutex_unlock(&helper.mutex);
    close(end[1]);
    if (result < 0) {
        close(end[0]);
        return fb_error_set(error, result, "can't reach the helper that makes workers: %s",
                            strerror(-result));
    }
    *ret_line = end[0];
    return 0;
}

/* ---- a line ---- */

int fb_mp_forkserver_make(int line, const struct fb_mp_worker_request *order, const int *fd,
                          size_t fds)
{
    struct forkserver_request whole;
    int all[FORKSERVER_FDS];
    memset(&whole, 0, sizeof whole);
    whole.order = *order;
    if (sched_getaffinity(0, sizeof whole.cpus, &whole.cpus) < 0)
        memset(&whole.cpus, 0xff, sizeof whole.cpus); /* there are more than it has room for */
    all[0] = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (all[0] < 0)
        return -errno;
    if (fds)
        memcpy(all + 1, fd, fds * sizeof *fd);
    int result = forkserver_send(line, &whole, sizeof whole, all, fds + 1, 0);
    close(all[0]);
    return result;
}

int fb_mp_forkserver_next_event(int line, struct fb_mp_worker_event *ret_event, int *ret_pidfd)
{
    int fd = -1;
    size_t fds = 1;
    ssize_t got = forkserver_receive(line, ret_event, sizeof *ret_event, &fd, &fds);
    if (got < 0)
        return (int)got;
    if (got != sizeof *ret_event)
        return -EPIPE;
    *ret_pidfd = fd;
    return 0;
}
