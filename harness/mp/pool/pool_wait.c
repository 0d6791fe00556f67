/* Waiting until something has changed in a pool. */
#include "harness/mp/pool/future_internal.h"
#include "harness/mp/pool/pool_tasks.h"

#define SPINS_A_LOOK 32

/* Until a worker has done something, or for a little while. Without the mutex. */
static void spin(const struct pool_shared *shared, int64_t deadline)
{
    int64_t spin_ns = atomic_load_explicit(&shared->spin_ns, memory_order_relaxed);
    int64_t end = spin_ns ? fb_mp_now() + spin_ns : 0;
    for (int64_t now = 0; now < end && now < deadline; now = fb_mp_now())
        for (int i = 0; i < SPINS_A_LOOK; i++) {
            for (unsigned word = 0; word < FB_MP_POOL_WORKERS / 64 && shared->block[word]; word++)
                if (atomic_load_explicit(&shared->has_done[word], memory_order_relaxed))
                    return;
            fb_mp_relax();
        }
}

/* As the one that sleeps by the bell for all. */
static void wait_by_bell(struct fb_mp_pool *pool, int64_t deadline)
{
    struct pool_shared *shared = pool->shared;
    uint64_t before = pool->serial;
    pool->sleeper = true;
    pthread_mutex_unlock(&pool->mutex);
    spin(shared, deadline);
    pthread_mutex_lock(&pool->mutex);
    uint32_t heard = 0;
    bool sleeps = !pool_collect(pool) && pool->serial == before;
    if (sleeps) {
        heard = fb_mp_eventcount_prepare(&shared->done);
        sleeps = !pool_collect(pool) && pool->serial == before;
    }
    if (sleeps) {
        pthread_mutex_unlock(&pool->mutex);
        fb_mp_sleep(&shared->done, heard, deadline);
        pthread_mutex_lock(&pool->mutex);
        pool_collect(pool);
    }
    pool->sleeper = false;
    pthread_cond_broadcast(&pool->changed); /* another one's turn to sleep there */
}

bool pool_wait(struct fb_mp_pool *pool, int64_t deadline)
{
    if (fb_mp_now() >= deadline)
        return false;
    if (pool->sleeper || !pool->shared || pool->over) {
        struct timespec limit = fb_mp_timespec(deadline);
        pthread_cond_timedwait(&pool->changed, &pool->mutex, &limit);
    } else
        wait_by_bell(pool, deadline);
    return true;
}
