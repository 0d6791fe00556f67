/* The service thread of a pool: replaces workers that have ended, enforces the limits of running
 * tasks, and calls callbacks. */
#include "harness/mp/process/log.h"
#include "harness/mp/core/mutex.h"
#include "harness/mp/pool/pool_service.h"
#include "harness/mp/pool/pool_tasks.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RETRY_NS (100 * FB_MP_MILLISECOND) /* after a worker could not be made */
#define KILL_WAIT_NS (5 * FB_MP_SECOND)    /* for a killed process to end */
#define FORKSERVER_LOSSES_MAX 100          /* in a row without a worker that became ready */
#define FAILED_STARTS_MAX 3                /* in a row by SIGKILL; then the pool is broken */

/* ---- workers ---- */

/* Kills all workers and fails all unfinished tasks with this error. */
static void break_pool(struct fb_mp_pool *pool, const struct fb_error *error)
{
    pool->broken = *error;
    pool->shut_down = pool->terminated = true;
    fb_mp_supervisor_kill(pool->supervisor);
    pool_collect(pool);
    pool_fail_all(pool, FB_MP_DONE, error);
}

void pool_wait_until_gone(struct pool_worker *worker)
{
    atomic_store(&worker->generation, 0); /* a process that starts now exits at once */
    int result = fb_mp_mutex_take(&worker->alive, KILL_WAIT_NS);
    if (result == 0 || result == -EOWNERDEAD)
        pthread_mutex_unlock(&worker->alive);
    else
        fb_mp_log(FB_MP_LOG_ERROR, "a worker of a pool does not end: %d",
                  (int)atomic_load(&worker->pid));
}

/* A worker could not be made. The pool goes on with the other workers; if there are none, its tasks
 * fail. */
static void note_not_made(struct fb_mp_pool *pool, int code)
{
    struct fb_error error;
    pool->make_after_ns = fb_mp_now() + RETRY_NS;
    if (pool->alive > 0)
        return;
    fb_error_set(&error, code, "no worker can be made: %s", strerror(-code));
    pool_fail_all(pool, FB_MP_DONE, &error);
}

/* Makes missing workers, if there is anything for them to do. */
static void make_workers(struct fb_mp_pool *pool)
{
    bool idle = pool->shared->idle_ns && pool->unfinished <= pool->alive;
    if (pool->terminated || (pool->shut_down && pool->unfinished == 0) ||
        fb_mp_now() < pool->make_after_ns)
        return;
    for (unsigned i = 0; i < pool->workers && !idle; i++) {
        struct pool_worker *worker = pool_worker(pool->shared, i);
        if (worker->exists)
            continue;
        atomic_store(&worker->state, WORKER_BEGINS);
        atomic_store(&worker->generation, fb_mp_supervisor_next_generation(pool->supervisor));
        int result = fb_mp_supervisor_make(pool->supervisor, i);
        if (result < 0) {
            note_not_made(pool, result);
            return;
        }
        worker->exists = true;
        pool->alive++;
        idle = pool->shared->idle_ns && pool->unfinished <= pool->alive;
    }
}

/* A worker ended before it was ready: the pool is broken, unless it was killed for the first or
 * second time in a row, which may be an accident. */
static void note_failed_start(struct fb_mp_pool *pool, const struct fb_mp_worker_end *end)
{
    struct fb_error error;
    char how[100];
    int returned = atomic_load(&pool->shared->initialized);
    bool killed = end->code == -SIGKILL && !returned;
    if (killed && ++pool->failed_starts < FAILED_STARTS_MAX)
        return;
    if (returned) {
        fb_error_set(&error, -ECANCELED, "the pool's initializer returned %d", returned);
    } else {
        fb_mp_worker_end_describe(end, how, sizeof how);
        fb_error_set(&error, -EOWNERDEAD, "%s before it could begin", how);
    }
    break_pool(pool, &error);
}

/* The forkserver ended before it reported the pid of a requested worker. The worker may have begun
 * nevertheless. */
static void note_lost_request(struct fb_mp_pool *pool, struct pool_worker *worker,
                              const struct fb_mp_worker_end *end)
{
    pool_wait_until_gone(worker);
    pool_recover_from_death(pool, &(struct fb_mp_worker_end){ .index = end->index,
                                                              .pid = atomic_load(&worker->pid),
                                                              .code = -SIGKILL });
    pool->forkserver_losses = end->losses;
    if (!pool->terminated &&
        pool->forkserver_losses - pool->forkserver_losses_before > FORKSERVER_LOSSES_MAX)
        note_not_made(pool, end->code);
}

