#include "harness/mp/process/supervisor.h"

#include "harness/mp/core/identity.h"
#include "harness/mp/process/forkserver_internal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ANSWER_NS (60 * FB_MP_SECOND) /* a forkserver that takes longer to fork must be stopped */
#define POLL_NS FB_MP_MILLISECOND     /* between two looks at a process without a pidfd */

struct worker {
    uint32_t generation; /* events of other generations are outdated */
    pid_t pid;           /* 0: not made yet, or ended */
    int pidfd;           /* -1: no pid, or no room for a descriptor */
    bool wanted;         /* requested, and its end was not reported by the forkserver */
    bool end_queued;
    struct fb_mp_worker_end end;
};

struct fb_mp_supervisor {
    int connection; /* -1: the forkserver was lost, and maybe not all its workers were reported */
    struct fb_mp_worker_request request;
    const int *fd;
    size_t fds;
    struct worker worker[FB_MP_SUPERVISOR_WORKERS];
    unsigned workers; /* the highest index ever requested, plus one */
    unsigned queued;  /* workers with end_queued */
    unsigned losses;  /* forkservers lost so far */
    bool silent;      /* the forkserver did not answer in time */
};

/* ---- requests ---- */

static int request_workers(struct fb_mp_supervisor *supervisor, unsigned first, unsigned count)
{
    struct fb_mp_worker_request *request = &supervisor->request;
    request->first = first;
    request->count = count;
    request->generation++;
    int result =
        fb_mp_forkserver_make(supervisor->connection, request, supervisor->fd, supervisor->fds);
    if (result < 0) {
        request->generation--; /* which no worker has */
        return result;
    }
    for (unsigned i = first; i < first + count; i++)
        supervisor->worker[i] =
            (struct worker){ .generation = request->generation, .pidfd = -1, .wanted = true };
    for (; supervisor->workers < first + count; supervisor->workers++)
        if (supervisor->workers < first) /* skipped: never requested */
            supervisor->worker[supervisor->workers].pidfd = -1;
    return 0;
}

uint32_t fb_mp_supervisor_next_generation(const struct fb_mp_supervisor *supervisor)
{
    return supervisor->request.generation + 1;
}

int fb_mp_supervisor_make(struct fb_mp_supervisor *supervisor, unsigned index)
{
    struct fb_error error;
    int result = 0;
    if (supervisor->connection < 0)
        result = fb_mp_forkserver_connect(&supervisor->connection, &error);
    return result < 0 ? result : request_workers(supervisor, index, 1);
}

/* ---- ends ---- */

static void forget(struct worker *worker)
{
    if (worker->pidfd >= 0)
        close(worker->pidfd);
    *worker = (struct worker){ .pidfd = -1 };
}

/* Whether the worker ends before the deadline. */
static bool wait_for_end(const struct worker *worker, int64_t deadline)
{
    const struct fb_mp_identity identity = { .pid = worker->pid };
    for (;;) {
        int64_t left = deadline - fb_mp_now();
        struct timespec limit = fb_mp_timespec(left > 0 ? left : 0);
        struct timespec pause = fb_mp_timespec(left < POLL_NS ? left : POLL_NS);
        struct pollfd end = { .fd = worker->pidfd, .events = POLLIN };
        if (worker->pidfd < 0 && !fb_mp_identity_is_alive(&identity))
            return true;
        if (worker->pidfd >= 0 && ppoll(&end, 1, &limit, NULL) > 0)
            return true;
        if (left <= 0)
            return false;
        if (worker->pidfd < 0)
            nanosleep(&pause, NULL);
    }
}

/* After the forkserver was lost: finds a worker whose end is still to be reported, and waits for
 * that end. The workers are killed with the forkserver, but not at the same instant. */
