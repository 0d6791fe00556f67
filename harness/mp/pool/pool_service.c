/* The pool's own thread: workers that end, tasks that run for too long, callbacks. */
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

#define AGAIN_NS (100 * FB_MP_MILLISECOND) /* before those that could not be made are tried again */
#define PATIENCE_NS (5 * FB_MP_SECOND)     /* for the end of a process that was killed */
#define LOSSES_MOST 100                    /* helpers lost in a row, without a worker that began */
#define BEGINNINGS_MOST 3                  /* that are killed in a row, until that is no accident */

/* ---- workers ---- */

/* Ends the pool with that error: no worker is left, and each task that was not done fails with it. */
static void break_pool(struct fb_mp_pool *pool, const struct fb_error *error)
{
    pool->broken = *error;
    pool->shut = pool->over = true;
    fb_mp_supervisor_kill(pool->crew);
    pool_collect(pool);
    pool_fail_all(pool, FB_MP_DONE, error);
}

void pool_wait_until_gone(struct pool_worker *worker)
{
    atomic_store(&worker->life, 0); /* who comes now leaves at once */
    int result = fb_mp_mutex_take(&worker->alive, PATIENCE_NS);
    if (result == 0 || result == -EOWNERDEAD)
        pthread_mutex_unlock(&worker->alive);
    else
        fb_mp_log(FB_MP_LOG_ERROR, "a worker of a pool does not die: %d",
                  (int)atomic_load(&worker->pid));
}

/* One that could not be made: with others it goes on, without any its tasks can't. */
static void note_refusal(struct fb_mp_pool *pool, int code)
{
    struct fb_error error;
    pool->make_after = fb_mp_now() + AGAIN_NS;
    if (pool->alive > 0)
        return;
    fb_error_set(&error, code, "no worker can be made: %s", strerror(-code));
    pool_fail_all(pool, FB_MP_DONE, &error);
}

/* Makes those that there should be, if there is anything for them to do. */
static void make_workers(struct fb_mp_pool *pool)
{
    bool idle = pool->shared->idle_ns && pool->unfinished <= pool->alive;
    if (pool->over || (pool->shut && pool->unfinished == 0) || fb_mp_now() < pool->make_after)
        return;
    for (unsigned i = 0; i < pool->workers && !idle; i++) {
        struct pool_worker *worker = pool_worker(pool->shared, i);
        if (worker->there)
            continue;
        atomic_store(&worker->state, WORKER_BEGINS);
        atomic_store(&worker->life, fb_mp_supervisor_next_generation(pool->crew));
        int result = fb_mp_supervisor_make(pool->crew, i);
        if (result < 0) {
            note_refusal(pool, result);
            return;
        }
        worker->there = true;
        pool->alive++;
        idle = pool->shared->idle_ns && pool->unfinished <= pool->alive;
    }
}

/* One that ended before its first task, by its own or by the initializer's doing. */
static void note_bad_beginning(struct fb_mp_pool *pool, const struct fb_mp_worker_end *end)
{
    struct fb_error error;
    char how[100];
    int returned = atomic_load(&pool->shared->initialized);
    bool killed = end->code == -SIGKILL && !returned;
    if (killed && ++pool->beginnings < BEGINNINGS_MOST)
        return;
    if (returned) {
        fb_error_set(&error, -ECANCELED, "the pool's initializer returned %d", returned);
    } else {
        fb_mp_worker_end_describe(end, how, sizeof how);
        fb_error_set(&error, -EOWNERDEAD, "%s before it could begin", how);
    }
    break_pool(pool, &error);
}

/* One that was ordered of a helper that ended then: it may have begun all the same. */
static void note_loss(struct fb_mp_pool *pool, struct pool_worker *worker,
                      const struct fb_mp_worker_end *end)
{
    pool_wait_until_gone(worker);
    pool_recover_from_death(pool, &(struct fb_mp_worker_end){ .index = end->index,
                                                              .pid = atomic_load(&worker->pid),
                                                              .code = -SIGKILL });
    pool->losses = end->losses;
    if (!pool->over && pool->losses - pool->losses_before > LOSSES_MOST)
        note_refusal(pool, end->code);
}

static void note_end(struct fb_mp_pool *pool, const struct fb_mp_worker_end *end)
{
    struct pool_worker *worker = pool_worker(pool->shared, end->index);
    if (!worker->there)
        return;
    worker->there = false;
    pool->alive--;
    pool_changed(pool);
    if (end->pid == 0 && end->lost) {
        note_loss(pool, worker, end);
        return;
    }
    if (end->pid == 0) {
        note_refusal(pool, end->code);
        return;
    }
    bool at_work = pool_recover_from_death(pool, end);
    if (pool->over)
        return;
    bool began = atomic_load(&worker->state) == WORKER_READY;
    if (began) {
        pool->beginnings = 0;
        pool->losses_before = pool->losses;
    }
    pool->deaths += at_work || end->code != 0;
    if (at_work || end->code != 0)
        fb_mp_log(FB_MP_LOG_WARNING, "worker %u [%d] of a pool ended: %s %d", end->index + 1,
                  (int)end->pid, end->code < 0 ? "signal" : "exit code", abs(end->code));
    if (!began && !end->lost)
        note_bad_beginning(pool, end);
    /* Whoever it was that was woken for a task may be dead now. */
    fb_mp_eventcount_notify(&pool->shared->items, INT_MAX);
}

