/* The helper's own program: forks and spawns what it is told to, and tells of their ends. */
#include "harness/mp/process/child.h"
#include "harness/mp/core/descriptors.h"
#include "harness/mp/core/heap.h"
#include "harness/mp/process/forkserver_internal.h"
#include "harness/mp/process/spawn.h"
#include "harness/mp/process/log.h"

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

/* A worker as long as there is something to tell of it. */
struct worker {
    uint32_t line; /* its number, for ever */
    uint32_t index, life;
    pid_t pid; /* 0: there could be none, code says why */
    int code;
    bool told, ended; /* that it was made; that it has ended */
};

struct line {
    uint32_t number;
    int fd;
    bool untold; /* there was no room to say all */
};

static struct {
    int socket, children; /* to the program; tells of ends */
    const sigset_t *mask;
    struct worker *worker;
    size_t workers, worker_room;
    struct line *line;
    size_t lines, line_room;
    uint32_t number; /* of lines so far */
    struct pollfd *watched;
    size_t watched_room;
} helper;

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

/* ---- telling ---- */

/* Whether all that there is to say of it was said. */
static bool tell(const struct line *line, struct worker *worker)
{
    struct fb_mp_worker_event event = {
        .index = worker->index, .life = worker->life, .pid = worker->pid, .code = worker->code
    };
    if (!worker->told && worker->pid) {
        event.kind = FB_MP_WORKER_MADE;
        int pidfd = worker->ended ? -1 : (int)syscall(SYS_pidfd_open, worker->pid, 0);
        int result =
            forkserver_send(line->fd, &event, sizeof event, &pidfd, pidfd >= 0, MSG_DONTWAIT);
        if (pidfd >= 0)
            close(pidfd);
        if (result < 0)
            return false;
        worker->told = true;
    }
    if (!worker->ended)
        return true;
    event.kind = worker->pid ? FB_MP_WORKER_ENDED : FB_MP_WORKER_REFUSED;
    return forkserver_send(line->fd, &event, sizeof event, NULL, 0, MSG_DONTWAIT) == 0;
}

static void tell_all(struct line *line)
{
    line->untold = false;
    for (size_t i = 0; i < helper.workers;) {
        struct worker *worker = &helper.worker[i];
        bool said = worker->line != line->number || tell(line, worker);
        if (!said) {
            line->untold = true;
            return;
        }
        if (worker->line == line->number && worker->ended)
            *worker = helper.worker[--helper.workers];
        else
            i++;
    }
}

/* ---- making ---- */

static _Noreturn void be_worker(const struct fb_mp_worker_request *order, const char *name,
                                const struct fb_mp_worker_argument *told, const int *fd, size_t fds,
                                pid_t parent)
{
    close(helper.socket);
    close(helper.children);
    for (size_t i = 0; i < helper.lines; i++)
        close(helper.line[i].fd);
    fb_mp_child_begin(&(struct fb_mp_self){ .parent = parent, .name = name, .fd = fd, .fds = fds });
    sigprocmask(SIG_SETMASK, helper.mask, NULL);
    exit(order->run(told, sizeof *told) & 0xff);
}

/* Its pid or a negative errno. */
static pid_t make(const struct fb_mp_worker_request *order, uint32_t index, const int *fd,
                  size_t fds)
{
    const struct fb_mp_worker_argument told = { order->shared, index, order->life };
    char name[FB_MP_NAME];
    pid_t parent = getpid(), pid;
    snprintf(name, sizeof name, "%s-%u", order->name, index + 1);
    if (order->method == FB_MP_FORK) {
        pid = fork();
        if (pid == 0)
            be_worker(order, name, &told, fd, fds, parent);
        return pid < 0 ? -errno : pid;
    }
    const struct fb_mp_process_options options = {
        .run = order->run, .argument = &told, .size = sizeof told, .fd = fd, .fds = fds
    };
    struct fb_error error;
    int result = fb_mp_spawn_start(&options, name, &pid, &error);
    return result < 0 ? result : pid;
}

static void make_all(const struct line *line, const struct forkserver_request *whole, const int *fd,
                     size_t fds)
{
    const struct fb_mp_worker_request *order = &whole->order;
    int result = fds && fchdir(fd[0]) == 0 ? 0 : -EBADF;
    sched_setaffinity(0, sizeof whole->cpus, &whole->cpus);
    for (uint32_t i = order->first; i < order->first + order->count; i++) {
        if (!has_room((void **)&helper.worker, &helper.worker_room, helper.workers,
                      sizeof *helper.worker))
            _exit(1); /* its owner will make another one */
        pid_t pid = result < 0 ? result : make(order, i, fd + 1, fds - 1);
        helper.worker[helper.workers++] = (struct worker){ .line = line->number,
                                                           .index = i,
                                                           .life = order->life,
                                                           .pid = pid > 0 ? pid : 0,
                                                           .code = pid > 0 ? 0 : pid,
                                                           .ended = pid < 0 };
    }
}

