/* Opening, ending and resizing pools. */
#include "harness/mp/core/heap.h"
#include "harness/mp/core/mutex.h"
#include "harness/mp/pool/future_internal.h"
#include "harness/mp/pool/pool_service.h"
#include "harness/mp/pool/pool_tasks.h"
#include "harness/mp/process/registry.h"

#include "base/cpus.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* ---- opening ---- */

/* How many CPUs this process may use at once, by affinity and by the quota of its control group. */
static unsigned cpus_effective(void)
{
    struct fb_cpus cpus;
    fb_cpus_read(&cpus);
    return cpus.workers < FB_MP_POOL_WORKERS ? cpus.workers : FB_MP_POOL_WORKERS;
}

/* Both the workers and the owner spin. */
static void choose_spin(struct fb_mp_pool *pool)
{
    int64_t spin_ns = fb_mp_spin_ns(pool->workers + 1, cpus_effective());
    atomic_store(&pool->shared->spin_ns, (uint32_t)spin_ns);
}

static int check(const struct fb_mp_pool_options *options, struct fb_error *error)
{
    if (pool_in_worker)
        return fb_error_set(error, -EPERM,
                            "a worker of a pool can't open a pool of its own: let the "
                            "process that opened that one open both");
    if (options->workers > FB_MP_POOL_WORKERS)
        return fb_error_set(error, -EINVAL, "too many workers: %u: give at most %d",
                            options->workers, FB_MP_POOL_WORKERS);
    if (options->fds >= FB_MP_FDS)
        return fb_error_set(error, -EINVAL, "too many descriptors: %zu: give at most %d",
                            options->fds, FB_MP_FDS - 1);
    if (options->method != FB_MP_FORK && options->method != FB_MP_SPAWN)
        return fb_error_set(error, -EINVAL, "no such method of starting a process: %d",
                            (int)options->method);
    return 0;
}

/* Stores the initializer as workers identify it. 0 or a negative errno. */
static int find_initializer(struct fb_mp_pool *pool, const struct fb_mp_pool_options *options,
                            struct fb_error *error)
{
    uintptr_t index = 0;
    pool->shared->initializer = options->initializer;
    if (options->method == FB_MP_FORK)
        return 0;
    int result = fb_mp_registry_index_of_run(options->initializer, &index);
    if (!options->initializer && result != -ENOSYS)
        return 0; /* it is enough that there is a table */
    if (result < 0)
        return fb_error_set(error, result,
                            result == -ENOSYS
                                ? "can't spawn: main has to begin with fb_mp_main"
                                : "can't spawn: the initializer is not in fb_mp_main's table");
    pool->shared->initializer = (fb_mp_run)(index + 1);
    return 0;
}

static int make_descriptors(struct fb_mp_pool *pool, const struct fb_mp_pool_options *options)
{
    pool->fd = calloc(options->fds + 1, sizeof *pool->fd);
    pool->notify_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!pool->fd || pool->notify_fd < 0)
        return pool->fd ? -errno : -ENOMEM;
    for (size_t i = 0; i < options->fds; i++)
        pool->fd[i] = options->fd[i];
    pool->fd[options->fds] = pool->notify_fd; /* after the user's, whose indices must not change */
    pool->shared->notify_descriptor = options->fds;
    return 0;
}

static int make_supervisor(struct fb_mp_pool *pool, const struct fb_mp_pool_options *options,
                           struct fb_error *error)
{
    const struct fb_mp_supervisor_options supervisor = { .method = options->method,
                                                         .workers = pool->workers,
                                                         .run = pool_worker_main,
                                                         .shared = pool->shared,
                                                         .name =
                                                             options->name ? options->name : "Pool",
                                                         .fd = pool->fd,
                                                         .fds = options->fds + 1 };
    for (unsigned i = 0; i < pool->workers; i++) {
        pool_worker(pool->shared, i)->exists = true;
        atomic_store(&pool_worker(pool->shared, i)->generation, 1);
    }
    int result = fb_mp_supervisor_open(&supervisor, &pool->supervisor, error);
    pool->alive = result == 0 ? pool->workers : 0;
    return result;
}