static bool find_lost(struct fb_mp_supervisor *supervisor, struct fb_mp_worker_end *ret_end)
{
    for (unsigned i = 0; i < supervisor->workers; i++) {
        struct worker *worker = &supervisor->worker[i];
        if (!worker->wanted)
            continue;
        if (worker->pid)
            wait_for_end(worker, FB_MP_FOREVER);
        *ret_end = (struct fb_mp_worker_end){ .index = i,
                                              .pid = worker->pid,
                                              .code = worker->pid ? -SIGKILL : -EPIPE,
                                              .lost = true,
                                              .losses = supervisor->losses };
        forget(worker);
        return true;
    }
    return false;
}

/* Applies an event; returns whether it is a worker's end. */
static bool apply_event(struct fb_mp_supervisor *supervisor, const struct fb_mp_worker_event *event,
                        int pidfd, struct fb_mp_worker_end *ret_end)
{
    struct worker *worker = &supervisor->worker[event->index];
    if (worker->generation != event->generation)
        return false;
    if (event->kind == FB_MP_WORKER_MADE) {
        worker->pid = event->pid;
        worker->pidfd = pidfd;
        return false;
    }
    *ret_end = (struct fb_mp_worker_end){
        .index = event->index,
        .pid = event->kind == FB_MP_WORKER_ENDED ? event->pid : 0,
        .code = event->code,
    };
    forget(worker);
    return true;
}

/* Receives the next end from the forkserver. 0 or -EAGAIN. */
static int receive_end(struct fb_mp_supervisor *supervisor, struct fb_mp_worker_end *ret_end)
{
    struct fb_mp_worker_event event;
    int pidfd, result = 0;
    while (supervisor->connection >= 0 &&
           (result = fb_mp_forkserver_next_event(supervisor->connection, &event, &pidfd)) == 0)
        if (apply_event(supervisor, &event, pidfd, ret_end))
            return 0;
    if (result == -EAGAIN)
        return -EAGAIN;
    if (supervisor->connection >= 0) {
        /* The forkserver may still run, and another thread that polls the socket keeps it open
         * despite the close: only shutdown ends the connection for certain. */
        shutdown(supervisor->connection, SHUT_RDWR);
        close(supervisor->connection);
        supervisor->losses++;
    }
    supervisor->connection = -1;
    return find_lost(supervisor, ret_end) ? 0 : -EAGAIN;
}

int fb_mp_supervisor_next_end(struct fb_mp_supervisor *supervisor, struct fb_mp_worker_end *ret_end)
{
    for (unsigned i = 0; i < supervisor->workers && supervisor->queued; i++)
        if (supervisor->worker[i].end_queued) {
            *ret_end = supervisor->worker[i].end;
            supervisor->worker[i].end_queued = false;
            supervisor->queued--;
            return 0;
        }
    return receive_end(supervisor, ret_end);
}

void fb_mp_worker_end_describe(const struct fb_mp_worker_end *end, char *text, size_t size)
{
    if (end->code >= 0)
        snprintf(text, size, "worker %u (pid %d) exited with code %d", end->index + 1,
                 (int)end->pid, end->code);
    else
        snprintf(text, size, "worker %u (pid %d) was killed by signal %d (%s)", end->index + 1,
                 (int)end->pid, -end->code, strsignal(-end->code));
}

int fb_mp_supervisor_fd(const struct fb_mp_supervisor *supervisor)
{
    return supervisor->connection;
}

/* ---- opening and closing ---- */

static bool all_answered(const struct fb_mp_supervisor *supervisor)
{
    for (unsigned i = 0; i < supervisor->workers; i++)
        if (supervisor->worker[i].wanted && !supervisor->worker[i].pid)
            return false;
    return true;
}

/* Waits until the forkserver has reported each requested worker as made or refused, and queues ends
 * reported meanwhile. 0, -ETIMEDOUT, or the errno with which a worker was refused. */
