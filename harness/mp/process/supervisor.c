#include "harness/mp/process/supervisor.h"

#include "harness/mp/core/identity.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ANSWER_NS (60 * FB_MP_SECOND) /* a helper that takes longer to fork must be stopped */
#define LOOK_NS FB_MP_MILLISECOND     /* between two looks at whom no descriptor tells of */

struct member {
    uint32_t life; /* of which the helper is to speak */
    pid_t pid;     /* 0: it has ended, or was not made yet */
    int pidfd;     /* -1 without pid, or where there was no room for it */
    bool wanted;   /* ordered, and its end was not heard of */
    bool has_end;  /* which is not told yet */
    struct fb_mp_worker_end end;
};

struct fb_mp_supervisor {
    int line; /* -1: the helper is gone, and not all that ended with it was told */
    struct fb_mp_worker_request order;
    const int *fd;
    size_t fds;
    struct member member[FB_MP_SUPERVISOR_WORKERS];
    unsigned members; /* the highest number that there was, and one */
    unsigned ends;    /* that are not told yet */
    unsigned losses;  /* of lines, with their helpers */
    bool silent;      /* its helper did not answer in time */
};

/* ---- orders ---- */

static int order(struct fb_mp_supervisor *crew, unsigned first, unsigned count)
{
    crew->order.first = first;
    crew->order.count = count;
    crew->order.life++;
    int result = fb_mp_forkserver_make(crew->line, &crew->order, crew->fd, crew->fds);
    if (result < 0) {
        crew->order.life--; /* nobody has it */
        return result;
    }
    for (unsigned i = first; i < first + count; i++)
        crew->member[i] = (struct member){ .life = crew->order.life, .pidfd = -1, .wanted = true };
    for (; crew->members < first + count; crew->members++)
        if (crew->members < first) /* one that there never was */
            crew->member[crew->members].pidfd = -1;
    return 0;
}

uint32_t fb_mp_supervisor_next_generation(const struct fb_mp_supervisor *crew)
{
    return crew->order.life + 1;
}

int fb_mp_supervisor_make(struct fb_mp_supervisor *crew, unsigned index)
{
    struct fb_error error;
    int result = crew->line < 0 ? fb_mp_forkserver_connect(&crew->line, &error) : 0;
    return result < 0 ? result : order(crew, index, 1);
}

/* ---- ends ---- */

static void forget(struct member *member)
{
    if (member->pidfd >= 0)
        close(member->pidfd);
    *member = (struct member){ .pidfd = -1 };
}

/* Whether it ends before the deadline. */
static bool wait_for_end(const struct member *member, int64_t deadline)
{
    const struct fb_mp_identity identity = { .pid = member->pid };
    for (;;) {
        int64_t left = deadline - fb_mp_now();
        struct timespec limit = fb_mp_timespec(left > 0 ? left : 0);
        struct timespec look = fb_mp_timespec(left < LOOK_NS ? left : LOOK_NS);
        struct pollfd end = { .fd = member->pidfd, .events = POLLIN };
        if (member->pidfd < 0 && !fb_mp_identity_is_alive(&identity))
            return true;
        if (member->pidfd >= 0 && ppoll(&end, 1, &limit, NULL) > 0)
            return true;
        if (left <= 0)
            return false;
        if (member->pidfd < 0)
            nanosleep(&look, NULL);
    }
}

/* They die with the helper, if not all at once. */
static bool tell_lost(struct fb_mp_supervisor *crew, struct fb_mp_worker_end *ret_end)
{
    for (unsigned i = 0; i < crew->members; i++) {
        struct member *member = &crew->member[i];
        if (!member->wanted)
            continue;
        if (member->pid)
            wait_for_end(member, FB_MP_FOREVER);
        *ret_end = (struct fb_mp_worker_end){ .index = i,
                                              .pid = member->pid,
                                              .code = member->pid ? -SIGKILL : -EPIPE,
                                              .lost = true,
                                              .losses = crew->losses };
        forget(member);
        return true;
    }
    return false;
}

/* Whether it is one that there is to tell. */
static bool take_event(struct fb_mp_supervisor *crew, const struct fb_mp_worker_event *event,
                       int pidfd, struct fb_mp_worker_end *ret_end)
{
    struct member *member = &crew->member[event->index];
    if (member->life != event->life)
        return false;
    if (event->kind == FB_MP_WORKER_MADE) {
        member->pid = event->pid;
        member->pidfd = pidfd;
        return false;
    }
    *ret_end = (struct fb_mp_worker_end){
        .index = event->index,
        .pid = event->kind == FB_MP_WORKER_ENDED ? event->pid : 0,
        .code = event->code,
    };
    forget(member);
    return true;
}

/* The next end that is heard of. 0 or -EAGAIN. */
static int hear(struct fb_mp_supervisor *crew, struct fb_mp_worker_end *ret_end)
{
    struct fb_mp_worker_event event;
    int pidfd, result = 0;
    while (crew->line >= 0 &&
           (result = fb_mp_forkserver_next_event(crew->line, &event, &pidfd)) == 0)
        if (take_event(crew, &event, pidfd, ret_end))
            return 0;
    if (result == -EAGAIN)
        return -EAGAIN;
    if (crew->line >= 0) {
        /* The helper may be there yet, and another thread wait at the line, which keeps it open. */
        shutdown(crew->line, SHUT_RDWR);
        close(crew->line);
        crew->losses++;
    }
    crew->line = -1;
    return tell_lost(crew, ret_end) ? 0 : -EAGAIN;
}

