/* Which objects a manager's server keeps, and for whom: an object lives as long as a process refers
 * to it. */
#ifndef FB_MP_OBJECT_TABLE_H
#define FB_MP_OBJECT_TABLE_H

#include "harness/mp/core/identity.h"
#include "harness/mp/manager/store.h"

/* How often a process refers to an object. */
struct reference {
    uint64_t id;
    unsigned count;
};

/* A process that has connections. */
struct client {
    struct client *next;
    struct fb_mp_identity process;
    unsigned connections;
    struct reference *reference;
    size_t references;
};

/* That of the process, made if need be; NULL: no memory. */
struct client *object_table_client(const struct fb_mp_identity *process);

/* The process has ended: forgets it, all that only it referred to, and that it had locked. */
void object_table_drop_client(struct client *client);

/* Makes an object, to which the client refers: its id, above 0, is the call's answer. 0 or as
 * store_make. */
int object_table_make(struct store_call *call, struct client *client);

/* 0, -ENOENT: there is no such object, or the client does not refer to it; -ENOMEM. */
int object_table_refer(struct client *client, uint64_t id);
int object_table_unrefer(struct client *client, uint64_t id);

/* The object or NULL. */
struct store_thing *object_table_find(uint64_t id);

#endif
