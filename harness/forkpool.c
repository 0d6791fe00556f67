/* A worker is a forked process; jobs, claims and results are in shared memory, nothing is copied
 * and nothing is piped. A worker that dies ends the job; a caller that dies takes its workers with
 * it (the thread that opened the pool, to be exact: so prctl(2) has it for PR_SET_PDEATHSIG). */
#include "child.h"
#include "worker.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* How long workers that were told to leave may take before they are killed. */
#define PATIENCE_NS 1000000000u

struct fb_pool {
    struct fb_caller caller;
    unsigned forked; /* the caller not counted; child[1] … child[forked] */
    struct fb_child *child;
    /* The watcher sleeps until a worker ends or it is called off, and costs nothing meanwhile. The
     * caller can't watch: it is busy with its own part of the job. */
    bool watched;
    pthread_t watcher;
    int call_off;         /* eventfd */
    struct pollfd *event; /* the watcher's: call_off, then the workers' */
    unsigned dead;        /* the worker whose end was seen first, 0: none; published by team.stop */
    siginfo_t end;        /* how it ended */
};

static _Noreturn void child_main(struct fb_team *team, unsigned index, pid_t parent)
{
    fb_child_tie(parent);
    struct fb_yield yield;
    fb_yield_plain(&yield, team);
    fb_worker_loop(team, index, &yield);
    _exit(0); /* not exit: the parent's buffers and exit handlers are the parent's */
}

static int start(struct fb_pool *pool, unsigned index, struct fb_error *error)
{
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid < 0)
        return fb_error_set(error, -errno, "can't fork worker %u of %u: %s", index,
                            pool->caller.team->workers - 1, strerror(errno));
    if (pid == 0)
        child_main(pool->caller.team, index, parent);
    pool->forked = index;
    int result = fb_child_watch(&pool->child[index], pid);
    if (result < 0)
        return fb_error_set(error, result, "can't watch worker %u: pidfd_open: %s", index,
                            strerror(-result));
    return 0;
}

static void *watch(void *argument)
{
    struct fb_pool *pool = argument;
    struct pollfd *event = pool->event;
    event[0] = (struct pollfd){ .fd = pool->call_off, .events = POLLIN };
    for (unsigned i = 1; i <= pool->forked; i++)
        event[i] = (struct pollfd){ .fd = pool->child[i].pidfd, .events = POLLIN };
    while (poll(event, pool->forked + 1, -1) < 0 && errno == EINTR)
        ;
    for (unsigned i = 1; i <= pool->forked && !event[0].revents; i++) {
        if (!event[i].revents)
            continue;
        pool->dead = i;
        waitid(P_PID, (id_t)pool->child[i].pid, &pool->end, WEXITED | WNOWAIT | WNOHANG);
        fb_team_stop(pool->caller.team);
        break;
    }
    return NULL;
}

static int open_watcher(struct fb_pool *pool, struct fb_error *error)
{
    pool->call_off = eventfd(0, EFD_CLOEXEC);
    if (pool->call_off < 0)
        return fb_error_set(error, -errno, "can't watch the workers: eventfd: %s", strerror(errno));
    /* Signals belong to the program's own threads. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int result = pthread_create(&pool->watcher, NULL, watch, pool);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (result != 0)
        return fb_error_set(error, -result, "can't watch the workers: pthread_create: %s",
                            strerror(result));
    pool->watched = true;
    return 0;
}

static void call_off(struct fb_pool *pool)
{
    if (pool->watched) {
        eventfd_write(pool->call_off, 1);
        pthread_join(pool->watcher, NULL);
    }
    if (pool->call_off >= 0)
        close(pool->call_off);
}

static void close_pool(struct fb_pool *pool)
{
    if (!pool)
        return;
    call_off(pool);
    bool broken = atomic_load(&pool->caller.team->stop);
    fb_caller_quit(&pool->caller);
    uint64_t deadline_ns = fb_now_ns() + (broken ? 0 : PATIENCE_NS); /* for all together */
    for (unsigned i = 1; i <= pool->forked; i++) {
        uint64_t now_ns = fb_now_ns();
        fb_child_end(&pool->child[i],
                     now_ns < deadline_ns ? (int)((deadline_ns - now_ns) / 1000000) : 0);
    }
    fb_caller_close(&pool->caller);
    free(pool->child);
    free(pool->event);
    free(pool);
}

static int open_pool(const struct fb_setting *setting, struct fb_pool **ret_pool,
                     struct fb_error *error)
{
    struct fb_pool *pool = calloc(1, sizeof *pool);
    struct fb_child *child = calloc(setting->workers, sizeof *child);
    struct pollfd *event = calloc(setting->workers, sizeof *event);
    int result = -ENOMEM;
    if (pool && child && event)
        result = fb_caller_open(&pool->caller, setting, error);
    else
        fb_error_set(error, result, "out of memory");
    if (result < 0) {
        free(pool);
        free(child);
        free(event);
        return result;
    }
    pool->child = child;
    pool->event = event;
    pool->call_off = -1;
    /* What is buffered must not be written twice, by a child that calls exit after all. */
    fflush(NULL);
    for (unsigned index = 1; index < setting->workers && result == 0; index++)
        result = start(pool, index, error);
    if (result == 0 && pool->forked)
        result = open_watcher(pool, error);
    if (result < 0) {
        close_pool(pool);
        return result;
    }
    *ret_pool = pool;
    return 0;
}

static int explain(const struct fb_pool *pool, struct fb_error *error)
{
    unsigned dead = pool->dead;
    int pid = pool->child[dead].pid, status = pool->end.si_status;
    if (pool->end.si_code == CLD_EXITED)
        return fb_error_set(error, -EOWNERDEAD,
                            "forkpool worker %u (pid %d) exited with code %d: its work is lost, "
                            "the pool can only be closed",
                            dead, pid, status);
    return fb_error_set(error, -EOWNERDEAD,
                        "forkpool worker %u (pid %d) was killed by signal %d (%s): its work is "
                        "lost, the pool can only be closed",
                        dead, pid, status, strsignal(status));
}

static int run(struct fb_pool *pool, const struct fb_job *job, struct fb_report *report,
               struct fb_error *error)
{
    int result = fb_caller_run(&pool->caller, job, report, error);
    return result == -ECANCELED ? explain(pool, error) : result;
}

const struct fb_harness fb_harness_forkpool = {
    .name = "forkpool",
    .summary = "a pool of forked processes; jobs, claims and results in shared memory",
    .native = true,
    .base = "single",
    .open = open_pool,
    .run = run,
    .close = close_pool,
};
