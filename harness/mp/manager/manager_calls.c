#include "harness/mp/manager/manager_internal.h"

#include <errno.h>

/* A call has up to two arguments, and a timeout if it may block. */

static int call(struct fb_mp_proxy *proxy, enum wire_op op, size_t arguments,
                struct fb_mp_object first, struct fb_mp_object second,
                struct fb_mp_object *ret_value)
{
    const struct wire_request request = { .op = op,
                                          .argument = { first, second },
                                          .arguments = arguments };
    return manager_call(proxy, &request, ret_value);
}

static int call_none(struct fb_mp_proxy *proxy, enum wire_op op, struct fb_mp_object *ret_value)
{
    return call(proxy, op, 0, fb_mp_nil(), fb_mp_nil(), ret_value);
}

static int call_one(struct fb_mp_proxy *proxy, enum wire_op op, struct fb_mp_object value,
                    struct fb_mp_object *ret_value)
{
    return call(proxy, op, 1, value, fb_mp_nil(), ret_value);
}

static int call_size(struct fb_mp_proxy *proxy, enum wire_op op, size_t *ret_size)
{
    struct fb_mp_object value = fb_mp_nil();
    int result = call_none(proxy, op, &value);
    if (result == 0 && value.type == FB_MP_INTEGER)
        *ret_size = (size_t)value.integer;
    else if (result == 0)
        result = -EPROTO;
    fb_mp_object_free(&value);
    return result;
}

/* ---- list ---- */

int fb_mp_list_make(struct fb_mp_manager *manager, struct fb_mp_proxy **ret_list)
{
    return manager_make(manager, WIRE_LIST, fb_mp_nil(), ret_list);
}

int fb_mp_list_append(struct fb_mp_proxy *list, struct fb_mp_object value)
{
    return call_one(list, WIRE_LIST_APPEND, value, NULL);
}

int fb_mp_list_extend(struct fb_mp_proxy *list, struct fb_mp_object values)
{
    return call_one(list, WIRE_LIST_EXTEND, values, NULL);
}

int fb_mp_list_get(struct fb_mp_proxy *list, int64_t index, struct fb_mp_object *ret_value)
{
    return call_one(list, WIRE_LIST_GET, fb_mp_integer(index), ret_value);
}

int fb_mp_list_set(struct fb_mp_proxy *list, int64_t index, struct fb_mp_object value)
{
    return call(list, WIRE_LIST_SET, 2, fb_mp_integer(index), value, NULL);
}

int fb_mp_list_pop(struct fb_mp_proxy *list, int64_t index, struct fb_mp_object *ret_value)
{
    return call_one(list, WIRE_LIST_POP, fb_mp_integer(index), ret_value);
}

int fb_mp_list_insert(struct fb_mp_proxy *list, int64_t index, struct fb_mp_object value)
{
    return call(list, WIRE_LIST_INSERT, 2, fb_mp_integer(index), value, NULL);
}

int fb_mp_list_remove(struct fb_mp_proxy *list, struct fb_mp_object value)
{
    return call_one(list, WIRE_LIST_REMOVE, value, NULL);
}

int fb_mp_list_clear(struct fb_mp_proxy *list)
{
    return call_none(list, WIRE_LIST_CLEAR, NULL);
}

int fb_mp_list_length(struct fb_mp_proxy *list, size_t *ret_length)
{
    return call_size(list, WIRE_LIST_LENGTH, ret_length);
}

int fb_mp_list_copy(struct fb_mp_proxy *list, struct fb_mp_object *ret_values)
{
    return call_none(list, WIRE_LIST_COPY, ret_values);
}

/* ---- dict ---- */

int fb_mp_dict_make(struct fb_mp_manager *manager, struct fb_mp_proxy **ret_dict)
{
    return manager_make(manager, WIRE_DICT, fb_mp_nil(), ret_dict);
}

int fb_mp_dict_get(struct fb_mp_proxy *dict, struct fb_mp_object key,
                   struct fb_mp_object *ret_value)
{
    return call_one(dict, WIRE_DICT_GET, key, ret_value);
}

int fb_mp_dict_pop(struct fb_mp_proxy *dict, struct fb_mp_object key,
                   struct fb_mp_object *ret_value)
{
    return call_one(dict, WIRE_DICT_POP, key, ret_value);
}

