/* The objects in a manager's server and the client processes that refer to them: an object exists
 * as long as a process refers to it. */
#ifndef FB_MP_OBJECT_TABLE_H
#define FB_MP_OBJECT_TABLE_H

#include "harness/mp/core/identity.h"
#include "harness/mp/manager/store.h"

/* How many references a process has to an object. */
struct reference {
    uint64_t id;
    unsigned count;
};

/* A process with connections to the server. */
struct client {
    struct client *next;
    struct fb_mp_identity process;
    unsigned connections;
    struct reference *reference;
    size_t references;
};

/* The client for the process, created if there is none; NULL: no memory. */
struct client *object_table_client(const struct fb_mp_identity *process);

/* The process has ended: removes the client and the objects that only it referred to, and frees the
 * locks that it held. */
void object_table_drop_client(struct client *client);

/* Makes an object with a reference from the client. The call's answer is the object's id, above 0.
 * 0 or an error of store_make. */
int object_table_make(struct store_call *call, struct client *client);

/* 0, -ENOENT: there is no such object, or the client does not refer to it; -ENOMEM. */
int object_table_refer(struct client *client, uint64_t id);
int object_table_unrefer(struct client *client, uint64_t id);

/* The object or NULL. */
struct store_object *object_table_find(uint64_t id);

#endif
