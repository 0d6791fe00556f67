/* The shared objects in a manager's server: lists, dicts, values, queues and locks, and their
 * operations. The server is one thread, so operations need no locks: each is done in whole or not at
 * all. */
#ifndef FB_MP_STORE_H
#define FB_MP_STORE_H

#include "harness/mp/manager/wire.h"

#define STORE_WAIT 1 /* a result: the operation can't be done yet */

struct store_pair {
    struct fb_mp_object key, value; /* key first: the tree compares pairs by it */
    struct store_pair *next, *previous;
};

/* Pairs in insertion order (a linked list), and sorted by key (a tree). */
struct store_dict {
    void *tree; /* tsearch's */
    struct store_pair *first, *last;
    size_t count;
};

struct store_list {
    struct fb_mp_object *items;
    size_t first, count, room; /* items[first … first + count - 1] */
    size_t lent;               /* places reserved in front, for lent items that are returned */
};

/* A thread of a client process; client NULL: there is no owner. */
struct store_owner {
    const void *client;
    int64_t thread;
};

struct store_lock {
    struct store_owner owner;
    bool owner_died; /* and no thread has acquired the lock since */
};

/* A shared object. */
struct store_object {
    enum wire_kind kind;
    size_t capacity; /* a queue's; 0: no limit */
    union {
        struct store_list list; /* also for a queue */
        struct store_dict dict;
        struct store_lock lock;
        struct fb_mp_object value;
    };
};

struct store_call {
    struct wire_request *request; /* an operation may move arguments out, leaving nil */
    struct store_owner owner;
    struct fb_mp_object answer; /* the caller frees it, unless borrowed */
    bool borrowed;              /* it belongs to the object; use it at once */
};

static inline struct fb_mp_object *store_argument(const struct store_call *call, size_t index)
{
    return &call->request->argument[index];
}

/* Makes the object that the request describes: [kind, first value or capacity]. 0, -EINVAL or
 * -ENOMEM. */
int store_make(struct store_call *call, struct store_object **ret_thing);
void store_free(struct store_object *object);

/* Performs the request: 0, STORE_WAIT, or an error: -ENOTSUP: not an operation of this kind;
 * -EINVAL: arguments of the wrong type or number; others: see manager.h. */
int store_run(struct store_object *object, struct store_call *call);

/* The client's process has ended: frees the lock if the client held it. */
void store_drop_client(struct store_object *object, const void *client);

/* ---- the kinds ---- */

typedef int (*store_operation)(struct store_object *object, struct store_call *call);

/* store_list.c; at: the index, in 0 … count (add) or 0 … count - 1 (take). */
int store_list_add(struct store_list *list, size_t at, struct fb_mp_object *object);
void store_list_take(struct store_list *list, size_t at, struct fb_mp_object *ret_object);
void store_list_clear(struct store_list *list);
/* Lends the first item. It is later either returned to the front, where its place is reserved, or
 * settled: gone for good. */
void store_list_lend(struct store_list *list, struct fb_mp_object *ret_object);
void store_list_return(struct store_list *list, struct fb_mp_object *object);
void store_list_settle(struct store_list *list);
extern const store_operation store_list_operations[];

/* store_dict.c */
void store_dict_clear(struct store_dict *dict);
extern const store_operation store_dict_operations[];

#endif
