/* A manager: a server process that holds lists, dicts, values, queues and locks, and proxies that
 * access them from any process that has the manager's address. Slower than shared memory, but works
 * for values of any size and shape, and for processes that share no memory.
 *
 * A blocking call of one thread or process does not delay the calls of others. All functions return
 * 0 or a negative errno: the errors listed at each function, or
 * -EPIPE     the server has ended
 * -ENOENT    the object no longer exists, because no process had a proxy for it
 * -EMSGSIZE, -ELOOP  a value is larger than 1 GiB, or nested deeper than FB_MP_DEPTH
 * -ENOTSUP   objects of this kind have no such operation
 * -EMFILE, -ENOMEM   no descriptors or memory for the call, here or in the server
 * The caller keeps ownership of the values it passes, and frees returned values with
 * fb_mp_object_free.
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

/* Ends the server if this process started it, otherwise only disconnects from it. Close its proxies
 * first: they must not be used afterwards. NULL is accepted. */
void fb_mp_manager_close(struct fb_mp_manager *manager);

/* What another process needs to connect. Plain bytes, which can be passed as an argument or in a
 * message. Any process of the same user that has it can use the server. A forked process can use the
 * inherited manager and proxies directly; the server counts its proxy from the first use on. */
struct fb_mp_manager_address {
    char name[48];
    unsigned char key[32];
};
void fb_mp_manager_address(const struct fb_mp_manager *manager,
                           struct fb_mp_manager_address *ret_address);

/* 0 and *ret_manager (close it with fb_mp_manager_close); -EPIPE: there is no such server;
 * -EACCES: it belongs to another user, or the key is wrong. */
int fb_mp_manager_connect(const struct fb_mp_manager_address *address,
                          struct fb_mp_manager **ret_manager);

/* ---- proxies ---- */

/* An object exists as long as some process has a proxy for it; the proxies of terminated processes
 * don't count. The number identifies the object: other processes open a proxy with it while the
 * object exists. */
uint64_t fb_mp_proxy_number(const struct fb_mp_proxy *proxy);
int fb_mp_proxy_open(struct fb_mp_manager *manager, uint64_t number,
                     struct fb_mp_proxy **ret_proxy);
void fb_mp_proxy_close(struct fb_mp_proxy *proxy); /* NULL is accepted */

/* ---- list ---- */

int fb_mp_list_make(struct fb_mp_manager *manager, struct fb_mp_proxy **ret_list);
int fb_mp_list_append(struct fb_mp_proxy *list, struct fb_mp_object value);
int fb_mp_list_extend(struct fb_mp_proxy *list, struct fb_mp_object values); /* a list */
/* A negative index counts from the end: -1 is the last item. -ERANGE: there is no such item. */
int fb_mp_list_get(struct fb_mp_proxy *list, int64_t index, struct fb_mp_object *ret_value);
int fb_mp_list_set(struct fb_mp_proxy *list, int64_t index, struct fb_mp_object value);
int fb_mp_list_pop(struct fb_mp_proxy *list, int64_t index, struct fb_mp_object *ret_value);
/* Inserts before the item at that index. An index beyond either end inserts at that end. */
int fb_mp_list_insert(struct fb_mp_proxy *list, int64_t index, struct fb_mp_object value);
/* Removes the first item that is equal; -ENOENT: there is none. */
int fb_mp_list_remove(struct fb_mp_proxy *list, struct fb_mp_object value);
int fb_mp_list_clear(struct fb_mp_proxy *list);
int fb_mp_list_length(struct fb_mp_proxy *list, size_t *ret_length);
int fb_mp_list_copy(struct fb_mp_proxy *list, struct fb_mp_object *ret_values);

/* ---- dict: in insertion order; a key must not be a list or a dict ---- */

int fb_mp_dict_make(struct fb_mp_manager *manager, struct fb_mp_proxy **ret_dict);
/* -ENOENT: there is no such key. */
int fb_mp_dict_get(struct fb_mp_proxy *dict, struct fb_mp_object key,
                   struct fb_mp_object *ret_value);
int fb_mp_dict_pop(struct fb_mp_proxy *dict, struct fb_mp_object key,
                   struct fb_mp_object *ret_value);
/* -EINVAL: the key is a list or a dict. */
int fb_mp_dict_set(struct fb_mp_proxy *dict, struct fb_mp_object key, struct fb_mp_object value);
int fb_mp_dict_update(struct fb_mp_proxy *dict, struct fb_mp_object pairs); /* a dict */
int fb_mp_dict_contains(struct fb_mp_proxy *dict, struct fb_mp_object key, bool *ret_contains);
int fb_mp_dict_keys(struct fb_mp_proxy *dict, struct fb_mp_object *ret_keys);
int fb_mp_dict_values(struct fb_mp_proxy *dict, struct fb_mp_object *ret_values);
/* A list of lists of two items: key and value. */
int fb_mp_dict_items(struct fb_mp_proxy *dict, struct fb_mp_object *ret_items);
int fb_mp_dict_clear(struct fb_mp_proxy *dict);
int fb_mp_dict_length(struct fb_mp_proxy *dict, size_t *ret_length);

/* ---- value ---- */

int fb_mp_managed_value_make(struct fb_mp_manager *manager, struct fb_mp_object first,
                             struct fb_mp_proxy **ret_value);
int fb_mp_managed_value_get(struct fb_mp_proxy *value, struct fb_mp_object *ret_value);
int fb_mp_managed_value_set(struct fb_mp_proxy *value, struct fb_mp_object to);

/* ---- queue ---- */

/* capacity 0: no limit. */
int fb_mp_managed_queue_make(struct fb_mp_manager *manager, size_t capacity,
                             struct fb_mp_proxy **ret_queue);
/* -ETIMEDOUT: the queue is full (put) or empty (get). An item that a process could not receive,
 * because it was terminated or has no memory for it, returns to the front of the queue. */
int fb_mp_managed_queue_put(struct fb_mp_proxy *queue, struct fb_mp_object value,
                            int64_t timeout_ns);
int fb_mp_managed_queue_get(struct fb_mp_proxy *queue, int64_t timeout_ns,
                            struct fb_mp_object *ret_value);
int fb_mp_managed_queue_size(struct fb_mp_proxy *queue, size_t *ret_size);

/* ---- lock: owned by a thread, like fb_mp_lock ---- */

int fb_mp_managed_lock_make(struct fb_mp_manager *manager, struct fb_mp_proxy **ret_lock);
/* 0; -EOWNERDEAD: the caller has the lock, but the previous owner's process terminated while it held
 * it (reported once); -ETIMEDOUT; -EDEADLK: this thread holds it already. */
int fb_mp_managed_lock_acquire(struct fb_mp_proxy *lock, int64_t timeout_ns);
int fb_mp_managed_lock_release(struct fb_mp_proxy *lock); /* -EPERM: this thread does not hold it */

#endif