int fb_mp_supervisor_next_end(struct fb_mp_supervisor *crew, struct fb_mp_worker_end *ret_end)
{
    for (unsigned i = 0; i < crew->members && crew->ends; i++)
        if (crew->member[i].has_end) {
            *ret_end = crew->member[i].end;
            crew->member[i].has_end = false;
            crew->ends--;
            return 0;
        }
    return hear(crew, ret_end);
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

int fb_mp_supervisor_fd(const struct fb_mp_supervisor *crew)
{
    return crew->line;
}

/* ---- opening and closing ---- */

static bool is_answered(const struct fb_mp_supervisor *crew)
{
    for (unsigned i = 0; i < crew->members; i++)
        if (crew->member[i].wanted && !crew->member[i].pid)
            return false;
    return true;
}

/* Until each worker that was ordered is known, or refused; ends that it hears of are told later. 0,
 * -ETIMEDOUT, or what refused one. */
static int wait_for_answers(struct fb_mp_supervisor *crew)
{
    struct fb_mp_worker_end end;
    int64_t deadline = fb_mp_deadline(ANSWER_NS);
    int refused = 0;
    for (;;) {
        while (hear(crew, &end) == 0) {
            crew->member[end.index].end = end;
            crew->member[end.index].has_end = true;
            crew->ends++;
            if (end.pid == 0 && !refused)
                refused = end.code;
        }
        if (is_answered(crew))
            return refused;
        struct pollfd line = { .fd = crew->line, .events = POLLIN };
        struct timespec limit = fb_mp_timespec(deadline - fb_mp_now());
        if (deadline <= fb_mp_now() || ppoll(&line, 1, &limit, NULL) == 0) {
            crew->silent = true;
            return -ETIMEDOUT;
        }
    }
}

int fb_mp_supervisor_open(const struct fb_mp_supervisor_options *options,
                          struct fb_mp_supervisor **ret_crew, struct fb_error *error)
{
    struct fb_mp_supervisor *crew = calloc(1, sizeof *crew);
    if (!crew)
        return fb_error_set(error, -ENOMEM, "out of memory");
    crew->order = (struct fb_mp_worker_request){ .method = options->method,
                                                 .run = options->run,
                                                 .shared = options->shared };
    snprintf(crew->order.name, sizeof crew->order.name, "%s", options->name);
    crew->fd = options->fd;
    crew->fds = options->fds;
    crew->line = -1;
    int result = -EPIPE;
    for (int tries = 0; result == -EPIPE && tries < 2; tries++) { /* had the helper just ended? */
        if (crew->line >= 0)
            close(crew->line);
        result = fb_mp_forkserver_connect(&crew->line, error);
        if (result < 0) {
            free(crew);
            return result;
        }
        result = options->workers ? order(crew, 0, options->workers) : 0;
    }
    if (result < 0) {
        fb_mp_supervisor_close(crew, 0);
        return fb_error_set(error, result, "can't make %u workers: %s", options->workers,
                            strerror(-result));
    }
    *ret_crew = crew;
    return 0;
}

int fb_mp_supervisor_wait(struct fb_mp_supervisor *crew, struct fb_error *error)
{
    int result = wait_for_answers(crew);
    return result < 0 ? fb_error_set(error, result, "can't make %u workers: %s", crew->members,
                                     strerror(-result))
                      : 0;
}

void fb_mp_supervisor_signal(struct fb_mp_supervisor *crew, unsigned index, int number)
{
    const struct member *member = &crew->member[index];
    if (member->pidfd >= 0)
        syscall(SYS_pidfd_send_signal, member->pidfd, number, NULL, 0);
    else if (member->pid > 0)
        kill(member->pid, number);
}

void fb_mp_supervisor_kill(struct fb_mp_supervisor *crew)
{
    wait_for_answers(crew); /* whom nobody knows yet can't be killed */
    for (unsigned i = 0; i < crew->members; i++)
        fb_mp_supervisor_signal(crew, i, SIGKILL);
    for (unsigned i = 0; i < crew->members; i++)
        if (crew->member[i].pid)
            wait_for_end(&crew->member[i], FB_MP_FOREVER);
}

pid_t fb_mp_supervisor_pid(const struct fb_mp_supervisor *crew, unsigned index)
{
    return crew->member[index].pid;
}

void fb_mp_supervisor_close(struct fb_mp_supervisor *crew, int64_t patience_ns)
{
    if (!crew)
        return;
    int64_t deadline = fb_mp_deadline(patience_ns);
    if (!crew->silent) /* else it kills those that it makes yet, as their line is closed */
        wait_for_answers(crew);
    for (unsigned i = 0; i < crew->members; i++) {
        struct member *member = &crew->member[i];
        if (member->pid && !wait_for_end(member, deadline)) {
            fb_mp_supervisor_signal(crew, i, SIGKILL);
            wait_for_end(member, FB_MP_FOREVER);
        }
        forget(member);
    }
    if (crew->line >= 0)
        close(crew->line);
    free(crew);
}
