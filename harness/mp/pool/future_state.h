/* The owner's view of a pool and its futures, and what happens when a future becomes done. All
 * functions are called with the pool's mutex held. */
#ifndef FB_MP_FUTURE_STATE_H
#define FB_MP_FUTURE_STATE_H

#include "harness/mp/pool/pool_shared.h"
#include "harness/mp/process/supervisor.h"

struct fb_mp_future {
    struct fb_mp_pool *pool;
    struct fb_mp_future *next; /* in pool->pending or pool->callbacks_due */
    unsigned references;       /* the user's handle, and the pool until it is done */
    enum fb_mp_future_state state;
    uint64_t serial; /* counts futures in the order in which they became done; 0: not done */
    uint32_t record; /* record number + 1; 0: none */
    unsigned tries;  /* how often it was put into the ring */
    fb_mp_function function;
    struct pool_bound *bound;
    bool has_item_codes; /* each item of a map has its own code; else error is for all of them */
    bool must_cancel;    /* it was cancelled while it ran */
    int64_t limit_ns, grace_ns;
    int64_t kill_at_ns;             /* when SIGKILL follows the SIGTERM that its worker got */
    struct pool_callback *callback; /* in order of registration */
    struct pool_link *link;         /* to the completions that wait for it */
    void *argument;                 /* in the heap if it is large */
    size_t size;
    uint64_t index; /* of a map: the first item, or the one that failed first */
    void *bytes;    /* the result */
    size_t bytes_size;
    struct fb_error error;
    _Alignas(16) char inline_argument[TASK_ARGUMENT];
    _Alignas(16) char inline_bytes[TASK_REPLY];
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
    pthread_mutex_t mutex;  /* guards all members below */
    pthread_cond_t changed; /* a future became done, or a worker ended */
    unsigned references;
    struct pool_shared *shared; /* NULL after close */
    struct fb_mp_supervisor *supervisor;
    int notify_fd; /* eventfd that wakes the service thread */
    int *fd;       /* descriptors for workers: the user's, then notify_fd */
    bool has_service, service_must_end;
    pthread_t service;
    unsigned workers, alive, retries;
    /* How many forkservers were lost, and the number when a worker last became ready. */
    unsigned forkserver_losses, forkserver_losses_before;
    unsigned failed_starts; /* workers in a row that were killed before they became ready */
    unsigned joiners; /* threads that handle the ends of workers instead of the service thread */
    bool shut_down;   /* no more tasks are accepted */
    bool terminated;  /* all that is left to do is fb_mp_pool_close */
    struct fb_error broken;
    bool has_sleeper; /* one thread sleeps on shared->tasks_done for all that wait */
    uint64_t tail;    /* the next position in the ring */
    uint64_t serial, deaths;
    struct pool_queue pending;       /* futures without a record */
    struct pool_queue callbacks_due; /* done futures whose callbacks have yet to be called */
    size_t unfinished, pending_count;
    size_t limited; /* unfinished futures with a limit, or cancelled while running */
    struct fb_mp_future **of_record; /* [records] */
    uint32_t *free_record, free_records;
    int64_t make_after_ns; /* when to try again to make workers that could not be made; 0: now */
};

/* Connects a future with a completion that waits for it. */
struct pool_link {
    struct pool_link *next;  /* of the same future */
    struct pool_link *later; /* the one that became done after it */
    struct fb_mp_completion *completion;
    size_t index;
};

struct fb_mp_completion {
    struct fb_mp_pool *pool;
    struct fb_mp_future *const *future; /* [count] one for each link */
    size_t count, done, taken;
    bool failed;
    int64_t deadline;
    struct pool_link *first, *last; /* done, but not yet returned by fb_mp_completion_next */
    struct pool_link link[];
};

void pool_push(struct pool_queue *queue, struct fb_mp_future *future);
struct fb_mp_future *pool_pop(struct pool_queue *queue);

/* Adds the link to its completion's list of done futures. */
void pool_link_done(struct pool_link *link);

/* Wakes all threads that wait for a change of the pool. */
void pool_notify_waiters(struct fb_mp_pool *pool);

/* The future, which has no record any more, becomes FB_MP_DONE or FB_MP_CANCELLED. */
void pool_set_done(struct fb_mp_future *future, enum fb_mp_future_state state);

/* Drops a reference to the pool and unlocks the mutex; the last reference frees the pool. */
void pool_release(struct fb_mp_pool *pool);

/* Drops a reference to the future. The caller has a reference to the pool. */
void future_release(struct fb_mp_future *future);

#endif
