#include "harness/mp/manager/store.h"

#include <errno.h>
#include <stdlib.h>

/* ---- value ---- */

static int get_value(struct store_object *object, struct store_call *call)
{
    call->answer = object->value;
    call->borrowed = true;
    return 0;
}

static int set_value(struct store_object *object, struct store_call *call)
{
    fb_mp_object_free(&object->value);
    object->value = *store_argument(call, 0);
    *store_argument(call, 0) = fb_mp_nil();
    return 0;
}

static const store_operation value_operations[WIRE_OPS] = {
    [WIRE_VALUE_GET] = get_value,
    [WIRE_VALUE_SET] = set_value,
};

/* ---- queue ---- */

static int put(struct store_object *object, struct store_call *call)
{
    if (object->capacity && object->list.count >= object->capacity)
        return STORE_WAIT;
    return store_list_add(&object->list, object->list.count, store_argument(call, 0));
}

static int get(struct store_object *object, struct store_call *call)
{
    if (object->list.count == 0)
        return STORE_WAIT;
    store_list_lend(&object->list, &call->answer);
    return 0;
}

static int size(struct store_object *object, struct store_call *call)
{
    call->answer = fb_mp_integer((int64_t)object->list.count);
    return 0;
}

static const store_operation queue_operations[WIRE_OPS] = {
    [WIRE_QUEUE_PUT] = put,
    [WIRE_QUEUE_GET] = get,
    [WIRE_QUEUE_SIZE] = size,
};

/* ---- lock ---- */

static bool is_owner(const struct store_lock *lock, const struct store_owner *owner)
{
    return lock->owner.client == owner->client && lock->owner.thread == owner->thread;
}

static int acquire(struct store_object *object, struct store_call *call)
{
    struct store_lock *lock = &object->lock;
    if (lock->owner.client)
        return is_owner(lock, &call->owner) ? -EDEADLK : STORE_WAIT;
    lock->owner = call->owner;
    bool owner_died = lock->owner_died;
    lock->owner_died = false;
    return owner_died ? -EOWNERDEAD : 0;
}

static int release(struct store_object *object, struct store_call *call)
{
    if (!is_owner(&object->lock, &call->owner))
        return -EPERM;
    object->lock.owner.client = NULL;
    return 0;
}

static const store_operation lock_operations[WIRE_OPS] = {
    [WIRE_LOCK_ACQUIRE] = acquire,
    [WIRE_LOCK_RELEASE] = release,
};

/* ---- */

static const store_operation *const operations[WIRE_KINDS] = {
    [WIRE_LIST] = store_list_operations, [WIRE_DICT] = store_dict_operations,
    [WIRE_VALUE] = value_operations,     [WIRE_QUEUE] = queue_operations,
    [WIRE_LOCK] = lock_operations,
};

static const size_t arguments[WIRE_OPS] = {
    [WIRE_MAKE] = 2,        [WIRE_LIST_APPEND] = 1, [WIRE_LIST_EXTEND] = 1,
    [WIRE_LIST_GET] = 1,    [WIRE_LIST_SET] = 2,    [WIRE_LIST_INSERT] = 2,
    [WIRE_LIST_POP] = 1,    [WIRE_LIST_REMOVE] = 1, [WIRE_DICT_GET] = 1,
    [WIRE_DICT_SET] = 2,    [WIRE_DICT_POP] = 1,    [WIRE_DICT_CONTAINS] = 1,
    [WIRE_DICT_UPDATE] = 1, [WIRE_VALUE_SET] = 1,   [WIRE_QUEUE_PUT] = 1,
};

static bool has_arguments(const struct wire_request *request)
{
    return request->arguments == arguments[request->op];
}

int store_make(struct store_call *call, struct store_object **ret_thing)
{
    struct fb_mp_object *kind = store_argument(call, 0), *first = store_argument(call, 1);
    if (!has_arguments(call->request) || kind->type != FB_MP_INTEGER || kind->integer < 0 ||
        kind->integer >= WIRE_KINDS)
        return -EINVAL;
    if (kind->integer == WIRE_QUEUE && (first->type != FB_MP_INTEGER || first->integer < 0))
        return -EINVAL;
    struct store_object *object = calloc(1, sizeof *object);
    if (!object)
        return -ENOMEM;
    object->kind = (enum wire_kind)kind->integer;
    if (object->kind == WIRE_QUEUE)
        object->capacity = (size_t)first->integer;
    if (object->kind == WIRE_VALUE) {
        object->value = *first;
        *first = fb_mp_nil();
    }
    *ret_thing = object;
    return 0;
}

void store_free(struct store_object *object)
{
    if (object->kind == WIRE_LIST || object->kind == WIRE_QUEUE)
        store_list_clear(&object->list);
    else if (object->kind == WIRE_DICT)
        store_dict_clear(&object->dict);
    else if (object->kind == WIRE_VALUE)
        fb_mp_object_free(&object->value);
    free(object);
}

int store_run(struct store_object *object, struct store_call *call)
{
    store_operation operation = operations[object->kind][call->request->op];
    if (!operation)
        return -ENOTSUP;
    return has_arguments(call->request) ? operation(object, call) : -EINVAL;
}

void store_drop_client(struct store_object *object, const void *client)
{
    if (object->kind != WIRE_LOCK || object->lock.owner.client != client)
        return;
    object->lock.owner.client = NULL;
    object->lock.owner_died = true;
}