int fb_mp_dict_set(struct fb_mp_proxy *dict, struct fb_mp_object key, struct fb_mp_object value)
{
    return call(dict, WIRE_DICT_SET, 2, key, value, NULL);
}

int fb_mp_dict_update(struct fb_mp_proxy *dict, struct fb_mp_object pairs)
{
    return call_one(dict, WIRE_DICT_UPDATE, pairs, NULL);
}

int fb_mp_dict_contains(struct fb_mp_proxy *dict, struct fb_mp_object key, bool *ret_contains)
{
    struct fb_mp_object value = fb_mp_nil();
    int result = call_one(dict, WIRE_DICT_CONTAINS, key, &value);
    if (result == 0)
        *ret_contains = value.type == FB_MP_BOOL && value.boolean;
    fb_mp_object_free(&value);
    return result;
}

int fb_mp_dict_keys(struct fb_mp_proxy *dict, struct fb_mp_object *ret_keys)
{
    return call_none(dict, WIRE_DICT_KEYS, ret_keys);
}

int fb_mp_dict_values(struct fb_mp_proxy *dict, struct fb_mp_object *ret_values)
{
    return call_none(dict, WIRE_DICT_VALUES, ret_values);
}

int fb_mp_dict_items(struct fb_mp_proxy *dict, struct fb_mp_object *ret_items)
{
    return call_none(dict, WIRE_DICT_ITEMS, ret_items);
}

int fb_mp_dict_clear(struct fb_mp_proxy *dict)
{
    return call_none(dict, WIRE_DICT_CLEAR, NULL);
}

int fb_mp_dict_length(struct fb_mp_proxy *dict, size_t *ret_length)
{
    return call_size(dict, WIRE_DICT_LENGTH, ret_length);
}

/* ---- value ---- */

int fb_mp_managed_value_make(struct fb_mp_manager *manager, struct fb_mp_object first,
                             struct fb_mp_proxy **ret_value)
{
    return manager_make(manager, WIRE_VALUE, first, ret_value);
}

int fb_mp_managed_value_get(struct fb_mp_proxy *value, struct fb_mp_object *ret_value)
{
    return call_none(value, WIRE_VALUE_GET, ret_value);
}

int fb_mp_managed_value_set(struct fb_mp_proxy *value, struct fb_mp_object to)
{
    return call_one(value, WIRE_VALUE_SET, to, NULL);
}

/* ---- queue ---- */

int fb_mp_managed_queue_make(struct fb_mp_manager *manager, size_t capacity,
                             struct fb_mp_proxy **ret_queue)
{
    if (capacity > INT64_MAX)
        return -EINVAL;
    return manager_make(manager, WIRE_QUEUE, fb_mp_integer((int64_t)capacity), ret_queue);
}

int fb_mp_managed_queue_put(struct fb_mp_proxy *queue, struct fb_mp_object value,
                            int64_t timeout_ns)
{
    const struct wire_request request = {
        .op = WIRE_QUEUE_PUT, .timeout_ns = timeout_ns, .argument = { value }, .arguments = 1
    };
    return manager_call(queue, &request, NULL);
}

int fb_mp_managed_queue_get(struct fb_mp_proxy *queue, int64_t timeout_ns,
                            struct fb_mp_object *ret_value)
{
    const struct wire_request request = { .op = WIRE_QUEUE_GET, .timeout_ns = timeout_ns };
    return manager_call(queue, &request, ret_value);
}

int fb_mp_managed_queue_size(struct fb_mp_proxy *queue, size_t *ret_size)
{
    return call_size(queue, WIRE_QUEUE_SIZE, ret_size);
}

/* ---- lock ---- */

int fb_mp_managed_lock_make(struct fb_mp_manager *manager, struct fb_mp_proxy **ret_lock)
{
    return manager_make(manager, WIRE_LOCK, fb_mp_nil(), ret_lock);
}

int fb_mp_managed_lock_acquire(struct fb_mp_proxy *lock, int64_t timeout_ns)
{
    const struct wire_request request = { .op = WIRE_LOCK_ACQUIRE, .timeout_ns = timeout_ns };
    return manager_call(lock, &request, NULL);
}

int fb_mp_managed_lock_release(struct fb_mp_proxy *lock)
{
    return call_none(lock, WIRE_LOCK_RELEASE, NULL);
}
