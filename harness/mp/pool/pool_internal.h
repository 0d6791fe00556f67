/* What a pool is made of. For pool*.c and future*.c.
 *
 * Tasks are records in shared memory. Which of them can be begun is in a ring of their numbers, in
 * the order in which they were handed over; to begin one is a single compare-and-swap of its
 * record's word, so there is no instant at which a task is taken and nobody knows by whom. What is
 * done its worker puts on a list of its own, from which the owner takes it. */
#ifndef FB_MP_POOL_INTERNAL_H
#define FB_MP_POOL_INTERNAL_H

#include "harness/mp/core/eventcount.h"
#include "harness/mp/process/supervisor.h"
#include "harness/mp/pool/pool.h"

#include <pthread.h>

#define POOL_LINE 64
#define POOL_RECORDS 512u /* that workers can see at a time, at least; a power of two … */
#define POOL_RECORDS_MOST 8192u
#define POOL_ARGUMENT 16 /* bytes of an argument that are in the record itself */
#define POOL_REPLY 32    /* … of a result */
#define POOL_BLOCK 64u   /* workers' lines that are allocated together */

/* ---- shared with workers ---- */

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

/* ---- the owner's ---- */

struct fb_mp_future {
    struct fb_mp_pool *pool;
    struct fb_mp_future *next; /* among those that wait for a record, or for their callbacks */
    unsigned references;       /* the handle, and the pool while it is not done */
    enum fb_mp_future_state state;
    uint64_t serial; /* in which order they became done; 0: not yet */
    uint32_t record; /* and one; 0: none */
    unsigned tries;  /* how often it was handed to workers */
    fb_mp_function function;
    struct pool_bound *bound;
    bool given;    /* a worker gave it; else its error is one of the whole task */
    bool must_end; /* must_end: it was cancelled while it ran */
    int64_t limit_ns, grace_ns, kill_ns;
    struct pool_callback *callback; /* in order */
    struct pool_link *link;         /* to who waits for several; futures.c */
    void *argument;                 /* until it has a record; in the heap if it is large */
    size_t size;
    uint64_t index;
    void *bytes; /* the result */
    size_t bytes_size;
    struct fb_error error;
    _Alignas(16) char inline_argument[POOL_ARGUMENT];
    _Alignas(16) char inline_bytes[POOL_REPLY];
};

struct pool_callback {
    struct pool_callback *next;
    fb_mp_callback call;
    void *context;
};

struct pool_queue {
    struct fb_mp_future *first, *last;
};

struct fb_mp_pool {
    pid_t owner;
    enum fb_mp_method method;
    pthread_mutex_t mutex;  /* guards all that follows */
    pthread_cond_t changed; /* something became done, or a worker ended */
    unsigned references;
    struct pool_shared *shared; /* NULL after close */
    struct fb_mp_supervisor *crew;
    int tell;               /* eventfd */
    int *fd;                /* what workers get: tell first */
    bool has_service, ends; /* the service thread; it is to end */
    pthread_t service;
    unsigned workers, alive, retries;
    unsigned losses, losses_before; /* of helpers; when a worker last began */
    unsigned beginnings;            /* workers in a row that were killed before they could begin */
    unsigned joiners;               /* threads that hear of ends instead of the service thread */
    bool shut, over;                /* takes no more; is only good for close */
    struct fb_error broken;
    bool sleeper; /* somebody sleeps by the bell for all that wait */
    uint64_t tail, serial, deaths;
    struct pool_queue pending, called; /* without a record; whose callbacks are to be called */
    size_t unfinished, pendings, limited;
    struct fb_mp_future **of_record; /* [records] */
    uint32_t *free_record, free_records;
    int64_t make_after; /* when workers that could not be made are tried again; 0: none */
};

/* ---- future.c ---- */

struct pool_order {
    fb_mp_function function; /* as workers know it */
    const void *argument;
    size_t size;
    struct pool_bound *bound; /* the future's to be released; NULL: none */
    int64_t limit_ns, grace_ns;
};

/* As fb_mp_submit. On failure the bound is released too. */
int pool_submit(struct fb_mp_pool *pool, const struct pool_order *order,
                struct fb_mp_future **ret_future);

/* As workers of the pool know it. 0 or -EINVAL. */
int pool_find_function(const struct fb_mp_pool *pool, fb_mp_function function,
                       fb_mp_function *ret_known);

/* A bound with one reference, its other fields 0. 0, -ENOMEM or -ENOSPC. */
int pool_bound_make(const void *bytes, size_t size, struct pool_bound **ret_bound);
/* With the mutex of the pool that it is used in. NULL is accepted. */
void pool_bound_release(struct pool_bound *bound);

/* ---- pool_tasks.c: all with the mutex held ---- */

/* Gives records to pending ones as long as there are any, and wakes workers. */
void pool_refill(struct fb_mp_pool *pool);

/* Takes what workers have done. Whether there was anything. */
bool pool_collect(struct fb_mp_pool *pool);

/* Takes what this worker, which is dead, had done and was at. Whether it was at something. */
bool pool_recover_from_death(struct fb_mp_pool *pool, const struct fb_mp_worker_end *end);

/* Wakes who waits, to look again. */
void pool_changed(struct fb_mp_pool *pool);

/* A future becomes done, or cancelled. */
void pool_finish(struct fb_mp_future *future, enum fb_mp_future_state state);

/* The same, with that error: of a map's task for what was not done yet. */
void pool_fail(struct fb_mp_future *future, enum fb_mp_future_state state,
               const struct fb_error *error);

/* Fails all that were not done. */
void pool_fail_all(struct fb_mp_pool *pool, enum fb_mp_future_state state,
                   const struct fb_error *error);

/* Takes its record away unless a worker has it. */
bool pool_withdraw(struct fb_mp_future *future);

/* Waits until something changed, or deadline. With the mutex held, which it gives up meanwhile. */
bool pool_wait(struct fb_mp_pool *pool, int64_t deadline);

void pool_push(struct pool_queue *queue, struct fb_mp_future *future);
struct fb_mp_future *pool_pop(struct pool_queue *queue);

/* ---- futures.c ---- */

/* With the mutex held: tells who waits for it among others. */
void pool_note_done(struct fb_mp_future *future);

/* ---- pool_service.c ---- */

void *pool_serve(void *pool);

/* Waits until whoever was ordered for that line, and has ended or was lost, is gone for sure. */
void pool_wait_until_gone(struct pool_worker *worker);

/* With the mutex held: takes note of workers that have ended, and makes new ones. */
void pool_handle_worker_events(struct fb_mp_pool *pool);

/* ---- pool_memory.c ---- */

/* What workers see: 0 or a negative errno; what is there is freed in any case by the last one. */
int pool_make_shared(struct fb_mp_pool *pool, const struct fb_mp_pool_options *options);
/* Lines for that many workers, in shared memory. */
int pool_make_lines(struct pool_shared *shared, unsigned workers);
/* The owner's lists of records. 0 or -ENOMEM. */
int pool_make_local(struct fb_mp_pool *pool);
/* NULL is accepted. */
void pool_free_shared(struct pool_shared *shared);

/* ---- pool.c, future.c ---- */

/* With the mutex held, which it gives up, as the last one frees it. */
void pool_release(struct fb_mp_pool *pool);

/* With the mutex held, by somebody who has the pool. */
void future_release(struct fb_mp_future *future);

#endif
