#include "harness/mp/process/process.h"

#include "harness/mp/core/descriptors.h"
#include "harness/mp/core/heap.h"
#include "harness/mp/process/child.h"
#include "harness/mp/process/fork_thread.h"
#include "harness/mp/process/log.h"
#include "harness/mp/process/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* How long a daemon may take to end after SIGTERM when this process exits. */
#define GRACE_NS FB_MP_SECOND

struct fb_mp_process {
    struct fb_mp_process *next, *before; /* in the list of open handles */
    pid_t pid;
    int pidfd;
    bool daemon;
    char name[FB_MP_NAME];
    pthread_mutex_t mutex; /* guards what follows */
    bool ended, stolen;    /* stolen: other code has reaped it, code is unknown */
    int code;
};

/* This process's children. */
static struct {
    pthread_mutex_t mutex;
    struct fb_mp_process *first; /* of the list of open handles */
    unsigned number;             /* processes started so far, for names */
    bool at_exit;                /* end_children is registered */
} children = { .mutex = PTHREAD_MUTEX_INITIALIZER };

/* In every forked child, also of a plain fork(): the handles are the parent's. Their descriptors
 * stay open, as the child may have been given some of them. */
static void forget_children(void)
{
    pthread_mutex_init(&children.mutex, NULL);
    children.first = NULL;
    children.number = 0;
}

__attribute__((constructor)) static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, forget_children);
}

/* ---- the list ---- */

/* With the mutex held. */
static void link_process(struct fb_mp_process *process)
{
    process->next = children.first;
    if (process->next)
        process->next->before = process;
    children.first = process;
}

/* Also closes the pidfd: a forked child closes only those in the list. */
static void unlink_process(struct fb_mp_process *process)
{
    pthread_mutex_lock(&children.mutex);
    if (process->next)
        process->next->before = process->before;
    if (process->before)
        process->before->next = process->next;
    else if (children.first == process) /* not so for a parent's handle */
        children.first = process->next;
    close(process->pidfd);
    process->pidfd = -1;
    pthread_mutex_unlock(&children.mutex);
}

/* Runs at exit, when no other thread starts or closes processes any more. */
static void end_children(void)
{
    for (struct fb_mp_process *process = children.first; process; process = process->next)
        if (process->daemon)
            fb_mp_process_terminate(process);
    int64_t patience = fb_mp_deadline(GRACE_NS);
    for (struct fb_mp_process *process = children.first; process; process = process->next) {
        if (process->daemon && fb_mp_process_join(process, patience - fb_mp_now()) == -ETIMEDOUT)
            fb_mp_process_kill(process);
    }
    for (struct fb_mp_process *process = children.first; process; process = process->next)
        fb_mp_process_join(process, FB_MP_FOREVER);
}

/* ---- starting ---- */

struct start {
    struct fb_mp_process *process;
    const struct fb_mp_process_options *options;
    const char *name;
    pid_t pid;
    sigset_t mask; /* the caller's: the fork thread has another one */
    struct fb_error *error;
};

/* siblings: the list of the parent's children. */
static _Noreturn void be_child(const struct start *start, pid_t parent,
                               const struct fb_mp_process *siblings)
{
    const struct fb_mp_process_options *options = start->options;
    for (; siblings; siblings = siblings->next)
        fb_mp_close_unless_kept(siblings->pidfd, options->fd, options->fds);
    fb_mp_child_begin(&(struct fb_mp_self){
        .parent = parent, .name = start->name, .fd = options->fd, .fds = options->fds });
    pthread_sigmask(SIG_SETMASK, &start->mask, NULL);
    exit(options->run(options->argument, options->size) & 0xff);
}