/* ---- ends ---- */

static void reap_all(void)
{
    struct signalfd_siginfo news;
    int status;
    pid_t pid;
    while (read(helper.children, &news, sizeof news) > 0)
        ;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (size_t i = 0; i < helper.workers; i++) {
            struct worker *worker = &helper.worker[i];
            if (worker->pid != pid || worker->ended)
                continue;
            worker->ended = true;
            worker->code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
            break;
        }
}

/* Nobody wants its workers any more, or hears of them. */
static void drop_line(size_t at)
{
    uint32_t number = helper.line[at].number;
    close(helper.line[at].fd);
    helper.line[at] = helper.line[--helper.lines];
    for (size_t i = 0; i < helper.workers; i++)
        if (helper.worker[i].line == number && !helper.worker[i].ended)
            kill(helper.worker[i].pid, SIGKILL);
}

/* Those of lines that are gone are forgotten when they have ended. */
static void forget_unheard(void)
{
    for (size_t i = 0; i < helper.workers;) {
        bool heard = !helper.worker[i].ended;
        for (size_t k = 0; k < helper.lines && !heard; k++)
            heard = helper.line[k].number == helper.worker[i].line;
        if (heard)
            i++;
        else
            helper.worker[i] = helper.worker[--helper.workers];
    }
}

/* ---- the loop ---- */

static void hear_program(void)
{
    char nothing;
    int fd;
    size_t fds = 1;
    ssize_t got = forkserver_receive(helper.socket, &nothing, sizeof nothing, &fd, &fds);
    if (got == 0)
        _exit(0);
    if (got < 0 || fds == 0)
        return;
    if (!has_room((void **)&helper.line, &helper.line_room, helper.lines, sizeof *helper.line)) {
        close(fd);
        return;
    }
    helper.line[helper.lines++] = (struct line){ .number = ++helper.number, .fd = fd };
}

/* False: it is at its end. */
static bool hear_line(struct line *line)
{
    struct forkserver_request whole;
    int fd[FORKSERVER_FDS];
    size_t fds = FORKSERVER_FDS;
    ssize_t got = forkserver_receive(line->fd, &whole, sizeof whole, fd, &fds);
    if (got == sizeof whole)
        make_all(line, &whole, fd, fds);
    if (got > 0)
        while (fds > 0)
            close(fd[--fds]);
    line->untold |= got == sizeof whole;
    return got > 0 || got == -EAGAIN;
}

static void wait_for_news(void)
{
    size_t count = 2 + helper.lines;
    if (!has_room((void **)&helper.watched, &helper.watched_room, count - 1,
                  sizeof *helper.watched))
        _exit(1);
    helper.watched[0] = (struct pollfd){ .fd = helper.children, .events = POLLIN };
    helper.watched[1] = (struct pollfd){ .fd = helper.socket, .events = POLLIN };
    for (size_t i = 0; i < helper.lines; i++)
        helper.watched[2 + i] =
            (struct pollfd){ .fd = helper.line[i].fd,
                             .events = (short)(POLLIN | (helper.line[i].untold ? POLLOUT : 0)) };
    while (poll(helper.watched, count, -1) < 0 && errno == EINTR)
        ;
}

static void run(void)
{
    wait_for_news();
    bool ends = helper.watched[0].revents, program = helper.watched[1].revents;
    if (ends)
        reap_all();
    for (size_t i = helper.lines;
         i-- > 0;) { /* backwards, as the last takes a dropped one's place */
        if (helper.watched[2 + i].revents & (POLLIN | POLLHUP | POLLERR) &&
            !hear_line(&helper.line[i])) {
            drop_line(i);
            continue;
        }
        if (ends || helper.line[i].untold)
            tell_all(&helper.line[i]);
    }
    forget_unheard();
    if (program)
        hear_program();
}

_Noreturn void forkserver_main(int socket, const sigset_t *mask)
{
    sigset_t all, child;
    int keep[] = { socket, fb_mp_heap_place().fd, fb_mp_log_descriptor() };
    fb_mp_close_all_except(keep, sizeof keep / sizeof *keep);
    prctl(PR_SET_NAME, "fb-mp-helper");
    /* Whatever comes to all of a terminal's processes, its owner decides. What workers and images
     * find is blocked here, not ignored; but for Ctrl-C, which is not for them either. */
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    signal(SIGINT, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    helper.socket = socket;
    helper.mask = mask;
    helper.children = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    if (helper.children < 0)
        _exit(1);
    for (;;)
        run();
}
