/* Waiting until something changes in a pool. One thread sleeps on the eventcount that workers
 * notify and collects their results; all others wait for it on the pool's condition variable. */
#include "harness/mp/pool/future_internal.h"
#include "harness/mp/pool/pool_tasks.h"

#define SPINS_PER_LOOK 32

/* Spins until a worker has completed a task, or for a little while. Without the mutex. */
static void spin(const struct pool_shared *shared, int64_t deadline)
{
    int64_t spin_ns = atomic_load_explicit(&shared->spin_ns, memory_order_relaxed);
    int64_t end = spin_ns ? fb_mp_now() + spin_ns : 0;
    for (int64_t now = 0; now < end && now < deadline; now = fb_mp_now())
        for (int i = 0; i < SPINS_PER_LOOK; i++) {
            for (unsigned group = 0; group < FB_MP_POOL_WORKERS / 64 && shared->block[group];
                 group++)
                if (task_any_completed(&shared->ring, group))
                    return;
            fb_mp_relax();
        }
}

/* As the one thread that sleeps for all. */
static void wait_for_workers(struct fb_mp_pool *pool, int64_t deadline)
{
    struct pool_shared *shared = pool->shared;
    uint64_t before = pool->serial;
    pool->has_sleeper = true;
    pthread_mutex_unlock(&pool->mutex);
    spin(shared, deadline);
    pthread_mutex_lock(&pool->mutex);
    uint32_t ticket = 0;
    bool sleeps = !pool_collect(pool) && pool->serial == before;
    if (sleeps) {
        ticket = fb_mp_eventcount_prepare(&shared->tasks_done);
        sleeps = !pool_collect(pool) && pool->serial == before;
    }
    if (sleeps) {
        pthread_mutex_unlock(&pool->mutex);
        fb_mp_sleep(&shared->tasks_done, ticket, deadline);
        pthread_mutex_lock(&pool->mutex);
        pool_collect(pool);
    }
    pool->has_sleeper = false;
    pthread_cond_broadcast(&pool->changed); /* another thread takes the place of this one */
}

bool pool_wait(struct fb_mp_pool *pool, int64_t deadline)
{
    if (fb_mp_now() >= deadline)
        return false;
    if (pool->has_sleeper || !pool->shared || pool->terminated) {
        struct timespec limit = fb_mp_timespec(deadline);
        pthread_cond_timedwait(&pool->changed, &pool->mutex, &limit);
    } else
        wait_for_workers(pool, deadline);
    return true;
}