/* Opens the pidfd and adds the handle to the list; on failure kills the process. */
static int watch(struct start *start)
{
    struct fb_mp_process *process = start->process;
    process->pid = start->pid;
    process->pidfd = (int)syscall(SYS_pidfd_open, start->pid, 0);
    if (process->pidfd >= 0) {
        link_process(process);
        return 0;
    }
    int result = fb_error_set(start->error, -errno, "can't watch a process: %s", strerror(errno));
    kill(start->pid, SIGKILL);
    while (waitpid(start->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return result;
}

static int start_fork(struct start *start)
{
    pid_t parent = getpid();
    const struct fb_mp_process *siblings = children.first;
    start->pid = fork();
    int code = errno;
    if (start->pid == 0)
        be_child(start, parent, siblings);
    return start->pid < 0 ? fb_error_set(start->error, -code, "can't fork: %s", strerror(code)) : 0;
}

/* On a thread that lasts as long as this process. One start at a time: so a forked child sees a
 * complete list, and inherits no descriptors of another start. */
static int start_here(void *context)
{
    struct start *start = context;
    fflush(NULL);
    pthread_mutex_lock(&children.mutex);
    int result = start->options->method == FB_MP_FORK
                     ? start_fork(start)
                     : fb_mp_spawn_start(start->options, start->name, &start->pid, start->error);
    if (result == 0)
        result = watch(start);
    pthread_mutex_unlock(&children.mutex);
    return result;
}

static int check(const struct fb_mp_process_options *options, struct fb_error *error)
{
    struct sigaction action;
    if (!options->run || (options->size && !options->argument))
        return fb_error_set(error, -EINVAL, "a process needs a function, and its argument bytes");
    if (options->method != FB_MP_FORK && options->method != FB_MP_SPAWN)
        return fb_error_set(error, -EINVAL, "no such method of starting a process: %d",
                            (int)options->method);
    if (options->fds > FB_MP_FDS)
        return fb_error_set(error, -EINVAL, "too many descriptors: %zu: give at most %d",
                            options->fds, FB_MP_FDS);
    for (size_t i = 0; i < options->fds; i++)
        if (fcntl(options->fd[i], F_GETFD) < 0)
            return fb_error_set(error, -EBADF, "descriptor %zu is not open: %d", i, options->fd[i]);
    for (size_t i = 0; i < options->shareds; i++)
        if (!fb_mp_is_shared(options->shared[i], 1))
            return fb_error_set(error, -EFAULT,
                                "object %zu can't be shared with a process: it is in private "
                                "memory",
                                i);
    sigaction(SIGCHLD, NULL, &action);
    if (action.sa_handler == SIG_IGN || (action.sa_flags & SA_NOCLDWAIT))
        return fb_error_set(error, -EINVAL,
                            "SIGCHLD is ignored, so no process can be waited for: set it to "
                            "SIG_DFL");
    return 0;
}

static int make_handle(const struct fb_mp_process_options *options,
                       struct fb_mp_process **ret_process, struct fb_error *error)
{
    struct fb_mp_process *process = calloc(1, sizeof *process);
    if (!process)
        return fb_error_set(error, -ENOMEM, "out of memory");
    pthread_mutex_lock(&children.mutex);
    unsigned number = ++children.number;
    int result = children.at_exit ? 0 : atexit(end_children);
    children.at_exit |= result == 0;
    pthread_mutex_unlock(&children.mutex);
    if (result != 0) {
        free(process);
        return fb_error_set(error, -ENOMEM, "out of memory");
    }
    pthread_mutex_init(&process->mutex, NULL);
    process->daemon = options->daemon;
    process->pidfd = -1;
    if (options->name)
        snprintf(process->name, sizeof process->name, "%s", options->name);
    else
        snprintf(process->name, sizeof process->name, "Process-%u", number);
    *ret_process = process;
    return 0;
}

static void free_handle(struct fb_mp_process *process)
{
    if (process->pidfd >= 0)
        close(process->pidfd);
    pthread_mutex_destroy(&process->mutex);
    free(process);
}

int fb_mp_process_start(const struct fb_mp_process_options *options,
                        struct fb_mp_process **ret_process, struct fb_error *error)
{
    struct fb_mp_process *process = NULL;
    struct fb_error own = { 0 };
    int result = check(options, &own);
    if (result == 0)
        result = make_handle(options, &process, &own);
    if (result < 0)
        return fb_error_set(error, result, "%s", own.text);
    struct start start = {
        .process = process, .options = options, .name = process->name, .error = &own
    };
    pthread_sigmask(SIG_SETMASK, NULL, &start.mask);
    result = fb_mp_fork_thread_run(start_here, &start);
    if (result < 0) {
        free_handle(process);
        return fb_error_set(error, result, "%s",
                            own.code ? own.text : "can't start a thread to start it from");
    }
    *ret_process = process;
    return 0;
}

/* ---- ends ---- */

/* With the mutex held: reads the exit status if the process has ended. */
static void reap(struct fb_mp_process *process)
{
    siginfo_t info = { .si_pid = 0 };
    if (process->ended)
        return;
    int result = waitid(P_PIDFD, (id_t)process->pidfd, &info, WEXITED | WNOHANG);
    if (result < 0 && errno == ECHILD)
        process->ended = process->stolen = true;
    if (result < 0 || info.si_pid == 0)
        return;
    process->ended = true;
    process->code = info.si_code == CLD_EXITED ? info.si_status : -info.si_status;
    fb_mp_log(FB_MP_LOG_DEBUG, "%s[%d] ended: %s %d", process->name, (int)process->pid,
              process->code < 0 ? "signal" : "exit code", abs(process->code));
}

static bool has_ended(struct fb_mp_process *process)
{
    pthread_mutex_lock(&process->mutex);
    reap(process);
    bool ended = process->ended;
    pthread_mutex_unlock(&process->mutex);
    return ended;
}

int fb_mp_process_join(struct fb_mp_process *process, int64_t timeout_ns)
{
    int64_t deadline = fb_mp_deadline(timeout_ns);
    while (!has_ended(process)) {
        int64_t left = deadline - fb_mp_now();
        if (left <= 0)
            return -ETIMEDOUT;
        struct timespec limit = fb_mp_timespec(left);
        struct pollfd end = { .fd = process->pidfd, .events = POLLIN };
        if (ppoll(&end, 1, &limit, NULL) < 0 && errno != EINTR)
            return -errno;
    }
    return process->stolen ? -ECHILD : 0;
}

bool fb_mp_process_is_alive(struct fb_mp_process *process)
{
    return !has_ended(process);
}

int fb_mp_process_exit_code(struct fb_mp_process *process, int *ret_code)
{
    if (!has_ended(process))
        return -EAGAIN;
    if (process->stolen)
        return -ECHILD;
    *ret_code = process->code;
    return 0;
}

static int send_signal(struct fb_mp_process *process, int number)
{
    if (syscall(SYS_pidfd_send_signal, process->pidfd, number, NULL, 0) == 0 || errno == ESRCH)
        return 0;
    return -errno;
}

int fb_mp_process_terminate(struct fb_mp_process *process)
{
    return send_signal(process, SIGTERM);
}

int fb_mp_process_kill(struct fb_mp_process *process)
{
    return send_signal(process, SIGKILL);
}

pid_t fb_mp_process_pid(const struct fb_mp_process *process)
{
    return process->pid;
}

const char *fb_mp_process_name(const struct fb_mp_process *process)
{
    return process->name;
}

bool fb_mp_process_is_daemon(const struct fb_mp_process *process)
{
    return process->daemon;
}

int fb_mp_process_sentinel(const struct fb_mp_process *process)
{
    return process->pidfd;
}

int fb_mp_process_close(struct fb_mp_process *process)
{
    if (!process)
        return 0;
    if (!has_ended(process))
        return -EBUSY;
    unlink_process(process);
    free_handle(process);
    return 0;
}
