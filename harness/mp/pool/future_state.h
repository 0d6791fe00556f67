/* What the owner of a pool knows of it, and of its futures. */
#ifndef FB_MP_FUTURE_STATE_H
#define FB_MP_FUTURE_STATE_H

#include "harness/mp/pool/pool_shared.h"
#include "harness/mp/process/supervisor.h"

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

struct pool_link {
    struct pool_link *next;  /* of the same future */
    struct pool_link *later; /* that became done after it */
    struct fb_mp_completion *of;
    size_t index;
};

struct fb_mp_completion {
    struct fb_mp_pool *pool;
    struct fb_mp_future *const *future; /* [count] the links' */
    size_t count, done, taken;
    bool failed;
    int64_t deadline;
    struct pool_link *first, *last; /* done, not taken */
    struct pool_link link[];
};

void pool_push(struct pool_queue *queue, struct fb_mp_future *future);
struct fb_mp_future *pool_pop(struct pool_queue *queue);

/* Wakes who waits, to look again. */
void pool_changed(struct fb_mp_pool *pool);

/* A future becomes done, or cancelled. It has no record. */
void pool_set_done(struct fb_mp_future *future, enum fb_mp_future_state state);

/* With the mutex held, which it gives up, as the last one frees it. */
void pool_release(struct fb_mp_pool *pool);

/* With the mutex held, by somebody who has the pool. */
void future_release(struct fb_mp_future *future);

#endif
