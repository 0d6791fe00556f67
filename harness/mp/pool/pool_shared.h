/* What a pool's owner and its workers share: the pool's settings, one slot for each worker, and
 * what the tasks of one map have in common. */
#ifndef FB_MP_POOL_SHARED_H
#define FB_MP_POOL_SHARED_H

#include "harness/mp/core/eventcount.h"
#include "harness/mp/pool/task_ring.h"

#include <pthread.h>

#define POOL_RECORDS 512u /* at least; more workers get more, up to POOL_RECORDS_MAX */
#define POOL_RECORDS_MAX 8192u
#define POOL_BLOCK 64u /* worker slots that are allocated together */

/* Bytes that all tasks get, and the items and results of a map. In shared memory; the owner counts
 * the references. */
struct pool_bound {
    unsigned references;
    bool is_map, whole; /* whole: one call for all items of a chunk */
    size_t size;        /* of bytes */
    const char *items;  /* item_size bytes each; NULL: items have only an index */
    char *results;      /* result_size bytes each; NULL: there are none */
    int32_t *codes;     /* what each item's function returned; NULL: not recorded */
    size_t item_size, result_size, chunk;
    size_t first;                  /* index of the first item within an imap; else 0 */
    void *own_items, *own_results; /* freed together with this */
    char bytes[];
};

enum { WORKER_BEGINS, WORKER_READY };

/* A worker's slot. */
struct pool_worker {
    _Alignas(TASK_LINE) task_list completed;
    _Atomic uint32_t state;
    _Atomic uint32_t must_leave; /* the pool has become smaller */
    _Atomic int64_t begin_ns;    /* when the current task with a time limit began; else 0 */
    bool exists;                 /* for the owner: it was requested and has not ended */
    /* When the forkserver ends before it has reported a new worker's pid, the owner can't tell
     * whether that worker exists. So each worker holds the mutex as long as it lives, and exits at
     * once if its generation is not the current one. */
    _Atomic uint32_t generation;
    _Atomic pid_t pid;
    pthread_mutex_t alive;
};

struct pool_shared {
    enum fb_mp_method method;
    uint64_t tasks_per_worker;
    int64_t idle_ns;
    size_t notify_descriptor; /* index (fb_mp_descriptor) of the service thread's eventfd */
    fb_mp_run initializer;    /* the address; in a spawning pool the table index + 1; NULL: none */
    void *argument;
    size_t argument_size;
    struct pool_worker *block[FB_MP_POOL_WORKERS / POOL_BLOCK];
    _Atomic int initialized; /* the first value other than 0 that an initializer returned */
    struct task_ring ring;
    _Alignas(TASK_LINE) fb_mp_eventcount tasks_ready; /* idle workers sleep on this */
    /* Threads that wait for results sleep on this. */
    _Alignas(TASK_LINE) fb_mp_eventcount tasks_done;
    /* Rarely written. */
    _Alignas(TASK_LINE) _Atomic uint32_t quit; /* all workers leave */
    _Atomic uint32_t spin_ns;                  /* before sleeping */
    _Atomic uint64_t
        refill_at; /* a worker that claims this or a later position notifies the owner */
};

static inline struct pool_worker *pool_worker(const struct pool_shared *shared, unsigned index)
{
    return &shared->block[index / POOL_BLOCK][index % POOL_BLOCK];
}

/* 0 or a negative errno. What was allocated is in *ret_shared in any case, for pool_free_shared. */
int pool_make_shared(const struct fb_mp_pool_options *options, unsigned workers,
                     struct pool_shared **ret_shared);
/* Makes slots for this many workers. 0 or a negative errno. */
int pool_make_slots(struct pool_shared *shared, unsigned workers);
/* NULL is accepted. */
void pool_free_shared(struct pool_shared *shared);

/* A bound with one reference, its other fields 0. 0, -ENOMEM or -ENOSPC. */
int pool_bound_make(const void *bytes, size_t size, struct pool_bound **ret_bound);
/* With the mutex of the pool that it is used in. NULL is accepted. */
void pool_bound_release(struct pool_bound *bound);

/* Wakes the owner's service thread. */
void pool_notify_service(int eventfd);

/* ---- pool_worker.c ---- */

extern bool pool_in_worker; /* this process is a worker */

/* What a worker process runs. The argument is a struct fb_mp_worker_argument. */
int pool_worker_main(const void *argument, size_t size);

#endif