/* The thread blocks all signals: they are delivered to the program's own threads. */
static int start_service(struct fb_mp_pool *pool)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&pool->service, NULL, pool_service_main, pool);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pool->has_service = code == 0;
    return -code;
}

static int open_parts(struct fb_mp_pool *pool, const struct fb_mp_pool_options *options,
                      struct fb_error *error)
{
    int result = pool_make_shared(options, pool->workers, &pool->shared);
    if (result == 0)
        result = pool_make_records(pool);
    if (result == 0)
        result = make_descriptors(pool, options);
    if (result < 0)
        return fb_error_set(error, result, "can't open a pool: %s", strerror(-result));
    choose_spin(pool);
    result = find_initializer(pool, options, error);
    if (result == 0)
        result = make_supervisor(pool, options, error);
    if (result == 0 && (result = start_service(pool)) < 0)
        fb_error_set(error, result, "can't start a pool's thread: %s", strerror(-result));
    return result;
}

int fb_mp_pool_open(const struct fb_mp_pool_options *options, struct fb_mp_pool **ret_pool,
                    struct fb_error *error)
{
    pthread_condattr_t attributes;
    int result = check(options, error);
    if (result < 0)
        return result;
    struct fb_mp_pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return fb_error_set(error, -ENOMEM, "out of memory");
    pool->owner = getpid();
    pool->method = options->method;
    pool->references = 1;
    pool->workers = options->workers ? options->workers : cpus_effective();
    pool->retries = options->retries;
    pool->notify_fd = -1;
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    result = open_parts(pool, options, error);
    if (result < 0) {
        fb_mp_pool_close(pool);
        return result;
    }
    *ret_pool = pool;
    return 0;
}

/* ---- ending ---- */

static void cancel_pending(struct fb_mp_pool *pool)
{
    struct fb_error error;
    fb_error_set(&error, -ECANCELED, "it was cancelled before a worker began it");
    for (struct fb_mp_future *future; (future = pool_pop(&pool->pending)) != NULL;) {
        pool->pending_count--;
        pool_fail(future, FB_MP_CANCELLED, &error);
    }
    for (uint32_t number = 0; number < pool->shared->ring.records; number++) {
        struct fb_mp_future *future = pool->of_record[number];
        if (!future || !pool_withdraw(future))
            continue;
        pool_fail(future, FB_MP_CANCELLED, &error);
    }
}

void fb_mp_pool_shutdown(struct fb_mp_pool *pool, bool cancel)
{
    if (pool->owner != getpid())
        return;
    pthread_mutex_lock(&pool->mutex);
    pool->shut_down = true;
    if (cancel)
        cancel_pending(pool);
    pthread_mutex_unlock(&pool->mutex);
}

/* Handles the ends of workers on this thread, which is sooner than on the service thread. */
static bool wait_for_ends(struct fb_mp_pool *pool, int64_t deadline)
{
    struct pollfd event = { .fd = fb_mp_supervisor_fd(pool->supervisor), .events = POLLIN };
    int64_t left = deadline - fb_mp_now();
    if (left <= 0)
        return false;
    struct timespec limit = fb_mp_timespec(left < FB_MP_SLICE ? left : FB_MP_SLICE);
    pthread_mutex_unlock(&pool->mutex);
    ppoll(&event, 1, &limit, NULL);
    pthread_mutex_lock(&pool->mutex);
    pool_handle_worker_events(pool);
    return true;
}

int fb_mp_pool_join(struct fb_mp_pool *pool, int64_t timeout_ns)
{
    int64_t deadline = fb_mp_deadline(timeout_ns);
    int result = 0;
    if (pool->owner != getpid())
        return -EINVAL;
    pthread_mutex_lock(&pool->mutex);
    if (!pool->shut_down)
        result = -EINVAL;
    while (result == 0 && pool->unfinished > 0)
        if (!pool_wait(pool, deadline))
            result = -ETIMEDOUT;
    pool->joiners++;
    if (result == 0 && !atomic_exchange(&pool->shared->quit, 1)) {
        fb_mp_eventcount_notify(&pool->shared->tasks_ready, INT_MAX);
        pool_notify_service(pool->notify_fd); /* so that it no longer polls the supervisor */
    }
    while (result == 0 && pool->alive > 0)
        if (!wait_for_ends(pool, deadline))
            result = -ETIMEDOUT;
    if (--pool->joiners == 0)
        pool_notify_service(pool->notify_fd);
    pthread_mutex_unlock(&pool->mutex);
    return result;
}

