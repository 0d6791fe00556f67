#include "harness/native/shared_pool.h"

#include "harness/native/processes.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct fb_pool {
    struct fb_caller caller;
    struct fb_processes processes; /* the supervisor's worker i is the team's worker i + 1 */
    /* The watcher thread sleeps until a worker ends or the pool is closed. The caller can't watch:
     * it is busy with its own part of the job. */
    bool watched;
    pthread_t watcher;
    int call_off;                /* eventfd that ends the watcher */
    struct fb_mp_worker_end end; /* the first end that was seen; published by team.stop */
};

static int work(const void *argument, size_t size)
{
    const struct fb_mp_worker_argument *worker = argument;
    int none;
    struct fb_team *team = fb_processes_join(worker, &none);
    struct fb_yield yield;
    (void)size;
    if (!team)
        return 1;
    fb_yield_plain(&yield, team);
    fb_worker_loop(team, worker->index + 1, &yield);
    _exit(0); /* not exit: the exit handlers are for the main program only */
}

__attribute__((constructor)) static void add_task(void)
{
    static const struct fb_mp_task task = { .name = "fb_shared_pool", .run = work };
    fb_mp_registry_add(&task);
}

static void *watch(void *argument)
{
    struct fb_pool *pool = argument;
    struct fb_mp_supervisor *supervisor = pool->processes.supervisor;
    /* The end may be known already, and then the descriptor is not readable. */
    while (fb_mp_supervisor_next_end(supervisor, &pool->end) == -EAGAIN) {
        struct pollfd event[] = { { .fd = pool->call_off, .events = POLLIN },
                                  { .fd = fb_mp_supervisor_fd(supervisor), .events = POLLIN } };
        while (poll(event, 2, -1) < 0 && errno == EINTR)
            ;
        if (event[0].revents)
            return NULL;
    }
    fb_team_stop(pool->caller.team);
    return NULL;
}

static int open_watcher(struct fb_pool *pool, struct fb_error *error)
{
    pool->call_off = eventfd(0, EFD_CLOEXEC);
    if (pool->call_off < 0)
        return fb_error_set(error, -errno, "can't watch the workers: eventfd: %s", strerror(errno));
    /* Signals are for the program's own threads. */
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

void fb_shared_pool_close(struct fb_pool *pool)
{
    if (!pool)
        return;
    call_off(pool);
    bool broken = atomic_load(&pool->caller.team->stop);
    fb_caller_quit(&pool->caller);
    fb_processes_close(&pool->processes, broken ? 0 : FB_PROCESSES_PATIENCE_NS);
    fb_caller_close(&pool->caller);
    free(pool);
}

int fb_shared_pool_open(const char *name, enum fb_mp_method method,
                        const struct fb_setting *setting, struct fb_pool **ret_pool,
                        struct fb_error *error)
{
    struct fb_pool *pool = calloc(1, sizeof *pool);
    int result = pool ? fb_caller_open(&pool->caller, setting, error)
                      : fb_error_set(error, -ENOMEM, "out of memory");
    if (result < 0) {
        free(pool);
        return result;
    }
    pool->call_off = -1;
    const struct fb_processes_plan plan = { .name = name,
                                            .method = method,
                                            .count = setting->workers - 1,
                                            .run = work,
                                            .team = pool->caller.team,
                                            .fd = -1 };
    if (plan.count > 0)
        result = fb_processes_open(&pool->processes, &plan, setting->arena, error);
    if (plan.count > 0 && result == 0)
        result = open_watcher(pool, error);
    if (result < 0) {
        fb_shared_pool_close(pool);
        return result;
    }
    *ret_pool = pool;
    return 0;
}

int fb_shared_pool_run(struct fb_pool *pool, const struct fb_job *job, struct fb_report *report,
                       struct fb_error *error)
{
    int result = fb_caller_run(&pool->caller, job, report, error);
    return result == -ECANCELED ? fb_processes_explain(&pool->processes, &pool->end, error)
                                : result;
}
