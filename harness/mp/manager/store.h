/* What a manager's server keeps: lists, dicts, values, queues and locks, and their operations. For
 * the server, which is one thread: each operation is done at once, in whole or not at all. */
#ifndef FB_MP_STORE_H
#define FB_MP_STORE_H

#include "harness/mp/manager/wire.h"

#define STORE_WAIT 1 /* as a result: what it needs is not there yet */

struct store_pair {
    struct fb_mp_object key, value; /* first, as the tree of pairs compares keys */
    struct store_pair *next, *before;
};

/* In the order in which keys came, and by key. */
struct store_dict {
    void *tree; /* tsearch's */
    struct store_pair *first, *last;
    size_t count;
};

struct store_list {
    struct fb_mp_object *items;
    size_t first, count, room; /* items[first … first + count - 1] */
    size_t lent;               /* so many places in front are for what may come back */
};

/* Of which process and thread; client NULL: nobody. */
struct store_owner {
    const void *client;
    int64_t thread;
};

struct store_lock {
    struct store_owner owner;
    bool left; /* its owner has died */
};

/* A shared object. */
struct store_thing {
    enum wire_kind kind;
    size_t capacity; /* of a queue; 0: as many as there is memory for */
    union {
        struct store_list list; /* and of a queue */
        struct store_dict dict;
        struct store_lock lock;
        struct fb_mp_object value;
    };
};

struct store_call {
    struct wire_request *request; /* an operation may take its arguments, leaving nil */
    struct store_owner owner;
    struct fb_mp_object answer; /* the caller's to be freed, unless borrowed */
    bool borrowed;              /* it belongs to the thing, and is to be used now */
};

static inline struct fb_mp_object *store_argument(const struct store_call *call, size_t index)
{
    return &call->request->argument[index];
}

/* Makes one as the request says: [kind, first value or capacity]. 0, -EINVAL or -ENOMEM. */
int store_make(struct store_call *call, struct store_thing **ret_thing);
void store_free(struct store_thing *thing);

/* Does the request: 0, STORE_WAIT, or what it failed with: -ENOTSUP it is not for this kind,
 * -EINVAL arguments of the wrong type or number, or as manager.h says. */
int store_run(struct store_thing *thing, struct store_call *call);

/* A client is gone: what it had locked is free. */
void store_leave(struct store_thing *thing, const void *client);

/* ---- of the kinds ---- */

typedef int (*store_operation)(struct store_thing *thing, struct store_call *call);

/* store_list.c; at: where to, in 0 … count. */
int store_list_add(struct store_list *list, size_t at, struct fb_mp_object *object);
void store_list_take(struct store_list *list, size_t at, struct fb_mp_object *ret_object);
void store_list_clear(struct store_list *list);
/* Lends the first object, which either comes back, in front, for which there is always room, or is
 * settled. */
void store_list_lend(struct store_list *list, struct fb_mp_object *ret_object);
void store_list_return(struct store_list *list, struct fb_mp_object *object);
void store_list_settle(struct store_list *list);
extern const store_operation store_list_operations[];

/* store_dict.c */
void store_dict_clear(struct store_dict *dict);
extern const store_operation store_dict_operations[];

#endif
