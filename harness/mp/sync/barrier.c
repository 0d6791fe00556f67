#include "harness/mp/sync/barrier.h"

#include "harness/mp/core/heap.h"
#include "harness/mp/core/identity.h"
#include "harness/mp/core/sleep.h"
#include "harness/mp/sync/sync.h"

#include <errno.h>

/* A process that uses the barrier. */
struct party {
    struct fb_mp_identity identity;
    unsigned threads; /* the process's threads that wait now */
};

struct fb_mp_barrier {
    struct fb_mp_lock *lock;  /* guards the members that are not atomic */
    _Atomic uint32_t turn;    /* incremented when the barrier opens, breaks or is reset */
    _Atomic uint32_t waiting; /* threads that wait */
    _Atomic uint32_t broken;
    _Atomic uint32_t opened; /* a bit for each of the last 32 turns: all parties arrived */
    unsigned parties, known; /* known: entries of party[] in use */
    struct party party[];    /* [parties] the processes that have used the barrier */
};

int fb_mp_barrier_make(unsigned parties, struct fb_mp_barrier **ret_barrier)
{
    void *memory;
    if (parties == 0)
        return -EINVAL;
    int result =
        fb_mp_alloc(sizeof(struct fb_mp_barrier) + parties * sizeof(struct party), &memory);
    if (result < 0)
        return result;
    struct fb_mp_barrier *barrier = memory;
    barrier->parties = parties;
    result = fb_mp_lock_make(false, &barrier->lock);
    if (result < 0)
        fb_mp_free(memory);
    else
        *ret_barrier = barrier;
    return result;
}

void fb_mp_barrier_free(struct fb_mp_barrier *barrier)
{
    if (barrier)
        fb_mp_lock_free(barrier->lock);
    fb_mp_free(barrier);
}

static void unlock(struct fb_mp_barrier *barrier)
{
    fb_mp_lock_release(barrier->lock);
}

/* Ends the turn and wakes all waiters. open: because all parties have arrived. */
static void end_turn(struct fb_mp_barrier *barrier, bool open)
{
    uint32_t bit = 1u << (atomic_load(&barrier->turn) % 32);
    if (open)
        atomic_fetch_or(&barrier->opened, bit);
    else
        atomic_fetch_and(&barrier->opened, ~bit);
    for (unsigned i = 0; i < barrier->known; i++)
        barrier->party[i].threads = 0;
    atomic_store(&barrier->waiting, 0);
    atomic_fetch_add(&barrier->turn, 1);
    fb_mp_wake(&barrier->turn, INT_MAX);
}

static void break_it(struct fb_mp_barrier *barrier)
{
    atomic_store(&barrier->broken, 1);
    end_turn(barrier, false);
}

/* A process that died with the lock may have changed the counts only in part, or not have woken the
 * others, so the barrier is broken. */
static void lock(struct fb_mp_barrier *barrier)
{
    if (fb_mp_lock_acquire(barrier->lock, FB_MP_FOREVER) == -EOWNERDEAD)
        break_it(barrier);
}

static bool is_self(const struct party *party, const struct fb_mp_identity *self)
{
    return party->identity.pid == self->pid && party->identity.start == self->start;
}

/* Registers that a thread of this process waits. */
static void arrive(struct fb_mp_barrier *barrier)
{
    struct fb_mp_identity self = fb_mp_identity_self();
    unsigned i = 0;
    while (i < barrier->known && !is_self(&barrier->party[i], &self))
        i++;
    if (i == barrier->parties) /* a new process replaces one that has ended */
        for (i = 0; i + 1 < barrier->known; i++)
            if (!fb_mp_identity_is_alive(&barrier->party[i].identity))
                break;
    if (i == barrier->known)
        barrier->known++;
    if (!is_self(&barrier->party[i], &self))
        barrier->party[i] = (struct party){ .identity = self };
    barrier->party[i].threads++;
    atomic_fetch_add(&barrier->waiting, 1);
}

/* Whether a process that still has to arrive has ended. That can be known only once as many
 * processes as parties have used the barrier. */
static bool waits_for_dead_process(const struct fb_mp_barrier *barrier)
{
    if (barrier->known < barrier->parties)
        return false;
    for (unsigned i = 0; i < barrier->known; i++)
        if (barrier->party[i].threads == 0 && !fb_mp_identity_is_alive(&barrier->party[i].identity))
            return true;
    return false;
}

/* Sleeps until the turn `since` has ended; breaks the barrier after the deadline, or when a process
 * that has to arrive is dead. 0 or -ETIMEDOUT. */
static int sleep_until_open(struct fb_mp_barrier *barrier, uint32_t since, int64_t deadline)
{
    while (atomic_load(&barrier->turn) == since) {
        bool time = fb_mp_sleep(&barrier->turn, since, deadline);
        if (atomic_load(&barrier->turn) != since)
            break;
        lock(barrier);
        bool same = atomic_load(&barrier->turn) == since;
        bool dead = same && time && waits_for_dead_process(barrier);
        if (same && (!time || dead))
            break_it(barrier);
        unlock(barrier);
        if (same && !time)
            return -ETIMEDOUT;
    }
    return 0;
}

int fb_mp_barrier_wait(struct fb_mp_barrier *barrier, int64_t timeout_ns, unsigned *ret_index)
{
    int64_t deadline = fb_mp_deadline(timeout_ns);
    lock(barrier);
    if (atomic_load(&barrier->broken)) {
        unlock(barrier);
        return -ECANCELED;
    }
    uint32_t since = atomic_load(&barrier->turn);
    unsigned index = atomic_load(&barrier->waiting);
    arrive(barrier);
    bool last = index + 1 == barrier->parties;
    if (last)
        end_turn(barrier, true);
    unlock(barrier);
    int result = last ? 0 : sleep_until_open(barrier, since, deadline);
    if (result == 0 && !(atomic_load(&barrier->opened) & 1u << (since % 32)))
        result = -ECANCELED;
    if (result == 0 && ret_index)
        *ret_index = index;
    return result;
}

void fb_mp_barrier_abort(struct fb_mp_barrier *barrier)
{
    lock(barrier);
    break_it(barrier);
    unlock(barrier);
}

void fb_mp_barrier_reset(struct fb_mp_barrier *barrier)
{
    lock(barrier);
    barrier->known = 0;
    end_turn(barrier, false);
    atomic_store(&barrier->broken, 0);
    unlock(barrier);
}

bool fb_mp_barrier_is_broken(const struct fb_mp_barrier *barrier)
{
    return atomic_load(&barrier->broken);
}

unsigned fb_mp_barrier_waiting(const struct fb_mp_barrier *barrier)
{
    return atomic_load(&barrier->waiting);
}
