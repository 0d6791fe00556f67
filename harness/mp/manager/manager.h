/* A manager: a server process that keeps lists, dicts, values, queues and locks for any process
 * that knows its address, and proxies through which they are used. Slower than shared memory, but
 * for values of any size and shape, and for processes that share no memory.
 *
 * Calls from several threads or processes don't wait for one another's blocking calls. All return 0
 * or a negative errno, as of the operation in the server, or:
 * -EPIPE     the server has ended
 * -ENOENT    also: the object is gone, since nobody had a proxy for it any more
 * -EMSGSIZE, -ELOOP  a value is larger than 1 GiB, or nested deeper than FB_MP_DEPTH
 * -ENOTSUP   that is not for an object of this kind
 * -EMFILE, -ENOMEM   this process or the machine has no room for a call
 * Values that are passed stay the caller's; those that come back are freed with fb_mp_object_free.
 */
#ifndef FB_MP_MANAGER_H
#define FB_MP_MANAGER_H

#include "harness/mp/core/deadline.h"
#include "harness/mp/manager/object.h"
#include "harness/mp/process/process.h"

struct fb_mp_manager;
struct fb_mp_proxy;

/* Starts a server. It ends with fb_mp_manager_close, or when this process ends. 0 and *ret_manager,
 * or a negative errno with *error, as from fb_mp_process_start. */
int fb_mp_manager_start(enum fb_mp_method method, struct fb_mp_manager **ret_manager,
                        struct fb_error *error);

/* Ends the server if this process started it, else only the use of it. Close its proxies before:
 * after this they must not be used. NULL is accepted. */
void fb_mp_manager_close(struct fb_mp_manager *manager);

/* What another process needs to know, as bytes: part of an argument, or a message. Who knows it can
 * use the server, if it is the same user's. A forked process may use the manager and its proxies as
 * they are; it has a proxy, as far as the server knows, from its first use of that on. */
struct fb_mp_manager_address {
    char name[48];
    unsigned char key[32];
};
void fb_mp_manager_address(const struct fb_mp_manager *manager,
                           struct fb_mp_manager_address *ret_address);

/* 0 and *ret_manager (fb_mp_manager_close), -EPIPE: there is no such server, -EACCES: it is another
 * user's or the key is wrong. */
int fb_mp_manager_connect(const struct fb_mp_manager_address *address,
                          struct fb_mp_manager **ret_manager);

/* ---- proxies ---- */

/* An object lives as long as a process has a proxy for it: what a process that died had counts no
 * more. The number names it in other processes, which open it there while it lives. */
uint64_t fb_mp_proxy_number(const struct fb_mp_proxy *proxy);
int fb_mp_proxy_open(struct fb_mp_manager *manager, uint64_t number,
                     struct fb_mp_proxy **ret_proxy);
void fb_mp_proxy_close(struct fb_mp_proxy *proxy); /* NULL is accepted */

/* ---- list ---- */

int fb_mp_list_make(struct fb_mp_manager *manager, struct fb_mp_proxy **ret_list);
int fb_mp_list_append(struct fb_mp_proxy *list, struct fb_mp_object value);
int fb_mp_list_extend(struct fb_mp_proxy *list, struct fb_mp_object values); /* a list */
/* An index below 0 counts from the end: -1 is the last. -ERANGE: there is no such. */
int fb_mp_list_get(struct fb_mp_proxy *list, int64_t index, struct fb_mp_object *ret_value);
int fb_mp_list_set(struct fb_mp_proxy *list, int64_t index, struct fb_mp_object value);
int fb_mp_list_pop(struct fb_mp_proxy *list, int64_t index, struct fb_mp_object *ret_value);
/* Before the one at that index; beyond either end: there. */
int fb_mp_list_insert(struct fb_mp_proxy *list, int64_t index, struct fb_mp_object value);
/* The first that is equal; -ENOENT: none is. */
int fb_mp_list_remove(struct fb_mp_proxy *list, struct fb_mp_object value);
int fb_mp_list_clear(struct fb_mp_proxy *list);
int fb_mp_list_length(struct fb_mp_proxy *list, size_t *ret_length);
int fb_mp_list_copy(struct fb_mp_proxy *list, struct fb_mp_object *ret_values);

/* ---- dict: in the order in which keys came; a key is neither list nor dict ---- */

int fb_mp_dict_make(struct fb_mp_manager *manager, struct fb_mp_proxy **ret_dict);
/* -ENOENT: no such key. */
int fb_mp_dict_get(struct fb_mp_proxy *dict, struct fb_mp_object key,
                   struct fb_mp_object *ret_value);
int fb_mp_dict_pop(struct fb_mp_proxy *dict, struct fb_mp_object key,
                   struct fb_mp_object *ret_value);
/* -EINVAL: that is no key. */
int fb_mp_dict_set(struct fb_mp_proxy *dict, struct fb_mp_object key, struct fb_mp_object value);
int fb_mp_dict_update(struct fb_mp_proxy *dict, struct fb_mp_object pairs); /* a dict */
int fb_mp_dict_contains(struct fb_mp_proxy *dict, struct fb_mp_object key, bool *ret_contains);
int fb_mp_dict_keys(struct fb_mp_proxy *dict, struct fb_mp_object *ret_keys);
int fb_mp_dict_values(struct fb_mp_proxy *dict, struct fb_mp_object *ret_values);
/* A list of lists of two. */
int fb_mp_dict_items(struct fb_mp_proxy *dict, struct fb_mp_object *ret_items);
int fb_mp_dict_clear(struct fb_mp_proxy *dict);
int fb_mp_dict_length(struct fb_mp_proxy *dict, size_t *ret_length);

/* ---- value ---- */

int fb_mp_managed_value_make(struct fb_mp_manager *manager, struct fb_mp_object first,
                             struct fb_mp_proxy **ret_value);
int fb_mp_managed_value_get(struct fb_mp_proxy *value, struct fb_mp_object *ret_value);
int fb_mp_managed_value_set(struct fb_mp_proxy *value, struct fb_mp_object to);

/* ---- queue: capacity 0: without a limit ---- */

int fb_mp_managed_queue_make(struct fb_mp_manager *manager, size_t capacity,
                             struct fb_mp_proxy **ret_queue);
/* -ETIMEDOUT: it is full, or empty. What a process was given and could not read, since it died or
 * has no memory for it, is in the queue again, in front. */
int fb_mp_managed_queue_put(struct fb_mp_proxy *queue, struct fb_mp_object value,
                            int64_t timeout_ns);
int fb_mp_managed_queue_get(struct fb_mp_proxy *queue, int64_t timeout_ns,
                            struct fb_mp_object *ret_value);
int fb_mp_managed_queue_size(struct fb_mp_proxy *queue, size_t *ret_size);

/* ---- lock: as fb_mp_lock, a thread's ---- */

int fb_mp_managed_lock_make(struct fb_mp_manager *manager, struct fb_mp_proxy **ret_lock);
/* 0; -EOWNERDEAD: it is held now, but the process that had it before died with it (told once);
 * -ETIMEDOUT; -EDEADLK: this thread holds it already. */
int fb_mp_managed_lock_acquire(struct fb_mp_proxy *lock, int64_t timeout_ns);
int fb_mp_managed_lock_release(struct fb_mp_proxy *lock); /* -EPERM: this thread does not hold it */

#endif