void fb_mp_pool_terminate(struct fb_mp_pool *pool)
{
    struct fb_error error;
    if (pool->owner != getpid())
        return;
    fb_error_set(&error, -ECANCELED, "the pool was terminated");
    pthread_mutex_lock(&pool->mutex);
    pool->shut_down = pool->terminated = true;
    if (pool->supervisor)
        fb_mp_supervisor_kill(pool->supervisor);
    for (unsigned i = 0;
         pool->supervisor && i < FB_MP_POOL_WORKERS && pool->shared->block[i / POOL_BLOCK]; i++)
        if (pool_worker(pool->shared, i)->exists)
            pool_wait_until_gone(pool_worker(pool->shared, i));
    if (pool->of_record) {
        pool_collect(pool);
        pool_fail_all(pool, FB_MP_CANCELLED, &error);
    }
    pthread_mutex_unlock(&pool->mutex);
}

static void end_service(struct fb_mp_pool *pool)
{
    if (!pool->has_service)
        return;
    pthread_mutex_lock(&pool->mutex);
    pool->service_must_end = true;
    pool_notify_service(pool->notify_fd);
    pthread_mutex_unlock(&pool->mutex);
    pthread_join(pool->service, NULL);
}

void fb_mp_pool_close(struct fb_mp_pool *pool)
{
    if (!pool || pool->owner != getpid())
        return;
    if (pool->shared && pool->of_record && (!atomic_load(&pool->shared->quit) || pool->alive > 0))
        fb_mp_pool_terminate(pool);
    end_service(pool);
    fb_mp_supervisor_close(pool->supervisor, 0);
    if (pool->notify_fd >= 0)
        close(pool->notify_fd);
    free(pool->of_record);
    free(pool->free_record);
    free(pool->fd);
    pthread_mutex_lock(&pool->mutex);
    pool_free_shared(pool->shared);
    pool->shared = NULL; /* a thread may still be returning from pool_wait */
    pool_release(pool);
}

/* ---- workers ---- */

int fb_mp_pool_resize(struct fb_mp_pool *pool, unsigned workers)
{
    if (workers == 0 || workers > FB_MP_POOL_WORKERS || pool->owner != getpid())
        return -EINVAL;
    pthread_mutex_lock(&pool->mutex);
    int result = pool->shut_down ? -ESHUTDOWN : pool_make_slots(pool->shared, workers);
    for (unsigned i = 0; result == 0 && i < (workers > pool->workers ? workers : pool->workers);
         i++)
        atomic_store(&pool_worker(pool->shared, i)->must_leave, i >= workers);
    if (result == 0) {
        pool->workers = workers;
        choose_spin(pool);
        fb_mp_eventcount_notify(&pool->shared->tasks_ready, INT_MAX);
        pool_notify_service(pool->notify_fd);
    }
    pthread_mutex_unlock(&pool->mutex);
    return result;
}

void fb_mp_pool_state(struct fb_mp_pool *pool, struct fb_mp_pool_state *ret_state)
{
    pthread_mutex_lock(&pool->mutex);
    pool_collect(pool);
    *ret_state = (struct fb_mp_pool_state){ .workers = pool->workers,
                                            .alive = pool->alive,
                                            .pending = pool->pending_count,
                                            .deaths = pool->deaths };
    for (uint32_t number = 0; number < pool->shared->ring.records; number++)
        if (pool->of_record[number]) {
            bool claimed =
                task_state_of(task_read(&pool->shared->ring.record[number])) != TASK_READY;
            *(claimed ? &ret_state->running : &ret_state->pending) += 1;
        }
    pthread_mutex_unlock(&pool->mutex);
}