static int wait_for_answers(struct fb_mp_supervisor *supervisor)
{
    struct fb_mp_worker_end end;
    int64_t deadline = fb_mp_deadline(ANSWER_NS);
    int refused = 0;
    for (;;) {
        while (receive_end(supervisor, &end) == 0) {
            supervisor->worker[end.index].end = end;
            supervisor->worker[end.index].end_queued = true;
            supervisor->queued++;
            if (end.pid == 0 && !refused)
                refused = end.code;
        }
        if (all_answered(supervisor))
            return refused;
        struct pollfd input = { .fd = supervisor->connection, .events = POLLIN };
        struct timespec limit = fb_mp_timespec(deadline - fb_mp_now());
        if (deadline <= fb_mp_now() || ppoll(&input, 1, &limit, NULL) == 0) {
            supervisor->silent = true;
            return -ETIMEDOUT;
        }
    }
}

int fb_mp_supervisor_open(const struct fb_mp_supervisor_options *options,
                          struct fb_mp_supervisor **ret_supervisor, struct fb_error *error)
{
    struct fb_mp_supervisor *supervisor = calloc(1, sizeof *supervisor);
    if (!supervisor)
        return fb_error_set(error, -ENOMEM, "out of memory");
    supervisor->request = (struct fb_mp_worker_request){ .method = options->method,
                                                         .run = options->run,
                                                         .shared = options->shared };
    snprintf(supervisor->request.name, sizeof supervisor->request.name, "%s", options->name);
    supervisor->fd = options->fd;
    supervisor->fds = options->fds;
    supervisor->connection = -1;
    int result = -EPIPE;
    /* Twice, in case the forkserver has just exited. */
    for (int tries = 0; result == -EPIPE && tries < 2; tries++) {
        if (supervisor->connection >= 0)
            close(supervisor->connection);
        result = fb_mp_forkserver_connect(&supervisor->connection, error);
        if (result < 0) {
            free(supervisor);
            return result;
        }
        result = options->workers ? request_workers(supervisor, 0, options->workers) : 0;
    }
    if (result < 0) {
        fb_mp_supervisor_close(supervisor, 0);
        return fb_error_set(error, result, "can't make %u workers: %s", options->workers,
                            strerror(-result));
    }
    *ret_supervisor = supervisor;
    return 0;
}

int fb_mp_supervisor_wait(struct fb_mp_supervisor *supervisor, struct fb_error *error)
{
    int result = wait_for_answers(supervisor);
    return result < 0 ? fb_error_set(error, result, "can't make %u workers: %s",
                                     supervisor->workers, strerror(-result))
                      : 0;
}

void fb_mp_supervisor_signal(struct fb_mp_supervisor *supervisor, unsigned index, int number)
{
    const struct worker *worker = &supervisor->worker[index];
    if (worker->pidfd >= 0)
        syscall(SYS_pidfd_send_signal, worker->pidfd, number, NULL, 0);
    else if (worker->pid > 0)
        kill(worker->pid, number);
}

void fb_mp_supervisor_kill(struct fb_mp_supervisor *supervisor)
{
    wait_for_answers(supervisor); /* for the pids of all that were requested */
    for (unsigned i = 0; i < supervisor->workers; i++)
        fb_mp_supervisor_signal(supervisor, i, SIGKILL);
    for (unsigned i = 0; i < supervisor->workers; i++)
        if (supervisor->worker[i].pid)
            wait_for_end(&supervisor->worker[i], FB_MP_FOREVER);
}

pid_t fb_mp_supervisor_pid(const struct fb_mp_supervisor *supervisor, unsigned index)
{
    return supervisor->worker[index].pid;
}

void fb_mp_supervisor_close(struct fb_mp_supervisor *supervisor, int64_t patience_ns)
{
    if (!supervisor)
        return;
    int64_t deadline = fb_mp_deadline(patience_ns);
    if (!supervisor->silent) /* else closing the connection makes the forkserver kill the workers */
        wait_for_answers(supervisor);
    for (unsigned i = 0; i < supervisor->workers; i++) {
        struct worker *worker = &supervisor->worker[i];
        if (worker->pid && !wait_for_end(worker, deadline)) {
            fb_mp_supervisor_signal(supervisor, i, SIGKILL);
            wait_for_end(worker, FB_MP_FOREVER);
        }
        forget(worker);
    }
    if (supervisor->connection >= 0)
        close(supervisor->connection);
    free(supervisor);
}
