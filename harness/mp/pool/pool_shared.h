/* What a pool's owner and its workers share. */
#ifndef FB_MP_POOL_SHARED_H
#define FB_MP_POOL_SHARED_H

#include "harness/mp/core/eventcount.h"
#include "harness/mp/pool/pool.h"

#include <pthread.h>

#define POOL_LINE 64
#define POOL_RECORDS 512u /* that workers can see at a time, at least; a power of two … */
#define POOL_RECORDS_MOST 8192u
#define POOL_ARGUMENT 16 /* bytes of an argument that are in the record itself */
#define POOL_REPLY 32    /* … of a result */
#define POOL_BLOCK 64u   /* workers' lines that are allocated together */

enum { TASK_NONE, TASK_READY, TASK_CLAIMED, TASK_DONE, TASK_REVOKED };

/* A record's word: where in the ring it is, its state, and the worker that has it. */
static inline uint64_t pool_word(uint64_t position, unsigned state, unsigned worker)
{
    return position << 16 | (uint64_t)state << 12 | worker;
}

static inline unsigned pool_state_of(uint64_t word)
{
    return word >> 12 & 15;
}

static inline unsigned pool_worker_of(uint64_t word)
{
    return word & 0xfff;
}

enum {
    RECORD_TELLS = 1,  /* the owner's service thread wants to know when it is done */
    RECORD_LIMITED = 2 /* … and when it begins */
};

struct pool_record {
    /* The owner's, but for the word. */
    _Alignas(POOL_LINE) _Atomic uint64_t word;
    fb_mp_function
        function; /* as this process knows it; of a spawning pool: its place in the table */
    const struct pool_bound *bound;
    void *memory;  /* the argument, if it is larger than POOL_ARGUMENT */
    uint32_t size; /* of the argument */
    _Atomic uint32_t flags;
    uint64_t index; /* of the item that failed first, where that is the worker's to say */
    char argument[POOL_ARGUMENT];
    /* The worker's. */
    _Alignas(POOL_LINE) void *reply_memory; /* the result, if it is larger than POOL_REPLY, or what
                                               was said of a failure */
    _Atomic int32_t code;
    uint32_t reply_size;
    uint32_t next;       /* on the list of what its worker has done: record and one */
    _Atomic uint64_t at; /* the item of a map that it is at; those before are done */
    _Alignas(8) char reply[POOL_REPLY];
};

/* What tasks have in common: bytes that they get, and of a map its items and results. In shared
 * memory; the owner counts who needs it. */
struct pool_bound {
    unsigned references;
    bool is_map, whole; /* whole: one call for all items of a task */
    size_t size;        /* of bytes */
    const char *items;  /* item_size bytes each; NULL: an item is its number */
    char *results;      /* result_size bytes each; NULL: there are none */
    int32_t *codes;     /* what each item's function returned; NULL: nobody asks */
    size_t item_size, result_size, chunk;
    size_t first;                  /* the number of its first item in an imap; else 0 */
    void *own_items, *own_results; /* to be given back with this */
    char bytes[];
};

enum { WORKER_BEGINS, WORKER_READY };

struct pool_worker {
    _Alignas(POOL_LINE) _Atomic uint32_t done; /* the list: record and one */
    _Atomic uint32_t state;
    _Atomic uint32_t leaves;  /* it is told to */
    _Atomic int64_t begin_ns; /* of the limited task that it is at, or 0 */
    bool there;               /* the owner's: it was ordered, and has not ended */
    /* Of whom the owner has given up before it heard of him, nobody knows whether he lives; so
     * each holds the mutex, and leaves if another life is wanted by then. */
    _Atomic uint32_t life;
    _Atomic pid_t pid;
    pthread_mutex_t alive;
};

struct pool_shared {
    enum fb_mp_method method;
    uint64_t tasks_per_worker;
    int64_t idle_ns;
    size_t tell; /* the number of the descriptor (fb_mp_descriptor) that wakes the service */
    fb_mp_run initializer; /* as a record's function, its place and one; NULL: none */
    void *argument;
    size_t argument_size;
    uint64_t records;           /* a power of two */
    _Atomic uint64_t *ring;     /* [records] position + 1, and the record's number */
    struct pool_record *record; /* [records] */
    struct pool_worker *block[FB_MP_POOL_WORKERS / POOL_BLOCK];
    _Atomic int initialized; /* what the initializer returned, if not 0; the first one's */
    _Alignas(POOL_LINE) _Atomic uint64_t head;  /* hint: the first position that is not begun */
    _Alignas(POOL_LINE) fb_mp_eventcount items; /* workers that have nothing to do */
    _Alignas(POOL_LINE) fb_mp_eventcount done;  /* who waits for results */
    /* Rarely written. */
    _Alignas(POOL_LINE) _Atomic uint32_t quit; /* all leave */
    _Atomic uint32_t spin_ns;                  /* before sleeping */
    _Atomic uint64_t refill_at; /* who begins this position or a later one tells the owner */
    _Alignas(
        POOL_LINE) _Atomic uint64_t has_done[FB_MP_POOL_WORKERS / 64]; /* whose list isn't empty */
};

static inline struct pool_worker *pool_worker(const struct pool_shared *shared, unsigned index)
{
    return &shared->block[index / POOL_BLOCK][index % POOL_BLOCK];
}

extern bool pool_in_worker; /* this process is one */

/* What a worker does; a task of the runtime's own, so that it can be spawned. */
int pool_worker_main(const void *argument, size_t size);

/* Tells the service thread that there is something to do; in a worker, or here. */
void pool_notify_service(int eventfd);

/* A bound with one reference, its other fields 0. 0, -ENOMEM or -ENOSPC. */
int pool_bound_make(const void *bytes, size_t size, struct pool_bound **ret_bound);
/* With the mutex of the pool that it is used in. NULL is accepted. */
void pool_bound_release(struct pool_bound *bound);

/* What workers see: 0 or a negative errno; what is there is freed in any case by the last one. */
int pool_make_shared(const struct fb_mp_pool_options *options, unsigned workers,
                     struct pool_shared **ret_shared);
/* Lines for that many workers, in shared memory. */
int pool_make_lines(struct pool_shared *shared, unsigned workers);
/* NULL is accepted. */
void pool_free_shared(struct pool_shared *shared);

#endif
