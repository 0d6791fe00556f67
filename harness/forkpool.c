/* A worker is a forked process; jobs, claims and results are in shared memory, nothing is copied
 * and nothing is piped. A worker that dies ends the job; a process that dies takes its workers
 * with it. */
#include "worker.h"

#include "mp/crew.h"
#include "mp/heap.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* How long workers that were told to leave may take before they are killed. */
#define PATIENCE_NS FB_MP_SECOND

/* What a worker is told; in the runtime's heap, which it has from the beginning. */
struct told {
    struct fb_arena_place arena;
    struct fb_team *team; /* in the arena, as the kernels' functions are in the program */
};

struct fb_pool {
    struct fb_caller caller;
    struct told *told;
    struct fb_mp_crew *crew; /* its worker i is the team's i + 1 */
    int file[FB_ARENA_FILES];
    /* The watcher sleeps until a worker ends or it is called off, and costs nothing meanwhile. The
     * caller can't watch: it is busy with its own part of the job. */
    bool watched;
    pthread_t watcher;
    int call_off;              /* eventfd */
    struct fb_mp_crew_end end; /* of whose end was seen first; published by team.stop */
};

static int work(const void *argument, size_t size)
{
    const struct fb_mp_helper_told *worker = argument;
    const struct told *told = worker->shared;
    int file[FB_ARENA_FILES];
    struct fb_yield yield;
    (void)size;
    for (unsigned i = 0; i < told->arena.files; i++)
        file[i] = fb_mp_descriptor(i);
    if (fb_arena_adopt(&told->arena, file) < 0)
        return 1;
    fb_yield_plain(&yield, told->team);
    fb_worker_loop(told->team, worker->index + 1, &yield);
    _exit(0); /* not exit: the program's exit handlers are the program's */
}

static void *watch(void *argument)
{
    struct fb_pool *pool = argument;
    int result;
    for (;;) {
        struct pollfd event[] = { { .fd = pool->call_off, .events = POLLIN },
                                  { .fd = fb_mp_crew_fd(pool->crew), .events = POLLIN } };
        while (poll(event, 2, -1) < 0 && errno == EINTR)
            ;
        if (event[0].revents)
            return NULL;
        result = fb_mp_crew_next(pool->crew, &pool->end);
        if (result == -EAGAIN)
            continue;
        fb_team_stop(pool->caller.team);
        return NULL;
    }
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
    fb_mp_crew_close(pool->crew, broken ? 0 : PATIENCE_NS);
    fb_caller_close(&pool->caller);
    fb_mp_free(pool->told);
    free(pool);
}

static int make_workers(struct fb_pool *pool, const struct fb_setting *setting,
                        struct fb_error *error)
{
    struct told *told;
    int result = fb_mp_alloc(sizeof *told, (void **)&told);
    if (result < 0)
        return fb_error_set(error, result, "out of shared memory");
    pool->told = told;
    told->team = pool->caller.team;
    fb_arena_place(setting->arena, &told->arena, pool->file);
    const struct fb_mp_crew_options options = { .workers = setting->workers - 1,
                                                .run = work,
                                                .shared = told,
                                                .name = "forkpool",
                                                .fd = pool->file,
                                                .fds = told->arena.files };
    result = fb_mp_crew_open(&options, &pool->crew, error);
    if (result == 0)
        result = fb_mp_crew_wait(pool->crew, error);
    return result < 0 ? result : open_watcher(pool, error);
}

static int open_pool(const struct fb_setting *setting, struct fb_pool **ret_pool,
                     struct fb_error *error)
{
    struct fb_pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return fb_error_set(error, -ENOMEM, "out of memory");
    int result = fb_caller_open(&pool->caller, setting, error);
    if (result < 0) {
        free(pool);
        return result;
    }
    pool->call_off = -1;
    if (setting->workers > 1)
        result = make_workers(pool, setting, error);
    if (result < 0) {
        close_pool(pool);
        return result;
    }
    *ret_pool = pool;
    return 0;
}

static int explain(const struct fb_pool *pool, struct fb_error *error)
{
    char how[100];
    /* It counts its workers from 1, as we do: the caller is worker 0. */
    fb_mp_crew_describe(&pool->end, how, sizeof how);
    return fb_error_set(error, -EOWNERDEAD,
                        "forkpool %s: its work is lost, the pool can only be closed", how);
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