static void note_end(struct fb_mp_pool *pool, const struct fb_mp_worker_end *end)
{
    struct pool_worker *worker = pool_worker(pool->shared, end->index);
    if (!worker->exists)
        return;
    worker->exists = false;
    pool->alive--;
    pool_notify_waiters(pool);
    if (end->pid == 0 && end->lost) {
        note_lost_request(pool, worker, end);
        return;
    }
    if (end->pid == 0) {
        note_not_made(pool, end->code);
        return;
    }
    bool at_work = pool_recover_from_death(pool, end);
    if (pool->terminated)
        return;
    bool began = atomic_load(&worker->state) == WORKER_READY;
    if (began) {
        pool->failed_starts = 0;
        pool->forkserver_losses_before = pool->forkserver_losses;
    }
    pool->deaths += at_work || end->code != 0;
    if (at_work || end->code != 0)
        fb_mp_log(FB_MP_LOG_WARNING, "worker %u [%d] of a pool ended: %s %d", end->index + 1,
                  (int)end->pid, end->code < 0 ? "signal" : "exit code", abs(end->code));
    if (!began && !end->lost)
        note_failed_start(pool, end);
    /* The worker that was woken for a task may be the one that has ended. */
    fb_mp_eventcount_notify(&pool->shared->tasks_ready, INT_MAX);
}

void pool_handle_worker_events(struct fb_mp_pool *pool)
{
    struct fb_mp_worker_end end;
    while (fb_mp_supervisor_next_end(pool->supervisor, &end) == 0)
        note_end(pool, &end);
    make_workers(pool);
}

/* ---- limits ---- */

static int64_t later(int64_t moment, int64_t ns)
{
    return ns > INT64_MAX - moment ? INT64_MAX : moment + ns;
}

/* Terminates the task's worker if that is due. Returns when to look at the task again. */
static int64_t enforce(struct fb_mp_pool *pool, struct fb_mp_future *future, int64_t now)
{
    struct task_record *record = pool_record_of(future);
    uint64_t word = task_read(record);
    unsigned worker = task_worker_of(word);
    if (task_state_of(word) == TASK_CLAIMED) {
        int64_t begin = atomic_load(&pool_worker(pool->shared, worker)->begin_ns);
        int64_t limit = begin && future->limit_ns ? later(begin, future->limit_ns) : INT64_MAX;
        if (!future->must_cancel && now < limit)
            return limit;
        if (fb_mp_supervisor_pid(pool->supervisor, worker) == 0)
            return INT64_MAX; /* the report of its pid will wake this thread */
        if (!task_revoke(record, word))
            return INT64_MAX; /* it was completed meanwhile */
        fb_mp_supervisor_signal(pool->supervisor, worker, SIGTERM);
        future->kill_at_ns = later(now, future->grace_ns ? future->grace_ns : FB_MP_SECOND);
        return future->kill_at_ns;
    }
    if (task_state_of(word) != TASK_REVOKED)
        return INT64_MAX;
    if (now < future->kill_at_ns)
        return future->kill_at_ns;
    fb_mp_supervisor_signal(pool->supervisor, worker, SIGKILL);
    return INT64_MAX;
}

/* Returns when to look again. */
static int64_t enforce_limits(struct fb_mp_pool *pool)
{
    int64_t first = INT64_MAX, now = pool->limited ? fb_mp_now() : 0;
    for (uint32_t number = 0; number < pool->shared->ring.records && pool->limited; number++) {
        struct fb_mp_future *future = pool->of_record[number];
        if (!future || (!future->limit_ns && !future->must_cancel))
            continue;
        int64_t next = enforce(pool, future, now);
        first = next < first ? next : first;
    }
    return first;
}

/* ---- callbacks ---- */

/* With the mutex held, which is unlocked during each call. */
static void call_back(struct fb_mp_pool *pool)
{
    for (struct fb_mp_future *future; (future = pool_pop(&pool->callbacks_due)) != NULL;) {
        for (struct pool_callback *each; (each = future->callback) != NULL;) {
            pthread_mutex_unlock(&pool->mutex);
            each->call(future, each->context);
            pthread_mutex_lock(&pool->mutex);
            future->callback = each->next;
            free(each);
        }
        future_release(future);
    }
}

/* ---- the loop ---- */

static void sleep_until(struct fb_mp_pool *pool, int64_t next)
{
    struct pollfd event[] = { { .fd = pool->notify_fd, .events = POLLIN },
                              { .fd = pool->joiners ? -1 : fb_mp_supervisor_fd(pool->supervisor),
                                .events = POLLIN } };
    int64_t left = next == INT64_MAX ? 0 : next - fb_mp_now();
    struct timespec limit = fb_mp_timespec(left > 0 ? left : 0);
    uint64_t nothing;
    pthread_mutex_unlock(&pool->mutex);
    if (ppoll(event, 2, next == INT64_MAX ? NULL : &limit, NULL) > 0 && event[0].revents &&
        read(pool->notify_fd, &nothing, sizeof nothing) < 0 && errno != EAGAIN)
        fb_mp_log(FB_MP_LOG_ERROR, "a pool's eventfd can't be read: %s", strerror(errno));
    pthread_mutex_lock(&pool->mutex);
}

void *pool_service_main(void *argument)
{
    struct fb_mp_pool *pool = argument;
    pthread_mutex_lock(&pool->mutex);
    while (!pool->service_must_end) {
        if (!pool->joiners)
            pool_handle_worker_events(pool);
        pool_collect(pool);
        pool_refill(pool);
        call_back(pool);
        int64_t next = enforce_limits(pool);
        if (pool->make_after_ns > fb_mp_now() && pool->make_after_ns < next)
            next = pool->make_after_ns;
        if (!pool->callbacks_due.first)
            sleep_until(pool, next);
    }
    call_back(pool);
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}