void pool_handle_worker_events(struct fb_mp_pool *pool)
{
    struct fb_mp_worker_end end;
    while (fb_mp_supervisor_next_end(pool->crew, &end) == 0)
        note_end(pool, &end);
    make_workers(pool);
}

/* ---- limits ---- */

/* Gives a running task up, so that its worker can be ended: it takes no other one from then on.
 * False: it is done. */
static bool revoke_task(struct pool_record *record)
{
    uint64_t word = atomic_load(&record->word);
    return pool_state_of(word) == TASK_CLAIMED &&
           atomic_compare_exchange_strong(
               &record->word, &word, (word & ~(uint64_t)0xf000) | (uint64_t)TASK_REVOKED << 12);
}

static int64_t later(int64_t moment, int64_t ns)
{
    return ns > INT64_MAX - moment ? INT64_MAX : moment + ns;
}

/* What is to be done to it now, and when to look again. */
static int64_t enforce(struct fb_mp_pool *pool, struct fb_mp_future *future, int64_t now)
{
    struct pool_record *record = &pool->shared->record[future->record - 1];
    uint64_t word = atomic_load(&record->word);
    unsigned worker = pool_worker_of(word);
    if (pool_state_of(word) == TASK_CLAIMED) {
        int64_t begin = atomic_load(&pool_worker(pool->shared, worker)->begin_ns);
        int64_t limit = begin && future->limit_ns ? later(begin, future->limit_ns) : INT64_MAX;
        if (!future->must_end && now < limit)
            return limit;
        if (fb_mp_supervisor_pid(pool->crew, worker) ==
            0) /* not heard of yet: its news will wake us */
            return INT64_MAX;
        if (!revoke_task(record))
            return INT64_MAX;
        fb_mp_supervisor_signal(pool->crew, worker, SIGTERM);
        future->kill_ns = later(now, future->grace_ns ? future->grace_ns : FB_MP_SECOND);
        return future->kill_ns;
    }
    if (pool_state_of(word) != TASK_REVOKED)
        return INT64_MAX;
    if (now < future->kill_ns)
        return future->kill_ns;
    fb_mp_supervisor_signal(pool->crew, worker, SIGKILL);
    return INT64_MAX;
}

/* When to look again. */
static int64_t enforce_limits(struct fb_mp_pool *pool)
{
    int64_t first = INT64_MAX, now = pool->limited ? fb_mp_now() : 0;
    for (uint32_t number = 0; number < pool->shared->records && pool->limited; number++) {
        struct fb_mp_future *future = pool->of_record[number];
        if (!future || (!future->limit_ns && !future->must_end))
            continue;
        int64_t next = enforce(pool, future, now);
        first = next < first ? next : first;
    }
    return first;
}

/* ---- callbacks ---- */

/* With the mutex held, which it gives up for each of them. */
static void call_back(struct fb_mp_pool *pool)
{
    for (struct fb_mp_future *future; (future = pool_pop(&pool->called)) != NULL;) {
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
    struct pollfd event[] = { { .fd = pool->tell, .events = POLLIN },
                              { .fd = pool->joiners ? -1 : fb_mp_supervisor_fd(pool->crew),
                                .events = POLLIN } };
    int64_t left = next == INT64_MAX ? 0 : next - fb_mp_now();
    struct timespec limit = fb_mp_timespec(left > 0 ? left : 0);
    uint64_t nothing;
    pthread_mutex_unlock(&pool->mutex);
    if (ppoll(event, 2, next == INT64_MAX ? NULL : &limit, NULL) > 0 && event[0].revents &&
        read(pool->tell, &nothing, sizeof nothing) < 0 && errno != EAGAIN)
        fb_mp_log(FB_MP_LOG_ERROR, "a pool's eventfd can't be read: %s", strerror(errno));
    pthread_mutex_lock(&pool->mutex);
}

void *pool_serve(void *argument)
{
    struct fb_mp_pool *pool = argument;
    pthread_mutex_lock(&pool->mutex);
    while (!pool->ends) {
        if (!pool->joiners)
            pool_handle_worker_events(pool);
        pool_collect(pool);
        pool_refill(pool);
        call_back(pool);
        int64_t next = enforce_limits(pool);
        if (pool->make_after > fb_mp_now() && pool->make_after < next)
            next = pool->make_after;
        if (!pool->called.first)
            sleep_until(pool, next);
    }
    call_back(pool);
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}
